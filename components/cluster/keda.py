"""`Keda`: KEDA's release, only in a stack whose models ask for it. It owns external.metrics.k8s.io."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.namespace import namespace_manifest
from components.cluster.network_policies import keda_policies, register_policies
from components.helm import release_arguments
from components.manifest import arguments
from planning.model import KedaPlan
from planning.versions.pins import mirrored

RELEASE = "keda"
REGISTRY = "ghcr.io"


def keda_values(plan: KedaPlan) -> dict[str, Any]:
    """Values of chart keda; only what differs from its defaults, which are safe ones for its pods."""
    labels = plan.network.monitor_labels
    monitor: dict[str, Any] = {"enabled": True, **({"additionalLabels": labels} if labels else {})}
    values: dict[str, Any] = {
        "image": {"pullPolicy": "IfNotPresent"},  # the tag is the chart's appVersion and does not move
        # Both scrape targets tell whether KEDA can read its triggers at all.
        "prometheus": {
            part: {"enabled": True, "serviceMonitor": dict(monitor)} for part in ("operator", "metricServer")
        },
    }
    if plan.mirror:
        values["global"] = {"image": {"registry": mirrored(REGISTRY, plan.mirror)}}
    return values


@dataclass(frozen=True)
class KedaArgs:
    """`after`: the Prometheus release, which brings the kind ServiceMonitor."""

    plan: KedaPlan
    after: tuple[pulumi.Resource, ...] = ()


class Keda(pulumi.ComponentResource):
    """Namespace and release. `release` carries the CRDs that ScaledObjects need."""

    release: pulumi.Resource

    def __init__(self, name: str, args: KedaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Keda", name, None, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            **arguments(namespace_manifest(args.plan.namespace, "keda.namespace")),
            opts=pulumi.ResourceOptions(parent=self),
        )
        child = pulumi.ResourceOptions(parent=self)
        closed = register_policies(name, keda_policies(args.plan), namespace.metadata["name"], child)
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            **release_arguments(args.plan.chart, RELEASE, args.plan.timeout_seconds),
            namespace=namespace.metadata["name"],
            values=keda_values(args.plan),
            # Hidden ordering: the release holds ServiceMonitors, a kind that the Prometheus stack brings; and no pod of
            # it is there without its policies.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.after, *closed]),
        )
        self.register_outputs({})
