"""The table of metrics against vLLM's own names by version, and the PromQL that it gives."""

from __future__ import annotations

import pytest

from planning.backends.table import backends
from planning.model import Via
from planning.scaling.metric_table import adapter_rule, expression, gpus_selector, pods_selector, query, row_for, table
from planning.versions.vllm_versions import OLDEST_SUPPORTED, Version, metrics, newest_known
from settings.autoscaling import MEANT, MetricKind

VERSIONS: list[Version] = [(0, minor, 0) for minor in range(OLDEST_SUPPORTED[1], newest_known()[1] + 1)]


@pytest.mark.parametrize("kind", [str(kind) for kind in MetricKind])
def test_every_version_exports_what_its_row_reads(kind: str) -> None:
    for version in VERSIONS:
        row = row_for(kind, version)
        ours = [name for name in row.series if name.startswith("vllm:")]
        assert set(ours) <= metrics(version), (kind, version)
        assert all(name in row.expression for name in ours) or kind == "demand"
        assert row.unit
        assert row.why
        assert row.source


def test_a_version_newer_than_the_table_has_the_newest_row() -> None:
    assert row_for("queueDepth", (0, 99, 0)) == row_for("queueDepth", newest_known())


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(LookupError, match="inFlight"):
        row_for("latency", (0, 33, 0))


def test_only_what_does_not_add_up_is_taken_as_it_is() -> None:
    assert {row.kind for row in table() if row.value_type == "Value"} == {"timeToFirstToken"}
    assert {row.value_type for row in table()} == {"Value", "AverageValue"}


def test_each_row_is_served_under_a_name_of_its_own() -> None:
    names = [row.name for row in table()]
    assert len(names) == len(set(names))
    assert all(row.record for row in table() if row.via is Via.SERVICE)


def test_pods_are_matched_exactly_and_no_model_whose_name_begins_alike() -> None:
    import re

    assert pods_selector("models", "chat") == 'namespace="models",job="models/chat"'
    pattern = re.search(r'exported_pod=~"(.+)"', gpus_selector("models", backends()["deployment"].pods_of("chat")))
    assert pattern is not None
    assert re.fullmatch(pattern[1], "chat-6d4cf56db6-x7k2p")
    assert not re.fullmatch(pattern[1], "chat-large-6d4cf56db6-x7k2p")


def test_the_whole_models_number_and_a_pods_come_from_one_text() -> None:
    row = row_for("tokensPerSecond", (0, 33, 0))
    assert query(row, "models", "chat", 90) == (
        'sum(rate(vllm:generation_tokens_total{namespace="models",job="models/chat"}[90s]))'
    )
    assert adapter_rule(row, 90).query == (
        "sum by (<<.GroupBy>>) (rate(vllm:generation_tokens_total{<<.LabelMatchers>>}[90s]))"
    )
    recorded = row_for("timeToFirstToken", (0, 33, 0))
    assert query(recorded, "models", "chat", 90) == (
        'vllm_on_eks:time_to_first_token:seconds{namespace="models",service="chat"}'
    )
    assert "<" not in expression(recorded, "models", "chat", 90).replace("<=", "")


def test_names_that_people_bring_along_mean_a_kind_that_exists() -> None:
    assert set(MEANT.values()) <= set(MetricKind)
    assert "gpu_cache_usage_perc" not in {name.removeprefix("vllm:") for name in metrics(newest_known())}
