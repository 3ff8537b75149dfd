"""KubeAI's values, network and budget: one proxy for the models of its namespace, and what all their pods share.

Its definition, `Model`, has few places for a pod: the rest is said once for all models, as patches of the pod that it
writes (v0.21.0, internal/modelcontroller/engine_vllm.go, pod_plan.go: applied before the pod is made).
"""

from __future__ import annotations

from typing import Any

from components.cluster.network_policies import (
    HTTPS,
    blocks,
    name_resolution,
    network_policy,
    pods_of,
    prometheus_pods,
    tcp,
)
from components.manifest import Manifest
from components.pods import (
    HOSTNAME,
    NOT_MOVED_BY_CLUSTER_AUTOSCALER,
    SCRATCH_PATH,
    SERVER,
    ZONE,
    quantities,
    scratch_volume,
)
from components.security import non_root_pod, restricted_container
from components.tolerations import tolerations
from planning.model import OWN_LABELS, WEIGHTS, KubeaiPlan, OperatorPlan, ResourceProfilePlan
from planning.versions.pins import mirrored

IMAGE = "substratusai/kubeai"
# Its release, its Service and what its pods are labelled with.
KUBEAI = "kubeai"
# Of its image (Dockerfile: distroless, USER 65532).
USER_ID = 65532
# internal/manager/run.go: the API; what its autoscaler asks of the other proxies.
API, METRICS = 8000, 8080
# What its pods are labelled with; ours to select them by are in planning/facts/backends.csv.
ITS_MODELS = {"app.kubernetes.io/managed-by": KUBEAI}
SECRETS = ("alibaba", "aws", "gcp", "huggingface")


def kubeai_selector() -> dict[str, str]:
    """What selects KubeAI's proxies (chart kubeai, kubeai.selectorLabels)."""
    return {"app.kubernetes.io/name": KUBEAI, "app.kubernetes.io/instance": KUBEAI}


def kubeai_values(plan: OperatorPlan) -> dict[str, Any]:
    """Values of chart kubeai; only what differs from its defaults or must not move with them."""
    kubeai = _plan(plan)
    values: dict[str, Any] = {
        "replicaCount": kubeai.replicas,
        "resources": quantities(kubeai.resources),
        "podSecurityContext": non_root_pod(USER_ID, USER_ID),
        "securityContext": restricted_container(USER_ID, USER_ID),
        "affinity": _apart({"matchLabels": kubeai_selector()}),
        # Of its own pods and of the servers.
        "imagePullSecrets": [{"name": name} for name in kubeai.pull_secrets],
        # A chat page without login, on by default.
        "open-webui": {"enabled": False},
        # No server asks for one: weights are on a claim. A name is wanted all the same (templates/_helpers.tpl).
        "secrets": {name: {"create": False, "name": "none"} for name in SECRETS},
        "modelServiceAccount": {"automount": False},
        "modelServerPods": {
            "podSecurityContext": non_root_pod(kubeai.user_id, kubeai.group_id),
            "securityContext": restricted_container(kubeai.user_id, kubeai.group_id),
            "jsonPatches": patches(kubeai),
        },
        "modelRollouts": {"surge": kubeai.surge},
        "modelAutoscaling": {
            "interval": f"{kubeai.interval_seconds}s",
            "timeWindow": f"{kubeai.window_seconds}s",
        },
        "resourceProfiles": {profile.name: _profile(profile) for profile in kubeai.profiles},
    }
    if plan.mirror:
        values["image"] = {"repository": mirrored(IMAGE, plan.mirror)}
    return values


