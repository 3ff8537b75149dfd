"""A small stand-in for kube-state-metrics: the series our dashboards and alerts read, by its names and labels.

Names and labels: kube-state-metrics v2 docs/metrics (read 2026-11-21). A list per kind is asked for at each scrape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from local.monitoring.exposition import Families, label_name, one_hot
from local.monitoring.node_exporter import quantity

Object = Mapping[str, Any]
Labels = Mapping[str, list[str]]

LISTS: Mapping[str, str] = {
    "pods": "/api/v1/pods",
    "nodes": "/api/v1/nodes",
    "deployments": "/apis/apps/v1/deployments",
    "statefulsets": "/apis/apps/v1/statefulsets",
    "daemonsets": "/apis/apps/v1/daemonsets",
    "jobs": "/apis/batch/v1/jobs",
    "horizontalpodautoscalers": "/apis/autoscaling/v2/horizontalpodautoscalers",
    "persistentvolumeclaims": "/api/v1/persistentvolumeclaims",
}
PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
CONDITIONS = ("true", "false", "unknown")
WAITING_REASONS = (
    "ContainerCreating",
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
)


def allowed_labels(arguments: Sequence[str]) -> dict[str, list[str]]:
    """--metric-labels-allowlist=pods=[a,b],nodes=[*] by resource."""
    text = next((a.partition("=")[2] for a in arguments if a.startswith("--metric-labels-allowlist=")), "")
    return {kind: names.split(",") for kind, names in re.findall(r"(\w+)=\[([^\]]*)\]", text)}


def families(objects: Mapping[str, Sequence[Object]], allowed: Labels) -> Families:
    """All series of all kinds."""
    families = Families()
    for kind, write in _WRITERS.items():
        for item in objects.get(kind) or []:
            write(families, item)
            _labels(families, kind, item, allowed.get(kind, []))
    return families


def _base(item: Object, kind: str) -> dict[str, str]:
    return {"namespace": item["metadata"]["namespace"], kind: item["metadata"]["name"]}


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _labels(families: Families, kind: str, item: Object, names: Sequence[str]) -> None:
    singular = {"horizontalpodautoscalers": "horizontalpodautoscaler"}.get(kind, kind.removesuffix("s"))
    base = {singular: item["metadata"]["name"]}
    if kind == "pods":
        base["uid"] = item["metadata"]["uid"]
    if "namespace" in item["metadata"]:
        base["namespace"] = item["metadata"]["namespace"]
    own = item["metadata"].get("labels") or {}
    shown = {key: value for key, value in own.items() if key in names or "*" in names}
    if shown:
        families.add(f"kube_{singular}_labels", base | {label_name(k): v for k, v in shown.items()}, 1)


def _pod(families: Families, pod: Object) -> None:
    spec, status = pod["spec"], pod.get("status") or {}
    base = {**_base(pod, "pod"), "uid": pod["metadata"]["uid"]}
    owner: Object = next(iter(pod["metadata"].get("ownerReferences") or []), {})
    where = {"node": spec.get("nodeName", ""), "pod_ip": status.get("podIP", ""), "host_ip": status.get("hostIP", "")}
    by = {"created_by_kind": owner.get("kind", ""), "created_by_name": owner.get("name", "")}
    families.add("kube_pod_info", {**base, **where, **by, "priority_class": spec.get("priorityClassName", "")}, 1)
    kind = {"owner_kind": owner.get("kind", ""), "owner_name": owner.get("name", "")}
    families.add("kube_pod_owner", {**base, **kind, "owner_is_controller": str(bool(owner)).lower()}, 1)
    families.add("kube_pod_created", base, _seconds(pod["metadata"]["creationTimestamp"]))
    if "deletionTimestamp" in pod["metadata"]:
        families.add("kube_pod_deletion_timestamp", base, _seconds(pod["metadata"]["deletionTimestamp"]))
    one_hot(families, "kube_pod_status_phase", base, "phase", PHASES, status.get("phase", "Unknown"))
    conditions = {c["type"]: c for c in status.get("conditions") or []}
    ready = conditions.get("Ready", {}).get("status", "False").lower()
    one_hot(families, "kube_pod_status_ready", base, "condition", CONDITIONS, ready)
    if conditions.get("PodScheduled", {}).get("reason") == "Unschedulable":
        families.add("kube_pod_status_unschedulable", base, 1)
    if conditions.get("Ready", {}).get("status") == "True":
        families.add("kube_pod_status_ready_time", base, _seconds(conditions["Ready"]["lastTransitionTime"]))
    for container in spec["containers"]:
        _requests(families, {**base, "container": container["name"], "node": where["node"]}, container)
    for container in status.get("containerStatuses") or []:
        _container(families, {**base, "container": container["name"]}, container)
    for container in status.get("initContainerStatuses") or []:
        labels = {**base, "container": container["name"]}
        families.add("kube_pod_init_container_status_restarts_total", labels, container.get("restartCount", 0))


def _requests(families: Families, base: dict[str, str], container: Object) -> None:
    units = {"cpu": "core", "memory": "byte", "ephemeral-storage": "byte"}
    for kind in ("requests", "limits"):
        for name, amount in ((container.get("resources") or {}).get(kind) or {}).items():
            resource = re.sub(r"[^a-zA-Z0-9]", "_", name)
            labels = {**base, "resource": resource, "unit": units.get(name, "integer")}
            families.add(f"kube_pod_container_resource_{kind}", labels, quantity(amount))


def _container(families: Families, base: dict[str, str], container: Object) -> None:
    state = container.get("state") or {}
    families.add("kube_pod_container_status_restarts_total", base, container.get("restartCount", 0))
    families.add("kube_pod_container_status_ready", base, float(container.get("ready", False)))
    families.add("kube_pod_container_status_running", base, float("running" in state))
    reason = (state.get("waiting") or {}).get("reason")
    if reason:
        reasons = {*WAITING_REASONS, reason}
        one_hot(families, "kube_pod_container_status_waiting_reason", base, "reason", sorted(reasons), reason)
    last = (container.get("lastState") or {}).get("terminated") or {}
    if last:
        ended = {**base, "reason": last.get("reason", "")}
        families.add("kube_pod_container_status_last_terminated_reason", ended, 1)
        families.add("kube_pod_container_status_last_terminated_exitcode", base, last.get("exitCode", 0))


def _node(families: Families, node: Object) -> None:
    name, status = {"node": node["metadata"]["name"]}, node.get("status") or {}
    info = status.get("nodeInfo") or {}
    address = next((a["address"] for a in status.get("addresses") or [] if a["type"] == "InternalIP"), "")
    node_info = {"kubelet_version": info.get("kubeletVersion", ""), "internal_ip": address}
    families.add("kube_node_info", {**name, **node_info, "provider_id": node["spec"].get("providerID", "")}, 1)
    families.add("kube_node_created", name, _seconds(node["metadata"]["creationTimestamp"]))
    families.add("kube_node_spec_unschedulable", name, float(node["spec"].get("unschedulable", False)))
    for taint in node["spec"].get("taints") or []:
        families.add("kube_node_spec_taint", {**name, **{k: taint.get(k, "") for k in ("key", "value", "effect")}}, 1)
    for condition in status.get("conditions") or []:
        labels = {**name, "condition": condition["type"]}
        one_hot(families, "kube_node_status_condition", labels, "status", CONDITIONS, condition["status"].lower())
    units = {"cpu": "core", "memory": "byte", "ephemeral-storage": "byte", "pods": "integer"}
    for kind in ("capacity", "allocatable"):
        for resource, amount in (status.get(kind) or {}).items():
            labels = {"resource": re.sub(r"[^a-zA-Z0-9]", "_", resource), "unit": units.get(resource, "integer")}
            families.add(f"kube_node_status_{kind}", {**name, **labels}, quantity(amount))


def _deployment(families: Families, item: Object) -> None:
    base, status = _base(item, "deployment"), item.get("status") or {}
    families.add("kube_deployment_created", base, _seconds(item["metadata"]["creationTimestamp"]))
    families.add("kube_deployment_spec_replicas", base, item["spec"].get("replicas", 1))
    families.add("kube_deployment_metadata_generation", base, item["metadata"].get("generation", 0))
    families.add("kube_deployment_status_observed_generation", base, status.get("observedGeneration", 0))
    for series, key in (
        ("replicas", "replicas"),
        ("replicas_ready", "readyReplicas"),
        ("replicas_available", "availableReplicas"),
        ("replicas_unavailable", "unavailableReplicas"),
        ("replicas_updated", "updatedReplicas"),
    ):
        families.add(f"kube_deployment_status_{series}", base, status.get(key, 0))
    for condition in status.get("conditions") or []:
        labels = {**base, "condition": condition["type"]}
        one_hot(families, "kube_deployment_status_condition", labels, "status", CONDITIONS, condition["status"].lower())


def _stateful_set(families: Families, item: Object) -> None:
    base, status = _base(item, "statefulset"), item.get("status") or {}
    families.add("kube_statefulset_replicas", base, item["spec"].get("replicas", 1))
    families.add("kube_statefulset_status_replicas", base, status.get("replicas", 0))
    families.add("kube_statefulset_status_replicas_ready", base, status.get("readyReplicas", 0))


def _daemon_set(families: Families, item: Object) -> None:
    base, status = _base(item, "daemonset"), item.get("status") or {}
    families.add("kube_daemonset_status_desired_number_scheduled", base, status.get("desiredNumberScheduled", 0))
    families.add("kube_daemonset_status_number_ready", base, status.get("numberReady", 0))
    families.add("kube_daemonset_status_number_available", base, status.get("numberAvailable", 0))


def _job(families: Families, item: Object) -> None:
    base = {"namespace": item["metadata"]["namespace"], "job_name": item["metadata"]["name"]}
    status = item.get("status") or {}
    families.add("kube_job_created", base, _seconds(item["metadata"]["creationTimestamp"]))
    for series in ("active", "succeeded", "failed"):
        families.add(f"kube_job_status_{series}", base, status.get(series, 0))
    for condition in status.get("conditions") or []:
        name = {"Complete": "kube_job_complete", "Failed": "kube_job_failed"}.get(condition["type"])
        if name:
            one_hot(families, name, base, "condition", CONDITIONS, condition["status"].lower())


def _autoscaler(families: Families, item: Object) -> None:
    base, spec, status = _base(item, "horizontalpodautoscaler"), item["spec"], item.get("status") or {}
    target = spec["scaleTargetRef"]
    names = {"scaletargetref_kind": target["kind"], "scaletargetref_name": target["name"]}
    families.add("kube_horizontalpodautoscaler_info", {**base, **names}, 1)
    families.add("kube_horizontalpodautoscaler_spec_max_replicas", base, spec["maxReplicas"])
    families.add("kube_horizontalpodautoscaler_spec_min_replicas", base, spec.get("minReplicas", 1))
    families.add("kube_horizontalpodautoscaler_status_current_replicas", base, status.get("currentReplicas", 0))
    families.add("kube_horizontalpodautoscaler_status_desired_replicas", base, status.get("desiredReplicas", 0))
    for condition in status.get("conditions") or []:
        labels = {**base, "condition": condition["type"]}
        series = "kube_horizontalpodautoscaler_status_condition"
        one_hot(families, series, labels, "status", CONDITIONS, condition["status"].lower())
    for place, key, metrics in (
        ("spec", "target", spec.get("metrics")),
        ("status", "current", status.get("currentMetrics")),
    ):
        for metric in metrics or []:
            _autoscaler_metric(families, base, place, metric, key)


def _autoscaler_metric(families: Families, base: dict[str, str], place: str, metric: Object, key: str) -> None:
    kind = metric.get("type") or "none"  # the controller writes an empty one for a metric it could not read
    source = metric.get(kind[0].lower() + kind[1:]) or {}
    name = (source.get("metric") or {}).get("name") or source.get("name", "")
    kinds = {"value": "value", "averageValue": "average", "averageUtilization": "utilization"}
    for field, amount in (source.get(key) or {}).items():
        if field in kinds:
            labels = {**base, "metric_name": name, "metric_target_type": kinds[field]}
            families.add(f"kube_horizontalpodautoscaler_{place}_target_metric", labels, quantity(str(amount)))


def _claim(families: Families, item: Object) -> None:
    phase = (item.get("status") or {}).get("phase", "")
    base = _base(item, "persistentvolumeclaim")
    one_hot(families, "kube_persistentvolumeclaim_status_phase", base, "phase", ("Bound", "Lost", "Pending"), phase)


_WRITERS: Mapping[str, Callable[[Families, Object], None]] = {
    "pods": _pod,
    "nodes": _node,
    "deployments": _deployment,
    "statefulsets": _stateful_set,
    "daemonsets": _daemon_set,
    "jobs": _job,
    "horizontalpodautoscalers": _autoscaler,
    "persistentvolumeclaims": _claim,
}
