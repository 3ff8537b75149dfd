"""Which pods a real program of this machine stands behind. KWOK's pods run nothing; these do, beside them.

The rule is one for all: a program runs here while a Ready pod with its image is in the cluster. So a Deployment that
cannot be scheduled, a release that was not installed, or a StatefulSet that the operator never made means that the
program does not run, as in production. Its arguments and its files come from that pod, too (rewrites.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Program:
    """A program in `.tools/bin` and the image whose pods it stands behind."""

    name: str
    image: str
    """Repository of the image, without registry and tag."""
    ports: Mapping[int, str]
    """Port of the container -> name of the local port (ports.json) that answers for it."""
    need: str
    """What builds it: `python -m local tools NEED`."""
    other_ports: tuple[str, ...] = ()
    """Local ports that no port of the container stands for."""

    @property
    def port_names(self) -> set[str]:
        """Every local port that it listens on."""
        return {*self.ports.values(), *self.other_ports}


KUBERAY_PORTS = ("kuberay-health",)
LWS_PORTS = ("lws-metrics", "lws-health")
KSERVE_PORTS = ("kserve-metrics", "kserve-health")

PROGRAMS: tuple[Program, ...] = (
    Program(
        "prometheus-operator",
        "prometheus-operator/prometheus-operator",
        {8080: "prometheus-operator", 10250: "prometheus-operator"},
        "monitoring",
    ),
    Program("prometheus", "prometheus/prometheus", {9090: "prometheus"}, "monitoring"),
    Program("alertmanager", "prometheus/alertmanager", {9093: "alertmanager"}, "monitoring"),
    Program("prometheus-adapter", "prometheus-adapter/prometheus-adapter", {6443: "prometheus-adapter"}, "monitoring"),
    Program(
        "keda-operator",
        "kedacore/keda",
        {8080: "keda-operator-metrics", 9666: "keda-operator"},
        "keda",
        ("keda-operator-health",),
    ),
    Program(
        "keda-adapter",
        "kedacore/keda-metrics-apiserver",
        {6443: "keda-adapter", 8080: "keda-adapter-metrics"},
        "keda",
    ),
    Program(
        "external-secrets",
        "external-secrets/external-secrets",
        {8080: "external-secrets-metrics"},
        "external-secrets",
    ),
    Program("kserve-controller", "kserve/kserve-controller", {9443: "kserve-webhook"}, "kserve", KSERVE_PORTS),
    Program("lws-controller", "lws/lws", {9443: "lws-webhook"}, "lws", LWS_PORTS),
    # Upstream's program in the place of llm-d's own, which is in no registry; of several models' pickers one runs.
    Program(
        "endpoint-picker",
        "llm-d/llm-d-router-endpoint-picker",
        {9002: "picker-grpc", 9003: "picker-health"},
        "llm-d",
        ("picker-metrics",),
    ),
    Program("kuberay-operator", "kuberay/operator", {8080: "kuberay-metrics"}, "kuberay", KUBERAY_PORTS),
    Program(
        "rollouts-controller",
        "argoproj/argo-rollouts",
        {8090: "rollouts-metrics", 8080: "rollouts-health"},
        "rollouts",
    ),
    Program(
        "otel-collector",
        "otel/opentelemetry-collector-k8s",
        {4317: "collector-otlp", 13133: "collector-health"},
        "collector",
    ),
    Program(
        "karpenter-controller",
        "karpenter/controller",
        {8080: "karpenter-metrics", 8081: "karpenter-health"},
        "karpenter",
    ),
    Program(
        "envoy-gateway",
        "envoyproxy/gateway",
        {18000: "envoy-gateway-xds", 8081: "envoy-gateway-health"},
        "gateway",
        ("envoy-gateway-admin",),
    ),
    # Its pod has a container of the controller's image, too, after its own.
    Program(
        "envoy",
        "envoyproxy/envoy",
        {10443: "envoy-https", 19001: "envoy-stats", 19003: "envoy-ready"},
        "gateway",
        ("envoy-admin",),
    ),
)


def repository(image: str) -> str:
    """An image's name without tag and digest."""
    return re.sub(r"(@.*|:[^/:@]+(@.*)?)$", "", image)


def program_of(pod: Object) -> tuple[Program, Object] | None:
    """The program behind a pod, and the container that is meant to run it."""
    for container in (pod.get("spec") or {}).get("containers") or []:
        name = repository(str(container.get("image", "")))
        for program in PROGRAMS:
            if name == program.image or name.endswith(f"/{program.image}"):
                return program, container
    return None


def is_ready(pod: Object) -> bool:
    """Ready and not being deleted."""
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def behind(pods: Iterable[Object]) -> dict[str, Object]:
    """Program -> the pod it stands behind now: the youngest Ready one, as after a rolling update."""
    objects: dict[str, Object] = {}
    for pod in pods:
        known = program_of(pod)
        if known is None or not is_ready(pod):
            continue
        name = known[0].name
        if name not in objects or _age_key(objects[name]) < _age_key(pod):
            objects[name] = pod
    return objects


def _age_key(pod: Object) -> tuple[str, str]:
    return pod["metadata"].get("creationTimestamp") or "", pod["metadata"]["name"]
