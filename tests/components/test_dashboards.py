"""Dashboards: current, complete, small enough, and made of series that exist."""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import replace
from typing import Any

import pytest

from components.cluster.dashboards import HERE, LARGEST_CONFIG_MAP_BYTES, dashboard_config_map, dashboard_names
from components.cluster.prometheus_stack import PrometheusStack, PrometheusStackArgs
from planning.backends.table import backends, rendered
from planning.serving.groups import leader_pods
from planning.versions.vllm_versions import metrics
from tests.components.metric_names import known_names, names_in
from tests.components.plans import MONITORING
from tests.conftest import REPO
from tests.engine import record

ASKED_FOR = {
    "vllm": (
        "time_to_first_token_seconds", "inter_token_latency_seconds", "e2e_request_latency_seconds",
        "request_queue_time_seconds", "num_requests_running", "num_requests_waiting", "kv_cache_usage_perc",
        "num_preemptions", "generation_tokens",
    ),
    "gpu": ("DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_XID_ERRORS"),
    "autoscaling": (
        "status_desired_replicas", "status_replicas_available", "spec_max_replicas", "status_target_metric",
        "spec_target_metric", "vllm_on_eks:demand:replicas",
    ),
    "cost": ("by (model) (vllm_on_eks:usd_per_hour)", "by (team) (vllm_on_eks:usd_per_hour)"),
}  # fmt: skip


