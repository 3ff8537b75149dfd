"""Every query of every dashboard, and every rule, on the live Prometheus of the platform.

Needs a stack that is up with its metrics: requests must have run in the last minutes, or ratios have no value yet.
"""

from __future__ import annotations

import json
import runpy
import time
import urllib.parse
import urllib.request
from typing import Any

import pytest

from components.dashboards import HERE, dashboard_names
from tests.conftest import REPO
from tests.e2e.conftest import Platform

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 180  # rules are evaluated every 30 s, scrapes come every 15 s
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
    found: list[dict[str, Any]] = _get(platform, f"/api/v1/query?{urllib.parse.urlencode({'query': expr})}")["result"]
    return found


@pytest.mark.parametrize(("dashboard", "title", "expr"), PANELS, ids=[f"{d}: {t}" for d, t, _ in PANELS])
def test_a_panels_query_returns_data(platform: Platform, dashboard: str, title: str, expr: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not (found := _result(platform, FILLED(expr))) and time.monotonic() < until:
        time.sleep(5)
    assert found, f"{dashboard}, {title}: {FILLED(expr)}"


def test_prometheus_has_loaded_our_rules_and_evaluates_them_without_an_error(platform: Platform) -> None:
    groups = _get(platform, "/api/v1/rules")["groups"]
    ours = [group for group in groups if group["name"].startswith(("stack.", "models."))]
    assert {"stack.hardware", "stack.cost"} <= {group["name"] for group in ours}
    assert any(group["name"].endswith(".slo") for group in ours)
    wrong = {rule["name"]: rule["lastError"] for group in ours for rule in group["rules"] if rule["health"] == "err"}
    assert wrong == {}


def test_nobody_would_be_woken_by_a_healthy_platform(platform: Platform) -> None:
    firing = _result(
        platform, 'ALERTS{alertstate="firing",severity="critical",alertname=~"Vllm.*|Gpu.*|KubeStateMetricsMissing"}'
    )
    assert [each["metric"] for each in firing] == []