def patches(kubeai: KubeaiPlan) -> list[dict[str, Any]]:
    """What the pods of all models have beside what KubeAI writes: JSON patches (RFC 6902).

    Its claim is mounted last and for writing. -1, the last one, is no word of the RFC, and one of the library that
    KubeAI has (gopkg.in/evanphx/json-patch.v4 4.12.0, SupportNegativeIndices).
    """
    server = "/spec/containers/0"
    operations: list[dict[str, Any]] = [
        _patch("replace", f"{server}/volumeMounts/-1", {"name": "model", "mountPath": WEIGHTS, "readOnly": True}),
        _patch("add", f"{server}/volumeMounts/-", {"name": scratch_volume()["name"], "mountPath": SCRATCH_PATH}),
        _patch("add", "/spec/volumes/-", scratch_volume()),
        _patch("add", f"{server}/terminationMessagePolicy", "FallbackToLogsOnError"),
        _patch("add", "/spec/automountServiceAccountToken", False),
        _patch("add", "/spec/enableServiceLinks", False),
        _patch("add", "/spec/terminationGracePeriodSeconds", kubeai.drain.grace_period_seconds),
        # By KubeAI's own label each model is spread by itself.
        _patch("add", "/spec/topologySpreadConstraints", [_spread(ZONE), _spread(HOSTNAME)]),
        _patch("add", "/metadata/labels/app.kubernetes.io~1component", SERVER),
    ]
    if kubeai.drain.pre_stop_seconds:
        sleep = {"preStop": {"sleep": {"seconds": kubeai.drain.pre_stop_seconds}}}
        operations.append(_patch("add", f"{server}/lifecycle", sleep))
    for name, value in NOT_MOVED_BY_CLUSTER_AUTOSCALER.items():
        operations.append(_patch("add", f"/metadata/annotations/{name.replace('/', '~1')}", value))
    return operations


def kubeai_policies(plan: OperatorPlan) -> list[Manifest]:
    """In: requests of its models' clients, and scrapes of the other proxies. Out: servers, names, the API server."""
    kubeai, proxies = _plan(plan), {"podSelector": {"matchLabels": kubeai_selector()}}
    into = [
        {"from": [pods_of(namespace) for namespace in kubeai.client_namespaces], "ports": tcp(API)},
        {"from": [proxies], "ports": tcp(METRICS)},
    ]
    if plan.network.monitoring_namespace:
        scraped = prometheus_pods(plan.network.monitoring_namespace, plan.network.prometheus)
        into.append({"from": [scraped], "ports": tcp(METRICS)})
    out = [
        {"to": [{"podSelector": {"matchLabels": ITS_MODELS}}], "ports": tcp(*plan.pod_ports)},
        {"to": [proxies], "ports": tcp(METRICS)},
        name_resolution(),
        {"to": blocks(plan.network.api_server_ranges), "ports": tcp(HTTPS)},
    ]
    return [network_policy(KUBEAI, plan.namespace, kubeai_selector(), ingress=into, egress=out)]


def kubeai_budget(plan: OperatorPlan) -> Manifest:
    """One proxy may leave at a time; a drain that waited for the only one would wait forever."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": KUBEAI, "namespace": plan.namespace, "labels": dict(OWN_LABELS)},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": kubeai_selector()},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def _plan(plan: OperatorPlan) -> KubeaiPlan:
    if plan.kubeai is None:
        raise ValueError("operator kubeai needs a KubeaiPlan")
    return plan.kubeai


def _patch(op: str, path: str, value: Any) -> dict[str, Any]:
    return {"op": op, "path": path, "value": value}


def _profile(profile: ResourceProfilePlan) -> dict[str, Any]:
    """Of one model, asked for once: requests and limits are multiplied by the number behind its name."""
    own = {"matchLabels": {"model": profile.model, **ITS_MODELS}}
    return {
        **quantities(profile.resources),
        "nodeSelector": dict(profile.node_selector),
        "tolerations": tolerations(profile.taints),
        "affinity": _together(own) if profile.one_node else _apart(own),
    }


def _together(pods: dict[str, Any]) -> dict[str, Any]:
    """The first pod goes where it likes, the others after it: one node mounts their volume."""
    term = {"labelSelector": pods, "topologyKey": HOSTNAME}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def _apart(pods: dict[str, Any]) -> dict[str, Any]:
    term = {"weight": 100, "podAffinityTerm": {"labelSelector": pods, "topologyKey": HOSTNAME}}
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [term]}}


def _spread(topology_key: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": topology_key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": ITS_MODELS},
        "matchLabelKeys": ["model", "pod-hash"],
    }