def _dashboard(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def _queries(name: str) -> list[str]:
    return [target["expr"] for panel in _dashboard(name)["panels"] for target in panel["targets"]]


def test_the_files_are_what_the_panels_make() -> None:
    made = runpy.run_path(str(REPO / "tools" / "dashboards.py"))
    wanted = {dashboard.uid: made["text"](dashboard) for dashboard in made["DASHBOARDS"]}
    assert set(dashboard_names()) == set(wanted)
    for name, text in wanted.items():
        assert (HERE / f"{name}.json").read_text(encoding="utf-8") == text, f"run: python tools/dashboards.py ({name})"


def test_panels_know_the_deployments_of_every_backend() -> None:
    suffixes = runpy.run_path(str(REPO / "tools" / "dashboard_panels.py"))["SUFFIXES"]
    assert set(suffixes) == {row.deployment_of("") for row in backends().values() if row.deployment}


@pytest.mark.parametrize("backend", rendered())
def test_panels_know_the_pods_of_every_backend(backend: str) -> None:
    panels = runpy.run_path(str(REPO / "tools" / "dashboard_panels.py"))
    row = backends()[backend]
    pod = row.pods.format(name="chat-large").replace("<hash>", "6d8f7c9b54").replace("<random>", "x7z9b")
    assert re.fullmatch(row.pods_of("chat-large"), pod)
    match = re.fullmatch(panels["POD_NAME"], pod)
    assert match is not None
    assert match[1] == "chat-large"
    # Of a Deployment's pods the Deployment's own series is taken, of a Rollout's, which are called the same, the pods.
    bare = re.fullmatch(panels["BARE_NAME"], pod)
    assert (bare is not None and bare[1] == "chat-large") == (row.deployment in ("", "{name}"))


def test_panels_know_the_pods_of_groups_and_count_their_leaders() -> None:
    panels = runpy.run_path(str(REPO / "tools" / "dashboard_panels.py"))
    for pod, counts in (("chat-large-group-0", True), ("chat-large-group-12", True), ("chat-large-group-0-1", False)):
        named = re.fullmatch(panels["POD_NAME"], pod)
        assert named is not None
        assert named[1] == "chat-large"
        bare = re.fullmatch(panels["BARE_NAME"], pod)
        assert (bare is not None and bare[1] == "chat-large") == counts
    assert re.fullmatch(leader_pods("chat-large"), "chat-large-group-0")


@pytest.mark.parametrize("name", sorted(ASKED_FOR))
def test_a_dashboard_shows_what_it_is_for(name: str) -> None:
    queries = "\n".join(_queries(name))
    assert [wanted for wanted in ASKED_FOR[name] if wanted not in queries] == []


@pytest.mark.parametrize("name", dashboard_names())
def test_a_dashboard_reads_only_series_that_exist(name: str) -> None:
    variables = [each["query"] for each in _dashboard(name)["templating"]["list"] if each["type"] == "query"]
    asked = [re.sub(r"label_values\((.*), *\w+\)", r"\1", query) for query in variables]
    assert {name for query in (*_queries(name), *asked) for name in names_in(query)} - known_names() == set()


@pytest.mark.parametrize("name", dashboard_names())
def test_a_dashboard_uses_only_variables_it_has(name: str) -> None:
    loaded = _dashboard(name)
    own = {each["name"] for each in loaded["templating"]["list"]} | {"__rate_interval", "1"}
    used = set(re.findall(r"\$(\w+)", "\n".join(_queries(name))))
    assert used <= own
    assert loaded["uid"] == f"vllm-on-eks-{name}"
    assert all(panel["datasource"]["uid"] == "$datasource" for panel in loaded["panels"])


@pytest.mark.parametrize("name", dashboard_names())
def test_panels_of_a_dashboard_do_not_overlap_and_say_what_they_show(name: str) -> None:
    panels = _dashboard(name)["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    assert all(panel["description"] and panel["title"] for panel in panels)


@pytest.mark.parametrize("name", dashboard_names())
def test_a_config_map_is_found_by_the_sidecar_and_within_its_limit(name: str) -> None:
    manifest = dashboard_config_map(name)
    assert manifest["metadata"]["labels"]["grafana_dashboard"] == "1"
    (text,) = manifest["data"].values()
    assert json.loads(text) == _dashboard(name)
    assert len(text.encode()) < LARGEST_CONFIG_MAP_BYTES


def test_dashboards_come_with_grafana_and_only_with_it() -> None:
    with_grafana = record(lambda: PrometheusStack("monitoring", PrometheusStackArgs(MONITORING, "p")))
    made = [each.inputs["metadata"]["name"] for each in with_grafana.all("kubernetes:core/v1:ConfigMap")]
    assert sorted(made) == [f"dashboard-{name}" for name in dashboard_names()]
    bare = replace(MONITORING, grafana=False, grafana_password_key=None)
    without = record(lambda: PrometheusStack("monitoring", PrometheusStackArgs(bare)))
    assert without.all("kubernetes:core/v1:ConfigMap") == []


def test_the_product_does_not_need_the_sdk() -> None:
    for path in (REPO / "components").rglob("*.py"):
        assert "grafana_foundation_sdk" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", dashboard_names())
def test_what_the_cluster_tells_is_restricted_to_our_models_and_pools(name: str) -> None:
    """With every variable at All, kube-state-metrics tells of all that runs in the cluster."""
    queries = [query for query in _queries(name) if re.search(r"\bkube_(?!node_labels)", query)]
    assert [query for query in queries if "vllm_on_eks:usd_per_hour{" not in query] == []
    nodes = [query for query in _queries(name) if "kube_node_labels" in query]
    assert [query for query in nodes if 'label_vllm_on_eks_pool!=""' not in query] == []


@pytest.mark.parametrize("version", [(0, minor, 0) for minor in range(16, 34)])
@pytest.mark.parametrize("name", dashboard_names())
def test_every_panel_shows_something_of_every_supported_version(name: str, version: tuple[int, int, int]) -> None:
    """A query reads a series of that version, or has one after an `or`."""
    there = {
        *metrics(version),
        *(f"{metric}{end}" for metric in metrics(version) for end in ("_bucket", "_sum", "_count")),
    }
    for query in _queries(name):
        ways = [set(re.findall(r"vllm:\w+", way)) for way in re.split(r"\bor\b", query)]
        assert any(way <= there for way in ways), query
