"""Replicas follow load: 1 → 4 → 1 with an HPA, 0 → 1 → 3 → 0 with KEDA. Counts are asserted, times are reported."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from local.commands.completion import models
from tests.e2e.cluster import skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.loading import REPORTS, Load, assert_none_cut, changed_stack

pytestmark = pytest.mark.e2e

SCRAPE_SECONDS = 5
SYNC_SECONDS = 5  # local/control_plane/servers.py: horizontal-pod-autoscaler-sync-period
COLD_START_SECONDS = 6  # `python -m local start`, default
GOAL = 1.2
BEHAVIOUR = {
    "scaleUp": {"windowSeconds": 0, "pods": 4, "periodSeconds": 15},
    "scaleDown": {"windowSeconds": 30, "pods": 4, "periodSeconds": 15},
}


def _four_replicas(settings: dict[str, Any], model: dict[str, Any]) -> None:
    """Nodes are there from the start (test_nodes_follow.py lets them come). Two requests in flight fill a replica."""
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    settings["monitoring"] = {"scrapeIntervalSeconds": SCRAPE_SECONDS}
    metrics = [{"kind": "inFlight", "target": 2}]
    model["autoscaling"] = {"kind": "hpa", "minReplicas": 1, "maxReplicas": 4, "metrics": metrics, **BEHAVIOUR}
    model["drain"] = {"preStopSeconds": 5}


@pytest.fixture(scope="module")
def stack(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform.run("up", "--stack-file", str(changed_stack(tmp_path_factory.mktemp("scaling"), _four_replicas)))
    yield platform
    platform.run("down", "--stack", "local")


def _settled(platform: Platform, replicas: int, patience_seconds: float = 120) -> None:
    deadline = time.monotonic() + patience_seconds
    while [(m.wanted, m.available) for m in models(platform.paths)] != [(replicas, replicas)]:
        assert time.monotonic() < deadline, f"not at {replicas} replicas: {models(platform.paths)}"
        time.sleep(1)


@pytest.fixture(scope="module")
def run(stack: Platform) -> dict[str, Any]:
    """A step of load on one idle replica with a refresh at its height, and the quiet after it."""
    _settled(stack, 1)
    load = Load.start(
        "scaling", "--profile", "steady", "--rate", "6", "--seconds", "60", "--output-tokens", "100",
        "--after-seconds", "120",
    )  # fmt: skip
    try:
        _settled(stack, 4)
        refreshed = stack.stack("local").up(refresh=True).changes
        return {**load.end(timeout_seconds=400), "refreshed": refreshed}
    finally:
        load.stop()


def _levels(curve: list[list[float]]) -> list[int]:
    return [int(count) for _, count in curve]


def test_load_brings_four_replicas_and_its_end_leaves_one(run: dict[str, Any]) -> None:
    summary = run["summary"]
    for name in ("wanted_curve", "ready_curve"):
        levels = _levels(summary[name])
        assert (levels[0], max(levels), levels[-1]) == (1, 4, 1), summary[name]


def test_replicas_go_up_and_come_down_once(run: dict[str, Any]) -> None:
    """No flapping: never fewer while load grows, never more while it falls."""
    levels = _levels(run["summary"]["wanted_curve"])
    top = levels.index(4)
    assert levels[: top + 1] == sorted(levels[: top + 1])
    assert levels[top:] == sorted(levels[top:], reverse=True)


def test_no_answer_is_cut_on_the_way(run: dict[str, Any]) -> None:
    assert_none_cut(run, at_least=200)
    assert run["summary"]["refused"] == 0, "one replica was Ready all the time"


def test_the_load_shows_what_the_platform_has(run: dict[str, Any]) -> None:
    samples = run["samples"]
    assert max(s["gauges"]["running"] for s in samples if s["gauges"]) > 2
    assert all(s["nodes"]["with_gpus"] == 4 for s in samples if s["nodes"])
    assert run["summary"]["usd"] > 0


def test_the_time_from_the_spike_to_four_ready_is_reported(run: dict[str, Any]) -> None:
    """Reported, not asserted: a machine under other load is slower. The goal is 1.2."""
    took_seconds = run["summary"]["spike_to_ready_seconds"]["4"]
    ratio = took_seconds / (SCRAPE_SECONDS + SYNC_SECONDS + COLD_START_SECONDS)
    words = f"spike to 4 Ready: {took_seconds:.1f} s, ratio {ratio:.2f} (goal {GOAL})"
    print(words)
    (REPORTS / "scaling-ratio.json").write_text(json.dumps({"seconds": took_seconds, "ratio": ratio, "goal": GOAL}))


def test_a_refresh_under_load_leaves_the_number_of_replicas_to_the_autoscaler(run: dict[str, Any]) -> None:
    """Taken back to the program's own number they would come twice: test_replicas_go_up_and_come_down_once."""
    assert run["refreshed"] == 0


def _from_zero(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    settings["monitoring"] = {"scrapeIntervalSeconds": SCRAPE_SECONDS}
    wake = 'sum(increase(router_requests_unserved_total{namespace="models",service="qwen"}[1m]))'
    metrics = [{"kind": "inFlight", "target": 2}]
    model["autoscaling"] = {
        "kind": "keda", "minReplicas": 0, "maxReplicas": 3, "metrics": metrics, "wake": {"query": wake},
        "pollingIntervalSeconds": 5, "idleSeconds": 30, **BEHAVIOUR,
    }  # fmt: skip
    model["drain"] = {"preStopSeconds": 5}


def _scrape_the_gateway(platform: Platform) -> None:
    """The monitor that whoever runs a gateway writes for it: here it is the platform's router, outside the cluster."""
    admin = json.loads((platform.paths.services_file.parent / "admin.json").read_text())
    body = {
        "apiVersion": "monitoring.coreos.com/v1alpha1",
        "kind": "ScrapeConfig",
        "metadata": {"name": "gateway", "namespace": "models"},
        "spec": {"staticConfigs": [{"targets": [f"127.0.0.1:{admin['port']}"]}]},
    }
    api = client.CustomObjectsApi(config.new_client_from_config(config_file=str(platform.paths.kubeconfig)))
    api.create_namespaced_custom_object("monitoring.coreos.com", "v1alpha1", "models", "scrapeconfigs", body)


def test_keda_wakes_a_model_from_zero_and_lets_it_sleep_again(platform: Platform, tmp_path: Path) -> None:
    """0 → 1 → 3 → 0. Requests that find nobody are refused with leave to retry, and none is lost."""
    skip_unless_built("keda")
    platform.run("up", "--stack-file", str(changed_stack(tmp_path, _from_zero)))
    try:
        _scrape_the_gateway(platform)
        _settled(platform, 0)
        options = ("--profile", "steady", "--rate", "6", "--seconds", "90", "--output-tokens", "100")
        record = Load.start("scaling-keda", *options, "--after-seconds", "180").end(timeout_seconds=600)
        levels = _levels(record["summary"]["ready_curve"])
        assert (levels[0], max(levels), levels[-1]) == (0, 3, 0), record["summary"]["ready_curve"]
        assert record["summary"]["refused"] > 0
        assert_none_cut(record, at_least=50)
        assert platform.stack("local").up(refresh=True).changes == 0, "what KEDA and its HPA wrote is theirs"
        _settled(platform, 0)
    finally:
        platform.run("down", "--stack", "local")
