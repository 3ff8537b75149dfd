"""Metrics on the live platform: found by our monitors, scraped by Prometheus, served to the autoscaler."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from planning.versions.vllm_versions import names, version_of
from tests.conftest import REPO
from tests.e2e.cluster import eventually
from tests.e2e.conftest import Platform

pytestmark = pytest.mark.e2e

MONITOR: Any = {"group": "monitoring.coreos.com", "version": "v1", "namespace": "models", "plural": "podmonitors"}


@pytest.fixture(scope="module")
def stack(platform: Platform) -> Iterator[Platform]:
    platform.run("up")
    yield platform
    platform.run("down", "--stack", "local")


def prometheus(platform: Platform, path: str, **parameters: str) -> Any:
    url = f"http://127.0.0.1:{platform.ports['prometheus']}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


def query(platform: Platform, expression: str) -> list[dict[str, Any]]:
    return (prometheus(platform, "query", query=expression) or {}).get("result") or []


def targets(platform: Platform) -> list[dict[str, Any]]:
    return (prometheus(platform, "targets", state="active") or {}).get("activeTargets") or []


def cluster(platform: Platform) -> Any:
    file = str(platform.paths.kubeconfig)
    return config.new_client_from_config(config_file=file)  # type: ignore[no-untyped-call]


def test_every_target_that_a_monitor_finds_is_up(stack: Platform) -> None:
    def all_up() -> set[str] | None:
        scraped = targets(stack)
        return {t["scrapePool"].split("/")[2] for t in scraped} if {t["health"] for t in scraped} == {"up"} else None

    pools = eventually("every target up", all_up)
    assert {
        "qwen", "nvidia-dcgm-exporter", "kube-prometheus-stack-prometheus", "kube-prometheus-stack-alertmanager",
        "kube-prometheus-stack-operator", "kube-prometheus-stack-kube-state-metrics",
        "kube-prometheus-stack-prometheus-node-exporter",
    } <= pools  # fmt: skip


def test_the_series_of_the_pinned_vllm_version_are_there(stack: Platform) -> None:
    version = version_of("0.33.0")
    series = eventually("series of vLLM", lambda: query(stack, 'count by (__name__) ({__name__=~"vllm:.+"})'))
    have = {series["metric"]["__name__"] for series in series}
    for name in ("vllm:num_requests_waiting", "vllm:num_requests_running", "vllm:kv_cache_usage_perc"):
        assert name in names("gauge", version)
        assert name in have
    assert {"vllm:time_to_first_token_seconds_bucket", "vllm:generation_tokens_total"} <= have


def test_a_gpu_shows_the_pod_that_holds_it(stack: Platform) -> None:
    used = eventually("a held GPU", lambda: query(stack, 'DCGM_FI_DEV_FB_USED{exported_pod=~"qwen-.+"} > 10000'))
    assert used[0]["metric"]["exported_namespace"] == "models"
    assert used[0]["metric"]["modelName"] == "NVIDIA L4"


def test_the_api_server_serves_the_metrics_and_the_autoscaler_acts_on_them(stack: Platform) -> None:
    api = cluster(stack)
    autoscaling: Any = client.AutoscalingV2Api(api)
    apis: Any = client.CustomObjectsApi(api)

    def active() -> bool:
        conditions = autoscaling.read_namespaced_horizontal_pod_autoscaler("qwen", "models").status.conditions or []
        return any(c.type == "ScalingActive" and c.status == "True" for c in conditions)

    eventually("ScalingActive", active)
    listed = apis.list_cluster_custom_object("custom.metrics.k8s.io", "v1beta1", "")
    assert [resource for resource in listed["resources"] if "vllm" in resource["name"]]


def test_a_monitor_with_a_wrong_port_name_loses_its_targets(stack: Platform) -> None:
    """As in production, nothing says that it is wrong: the target is just not there."""
    apis: Any = client.CustomObjectsApi(cluster(stack))
    monitor = apis.get_namespaced_custom_object(**MONITOR, name="qwen")
    wrong = json.loads(json.dumps(monitor["spec"]))
    wrong["podMetricsEndpoints"][0]["port"] = "htttp"

    def models() -> list[str]:
        return [t["labels"]["pod"] for t in targets(stack) if t["scrapePool"].startswith("podMonitor/models/qwen/")]

    eventually("the model as a target", models)
    patch = {"apiVersion": monitor["apiVersion"], "kind": monitor["kind"], "metadata": {"name": "qwen"}}
    try:
        apis.patch_namespaced_custom_object(**MONITOR, name="qwen", body={**patch, "spec": wrong})
        eventually("no target with a wrong port name", lambda: not models())
    finally:
        apis.patch_namespaced_custom_object(**MONITOR, name="qwen", body={**patch, "spec": monitor["spec"]})
    eventually("the model as a target again", models)


def test_a_stopped_program_is_started_again_and_goes_with_its_pod(stack: Platform) -> None:
    processes = stack.processes
    record = processes.record("prometheus-adapter")
    assert record is not None
    process = record.process()
    assert process is not None
    process.kill()

    def again() -> bool:
        now = processes.record("prometheus-adapter")
        return now is not None and now.pid != record.pid and now.process() is not None

    eventually("the adapter again", again)
    apps: Any = client.AppsV1Api(cluster(stack))
    scale = {"spec": {"replicas": 0}}
    before = apps.read_namespaced_deployment_scale("prometheus-adapter", "monitoring").spec.replicas
    try:
        apps.patch_namespaced_deployment_scale("prometheus-adapter", "monitoring", scale)
        eventually("no adapter without a pod", lambda: not processes.is_alive("prometheus-adapter"))
    finally:
        scale = {"spec": {"replicas": before}}
        apps.patch_namespaced_deployment_scale("prometheus-adapter", "monitoring", scale)
    eventually("the adapter with its pods", lambda: processes.is_alive("prometheus-adapter"))


def test_a_rule_of_ours_reaches_prometheus_within_its_reload(stack: Platform, tmp_path: Path) -> None:
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "probe", "namespace": "models"},
        "spec": {"groups": [{"name": "probe", "rules": [{"record": "probe:one", "expr": "vector(1)"}]}]},
    }
    apis: Any = client.CustomObjectsApi(cluster(stack))
    where = {**MONITOR, "plural": "prometheusrules"}
    apis.create_namespaced_custom_object(**where, body=rule)
    try:
        eventually("the rule's series", lambda: query(stack, "probe:one"))
    finally:
        apis.delete_namespaced_custom_object(**where, name="probe")


def test_only_what_the_stack_needs_runs(stack: Platform) -> None:
    names_of = {record.name for record in stack.processes.records()}
    assert "prometheus" in names_of
    assert not {"keda-operator", "keda-adapter"} & names_of
    local = yaml.safe_load((REPO / "Pulumi.local.yaml").read_text())
    assert "keda" not in json.dumps(local)
