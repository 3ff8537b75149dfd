"""`MetricsAdapter`: prometheus-adapter, which serves metrics of pods and Services to HorizontalPodAutoscalers.

The names must agree in three places: the series that vLLM exports or we record, the rule here, the metric of the HPA.
All three come from one `MetricRule`. External metrics stay empty: they belong to the owner of
external.metrics.k8s.io (KEDA).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.helm import release_arguments
from planning.model import PROMETHEUS_PORT, MetricRule, MonitoringPlan, Via
from planning.versions.pins import mirrored

RELEASE = "prometheus-adapter"
IMAGE_REPOSITORY = "registry.k8s.io/prometheus-adapter/prometheus-adapter"

# The resource whose name a label of the series holds.
RESOURCES = {Via.PODS: "pod", Via.SERVICE: "service"}


def adapter_rule(rule: MetricRule) -> dict[str, Any]:
    """One number under one name, per namespace and pod or Service.

    The adapter fills the <<…>> of its query: without LabelMatchers every pod would get the sum over all pods.
    """
    resource = RESOURCES[rule.via]
    return {
        "seriesQuery": f'{rule.series}{{namespace!="",{resource}!=""}}',
        "resources": {"overrides": {"namespace": {"resource": "namespace"}, resource: {"resource": resource}}},
        "name": {"matches": f"^{rule.series}$", "as": rule.name},
        "metricsQuery": rule.query,
    }


def metrics_adapter_values(plan: MonitoringPlan, prometheus_url: pulumi.Input[str]) -> dict[str, Any]:
    """Values of chart prometheus-adapter."""
    there = plan.existing
    port, path = (there.port, there.path) if there else (PROMETHEUS_PORT, "")
    values: dict[str, Any] = {
        "prometheus": {"url": prometheus_url, "port": port, **({"path": path} if path else {})},
        "replicas": 2,
        "rules": {
            "default": False,  # true serves every container metric
            "custom": [adapter_rule(rule) for rule in plan.adapter_rules],
            "external": [],
        },
    }
    if plan.mirror:
        values["image"] = {"repository": mirrored(IMAGE_REPOSITORY, plan.mirror)}
    return values


@dataclass(frozen=True)
class MetricsAdapterArgs:
    """`prometheus_url` without port. `after`: the Prometheus release."""

    plan: MonitoringPlan
    namespace: pulumi.Input[str]
    prometheus_url: pulumi.Input[str]
    after: tuple[pulumi.Resource, ...] = ()


class MetricsAdapter(pulumi.ComponentResource):
    """The adapter's release."""

    release: pulumi.Resource

    def __init__(self, name: str, args: MetricsAdapterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:MetricsAdapter", name, None, opts)
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            **release_arguments(args.plan.adapter_chart, RELEASE, args.plan.timeout_seconds),
            namespace=args.namespace,
            values=metrics_adapter_values(args.plan, args.prometheus_url),
            # Hidden ordering: the adapter is not ready before Prometheus answers it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        self.register_outputs({})
