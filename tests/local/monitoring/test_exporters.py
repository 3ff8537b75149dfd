"""The simulated exporters' series: names and labels as the real ones have them."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from local.monitoring import dcgm, kube_state, node_exporter
from tests.local.monitoring.objects import pod

NODE: dict[str, Any] = {
    "metadata": {
        "name": "gpu-node",
        "creationTimestamp": "2026-11-21T10:00:00Z",
        "labels": {
            "nvidia.com/gpu.count": "2",
            "nvidia.com/gpu.memory": "23034",
            "nvidia.com/gpu.product": "NVIDIA-L4",
        },
    },
    "spec": {},
    "status": {"capacity": {"cpu": "8", "memory": "32Gi"}, "conditions": [{"type": "Ready", "status": "True"}]},
}


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    samples_read: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples_read.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples_read


def gpu_pod(name: str, gpus: int = 1) -> dict[str, Any]:
    resources = {"limits": {"nvidia.com/gpu": str(gpus)}}
    return pod(name, "vllm/vllm-openai:v0.33.0", namespace="models", resources=resources)


def test_each_gpu_has_the_exporters_series_with_the_pod_that_holds_it() -> None:
    assigned = dcgm.Assignments()
    assigned.update(2, [gpu_pod("qwen-0")])
    loads = {("models", "qwen-0"): dcgm.GpuLoad(busy=0.5, memory=0.9)}
    exposed = samples(dcgm.families(NODE, assigned, loads, "595.91.07").text())
    assert set(exposed) == set(dcgm.HELP)
    (busy, busy_value), (idle, idle_value) = exposed["DCGM_FI_DEV_GPU_UTIL"]
    assert (busy["gpu"], busy["namespace"], busy["pod"], busy["container"]) == ("0", "models", "qwen-0", "vllm")
    assert (busy["modelName"], busy["Hostname"], busy["device"]) == ("NVIDIA L4", "gpu-node", "nvidia0")
    assert (busy_value, idle_value) == (50, 0)
    assert "pod" not in idle
    used = {labels["gpu"]: value for labels, value in exposed["DCGM_FI_DEV_FB_USED"]}
    assert used == {"0": round(0.9 * 23034), "1": dcgm.IDLE_MIB}


def test_a_gpu_goes_to_the_next_pod_when_its_holder_is_gone_and_stays_while_it_lives() -> None:
    assigned = dcgm.Assignments()
    assigned.update(2, [gpu_pod("a"), gpu_pod("b")])
    assert assigned.of(0) == [("models", "a")]
    assigned.update(2, [gpu_pod("b")])
    assigned.update(2, [gpu_pod("b"), gpu_pod("c")])
    assert assigned.held == {("models", "b"): (1,), ("models", "c"): (0,)}


def test_an_xid_is_provoked_by_an_annotation_of_the_node() -> None:
    broken = {**NODE, "metadata": {**NODE["metadata"], "annotations": {dcgm.XID_ANNOTATION: "79"}}}
    errors = samples(dcgm.families(broken, dcgm.Assignments(), {}, "x").text())["DCGM_FI_DEV_XID_ERRORS"]
    assert [value for _, value in errors] == [79, 79]


def autoscaler(status_metrics: list[dict[str, Any]]) -> dict[str, Any]:
    metric = {"metric": {"name": "vllm_queue_depth"}, "target": {"type": "AverageValue", "averageValue": "500m"}}
    return {
        "metadata": {"name": "qwen", "namespace": "models"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "qwen"},
            "maxReplicas": 4,
            "metrics": [{"type": "Pods", "pods": metric}],
        },
        "status": {
            "desiredReplicas": 3,
            "currentMetrics": status_metrics,
            "conditions": [{"type": "ScalingActive", "status": "True"}],
        },
    }


def test_autoscalers_show_what_they_want_their_limit_and_their_target() -> None:
    exposed = samples(kube_state.families({"horizontalpodautoscalers": [autoscaler([])]}, {}).text())
    base = {"namespace": "models", "horizontalpodautoscaler": "qwen"}
    prefix = "kube_horizontalpodautoscaler"
    assert exposed[f"{prefix}_status_desired_replicas"] == [(base, 3)]
    assert exposed[f"{prefix}_spec_max_replicas"] == [(base, 4)]
    target = {**base, "metric_name": "vllm_queue_depth", "metric_target_type": "average"}
    assert exposed[f"{prefix}_spec_target_metric"] == [(target, 0.5)]
    active = {labels["status"]: value for labels, value in exposed[f"{prefix}_status_condition"]}
    assert active == {"true": 1, "false": 0, "unknown": 0}


def test_a_metric_that_the_controller_could_not_read_makes_no_series() -> None:
    """The controller then writes an entry without a type."""
    exposed = samples(kube_state.families({"horizontalpodautoscalers": [autoscaler([{"type": ""}])]}, {}).text())
    assert "kube_horizontalpodautoscaler_status_target_metric" not in exposed


def test_pods_and_nodes_show_their_state_and_only_the_labels_that_are_allowed() -> None:
    waiting = pod("qwen-0", namespace="models", ready=False, labels={"team": "a", "secret": "b"})
    waiting["status"]["containerStatuses"] = [
        {"name": "main", "restartCount": 3, "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    ]
    allowed = kube_state.allowed_labels(["--port=8080", "--metric-labels-allowlist=pods=[team,app],nodes=[x]"])
    exposed = samples(kube_state.families({"pods": [waiting], "nodes": [NODE]}, allowed).text())
    phases = {labels["phase"]: value for labels, value in exposed["kube_pod_status_phase"]}
    assert phases["Pending"] == 1
    assert sum(phases.values()) == 1
    assert exposed["kube_pod_container_status_restarts_total"][0][1] == 3
    reasons = {labels["reason"]: value for labels, value in exposed["kube_pod_container_status_waiting_reason"]}
    assert [reason for reason, value in reasons.items() if value] == ["ImagePullBackOff"]
    shown = exposed["kube_pod_labels"][0][0]
    assert shown["label_team"] == "a"
    assert "label_secret" not in shown
    assert "kube_node_labels" not in exposed
    assert [v for k, v in exposed["kube_node_status_capacity"] if k["resource"] == "memory"] == [32 * 2**30]


@pytest.mark.parametrize(("text", "number"), [("250m", 0.25), ("2Gi", 2**31), ("4", 4), ("1.5", 1.5), ("3k", 3000)])
def test_quantities_are_numbers(text: str, number: float) -> None:
    assert node_exporter.quantity(text) == number


def test_a_pod_that_leaves_and_one_whose_download_fails_show_it() -> None:
    """Alerts on readiness and downloads read these; a rule on a series that nobody writes can never fire."""
    leaving = pod("leaving")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-21T10:05:00Z"
    leaving["status"]["initContainerStatuses"] = [{"name": "download", "restartCount": 2}]
    exposed = samples(kube_state.families({"pods": [leaving, pod("staying")]}, {}).text())
    assert [value for _, value in exposed["kube_pod_init_container_status_restarts_total"]] == [2]
    assert [labels["pod"] for labels, _ in exposed["kube_pod_deletion_timestamp"]] == ["leaving"]
