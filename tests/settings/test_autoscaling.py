"""Scaling as a stack file writes it: one owner, several metrics, and mistakes that are told with the way out."""

from __future__ import annotations

from typing import Any

import pytest

from settings.autoscaling import HpaScaling, KedaScaling, MetricKind, NoScaling
from settings.read import read
from tests.planning.stacks import model


def _read(autoscaling: Any) -> Any:
    loaded = read({"models": [model(autoscaling=autoscaling)]}, "dev")
    assert not loaded.problems, loaded.problems
    assert loaded.settings is not None
    return loaded.settings.models[0].autoscaling


def _problems(autoscaling: dict[str, Any]) -> str:
    return "\n".join(str(problem) for problem in read({"models": [model(autoscaling=autoscaling)]}, "dev").problems)


@pytest.mark.parametrize("kind", [{}, [], {"kind": "x"}, 5, None])
def test_a_kind_of_metric_that_is_no_text_is_told(kind: Any) -> None:
    assert "metrics[0].kind: " in _problems({"metrics": [{"kind": kind, "target": 1}]})


def test_the_kind_is_an_hpa_unless_another_is_written() -> None:
    assert isinstance(_read({}), HpaScaling)
    assert isinstance(_read({"kind": "keda"}), KedaScaling)
    assert isinstance(_read({"kind": "none"}), NoScaling)
    assert "write one of 'hpa', 'keda', 'backend', 'none'" in _problems({"kind": "kda"})


def test_without_scaling_one_bound_says_both() -> None:
    for written in ({"minReplicas": 3}, {"maxReplicas": 3}):
        scaling = _read({"kind": "none", **written})
        assert (scaling.min_replicas, scaling.max_replicas) == (3, 3)
    assert _read({"kind": "none"}).min_replicas == 1
    assert "0 is less than 1" in _problems({"kind": "none", "minReplicas": 0})


def test_a_queue_depth_beside_the_bounds_is_told_where_it_goes() -> None:
    assert "metrics: [{kind: queueDepth, target: 5}]" in _problems({"queueDepth": 8})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("gpu_cache_usage_perc", "kvCacheUsage"),
        ("vllm:gpu_cache_usage_perc", "kvCacheUsage"),
        ("vllm_num_requests_waiting", "queueDepth"),
        ("vllm:num_requests_waiting", "queueDepth"),
        ("vllm_gpu_utilization_percent", "gpuUtilization"),
        ("vllm_request_latency_seconds", "timeToFirstToken"),
        ("queuedepth", "queueDepth"),
        ("cpu", "inFlight"),
    ],
)
def test_a_series_name_is_met_with_the_kind_that_is_meant(written: str, meant: str) -> None:
    assert f"did you mean {meant}?" in _problems({"metrics": [{"kind": written}]})


def test_every_kind_can_be_written_and_several_at_once() -> None:
    kinds = [str(kind) for kind in MetricKind]
    assert [str(metric.kind) for metric in _read({"metrics": [{"kind": kind} for kind in kinds]}).metrics] == kinds


def test_an_hpa_has_no_wake_and_a_schedule_needs_times() -> None:
    assert "wake" in _problems({"wake": {"query": "x"}})
    text = _problems({"kind": "keda", "schedules": [{"start": "8:00", "end": "0 9 * * *", "minReplicas": 2}]})
    assert "not a cron expression" in text
    assert "IANA" in _problems(
        {
            "kind": "keda",
            "schedules": [{"timeZone": "CET+1", "start": "0 8 * * *", "end": "0 9 * * *", "minReplicas": 2}],
        }
    )


def test_bounds_that_are_crossed_are_refused() -> None:
    assert "write maxReplicas: 5 or more" in _problems({"minReplicas": 5})
