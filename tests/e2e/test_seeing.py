"""Dashboards, rules and alerts on the live platform: quiet while all is well, told to people when it is not.

One stack for all: two requests at once fill its replica, its nodes are spot, and its alerts go to a webhook of ours.
"""

from __future__ import annotations

import json
import runpy
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes import client, config

from components.cluster.dashboards import HERE, dashboard_names
from tests.conftest import REPO
from tests.e2e.conftest import Platform
from tests.e2e.loading import Load, changed_stack
from tests.e2e.webhook import Received, webhook

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 180  # rules are evaluated every 30 s, scrapes come every 15 s
OURS = "Vllm.*|Gpu.*|KubeStateMetricsMissing|SpotNodeInterrupted"
ALERT_PATIENCE_SECONDS = 600  # the slowest holds for 5 minutes, over a range of 5
FILLED = runpy.run_path(str(REPO / "tools" / "draw_dashboards.py"))["filled"]

PANELS = [
    (name, panel["title"], target["expr"])
    for name in dashboard_names()
    for panel in json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))["panels"]
    for target in panel["targets"]
]


def _get(platform: Platform, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{platform.ports['prometheus']}{path}", timeout=30) as answer:
        return json.load(answer)["data"]


def _result(platform: Platform, expr: str) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = _get(platform, f"/api/v1/query?{urllib.parse.urlencode({'query': expr})}")["result"]
    return result


@dataclass(frozen=True)
class Watched:
    """A platform whose stack tells `received` about its alerts."""

    platform: Platform
    received: Received


def _stack_that_tells(url: str) -> Any:
    def change(settings: dict[str, Any], model: dict[str, Any]) -> None:
        settings["nodePools"][0] |= {"minNodes": 2, "maxNodes": 2, "capacity": "spot"}
        receiver = {"kind": "webhook", "url": url}
        settings["monitoring"] = {"scrapeIntervalSeconds": 5, "alerts": {"receiver": receiver}}
        model |= {"maxNumSeqs": 2, "drain": {"preStopSeconds": 5, "shutdownTimeoutSeconds": 60}}
        model["autoscaling"] = {"minReplicas": 1, "maxReplicas": 2}

    return change


@pytest.fixture(scope="module")
def watched(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with webhook() as received:
        file = changed_stack(tmp_path_factory.mktemp("seeing"), _stack_that_tells(received.url))
        platform.run("up", "--stack-file", str(file))
        yield Watched(platform, received)
        platform.run("down", "--stack", "local")


@pytest.fixture(scope="module")
def trouble(watched: Watched) -> Iterator[Watched]:
    """More requests than the replica can take, a GPU that reports a fault, a spot node that is being taken."""
    load = Load.start("seeing", "--profile", "steady", "--rate", "1", "--seconds", "480", "--output-tokens", "150")
    api = client.CoreV1Api(config.new_client_from_config(config_file=str(watched.platform.paths.kubeconfig)))
    nodes = [node.metadata.name for node in api.list_node(label_selector="accelerator=nvidia").items]
    api.patch_node(nodes[0], {"metadata": {"annotations": {"vllm-on-eks.local/xid": "79"}}})
    api.patch_node(nodes[1], {"spec": {"unschedulable": True}})
    yield watched
    load.stop()


def test_nobody_is_woken_by_a_healthy_platform(watched: Watched) -> None:
    load = Load.start(
        "seeing-quiet", "--profile", "steady", "--rate", "0.2", "--seconds", "40", "--output-tokens", "20"
    )
    load.end(timeout_seconds=200)
    firing = _result(watched.platform, f'ALERTS{{alertstate="firing",alertname=~"{OURS}"}}')
    assert [each["metric"] for each in firing] == []


@pytest.mark.parametrize(
    "alert", ["GpuXidError", "SpotNodeInterrupted", "VllmTtftBudgetBurn", "VllmQueueTooLong", "VllmTtftP99High"]
)
def test_an_alert_reaches_a_webhook_through_the_real_alertmanager(trouble: Watched, alert: str) -> None:
    wait = trouble.received.wait_for(alert, "firing", ALERT_PATIENCE_SECONDS)
    assert wait["annotations"]["runbook_url"].endswith(f"/{alert}.md")
    assert wait["labels"]["severity"] in ("critical", "warning")


@pytest.mark.parametrize(("dashboard", "title", "expr"), PANELS, ids=[f"{d}: {t}" for d, t, _ in PANELS])
def test_a_panels_query_returns_data(trouble: Watched, dashboard: str, title: str, expr: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not (result := _result(trouble.platform, FILLED(expr))) and time.monotonic() < until:
        time.sleep(5)
    assert result, f"{dashboard}, {title}: {FILLED(expr)}"


def test_prometheus_has_loaded_our_rules_and_evaluates_them_without_an_error(trouble: Watched) -> None:
    groups = _get(trouble.platform, "/api/v1/rules")["groups"]
    ours = [group for group in groups if group["name"].startswith(("stack.", "models."))]
    assert {"stack.hardware", "stack.cost"} <= {group["name"] for group in ours}
    assert any(group["name"].endswith(".slo") for group in ours)
    wrong = {rule["name"]: rule["lastError"] for group in ours for rule in group["rules"] if rule["health"] == "err"}
    assert wrong == {}
