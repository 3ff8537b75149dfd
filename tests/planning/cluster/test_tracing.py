"""Traces: what servers are told, where spans may go, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from planning.model import Severity
from tests.planning.stacks import errors, model, planned, refusal

INSIDE = {"kind": "collector", "endpoint": "http://tempo.observability.svc:4317"}
OUTSIDE = {"kind": "collector", "endpoint": "https://otlp.acme.dev", "headersSecret": "otlp", "samplingPercent": 0.5}


def test_a_traced_server_is_told_where_to_send_how_many_and_under_which_name() -> None:
    plan = planned(tracing=OUTSIDE)
    (served,) = plan.models
    assert served.args[-1] == "--otlp-traces-endpoint=http://otel-collector.tracing.svc:4317"
    assert served.env["OTEL_SERVICE_NAME"] == "chat"
    assert (served.env["OTEL_TRACES_SAMPLER"], served.env["OTEL_TRACES_SAMPLER_ARG"]) == (
        "parentbased_traceidratio",
        "0.005",
    )
    (collector,) = plan.operators
    assert collector.tracing is not None
    assert (collector.tracing.export_host, collector.tracing.export_port) == ("otlp.acme.dev", 4317)
    assert collector.tracing.export_namespace is None
    assert collector.tracing.encrypted


def test_a_service_of_the_cluster_is_reached_in_its_namespace_only() -> None:
    tracing = planned(tracing=INSIDE).operators[0].tracing
    assert tracing is not None
    assert (tracing.export_namespace, tracing.export_port, tracing.encrypted) == ("observability", 4317, False)
    http = planned(tracing={**INSIDE, "endpoint": "http://tempo.observability.svc/otlp", "protocol": "http"})
    assert http.operators[0].tracing is not None
    assert http.operators[0].tracing.export_port == 4318


def test_without_the_section_or_for_a_model_that_says_so_nothing_is_sent() -> None:
    for plan in (planned(), planned(tracing=INSIDE, models=[model(tracing=False)])):
        (served,) = plan.models
        assert served.tracing is None
        assert not any("otlp" in argument for argument in served.args)
        assert not any(name.startswith("OTEL_") for name in served.env)
    assert planned().operators == ()


@pytest.mark.parametrize(
    ("tracing", "words"),
    [
        ({"endpoint": "http://otlp.acme.dev:4317"}, "in plain text"),
        ({"endpoint": "https://me:secret@otlp.acme.dev"}, "no bare address"),
        ({"endpoint": "https://otlp.acme.dev?api-key=1"}, "no bare address"),
        ({"endpoint": "https://otlp.acme.dev/v1/traces"}, "gRPC has none"),
    ],
)
def test_an_address_that_gives_something_away_or_cannot_work_is_refused(tracing: dict[str, Any], words: str) -> None:
    from pydantic import ValidationError

    from tests.planning.stacks import stack

    with pytest.raises(ValidationError, match=words):
        stack(tracing={"kind": "collector", **tracing})


def test_an_image_without_the_packages_is_refused_and_one_of_somebodys_own_is_told() -> None:
    old = refusal(tracing=INSIDE, models=[model(image={"tag": "v0.18.1"})])
    assert "v0.18.1 is older than 0.19.0" in errors(old)["models[0].image.tag"]
    assert planned(tracing=INSIDE, models=[model(image={"tag": "v0.18.1"}, tracing=False)])
    own = planned(tracing=INSIDE, models=[model(image={"repository": "registry.acme.dev/vllm", "tag": "v0.33.0"})])
    (told,) = [finding for finding in own.findings if finding.rule == "tracing-image"]
    assert (told.severity, told.path) == (Severity.WARNING, "models[0].image.repository")


def test_a_flag_of_the_users_own_beside_it_is_refused() -> None:
    findings = refusal(tracing=INSIDE, models=[model(extraArgs=["--otlp-traces-endpoint=http://x:4317"])])
    assert "is set by tracing" in errors(findings)["models[0].extraArgs[0]"]
