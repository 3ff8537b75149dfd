"""`ExistingPrometheus`: what the stack adds beside an existing Prometheus: rules, dashboards, a namespace.

Its operator, its Grafana and its Alertmanager are not touched: they find our objects by the labels that they look for.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.alerts import StackRules, StackRulesArgs
from components.cluster.dashboards import Dashboards, DashboardsArgs
from components.cluster.namespace import namespace_manifest
from components.cluster.network_policies import adapter_policies, register_policies
from components.manifest import arguments
from planning.model import MonitoringPlan


@dataclass(frozen=True)
class ExistingPrometheusArgs:
    """`plan`: one with `existing`."""

    plan: MonitoringPlan


class ExistingPrometheus(pulumi.ComponentResource):
    """Namespace and policies of the adapter, rules of the stack, dashboards. `ready`: what the adapter waits for."""

    namespace: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: ExistingPrometheusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:ExistingPrometheus", name, None, opts)
        plan, there = args.plan, args.plan.existing
        if there is None:
            raise ValueError(f"{name}: the plan installs Prometheus, so it needs PrometheusStack")
        child = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace", **arguments(namespace_manifest(plan.namespace, "monitoring.namespace")), opts=child
        )
        self.namespace = namespace.metadata["name"]
        self.ready = tuple(register_policies(name, adapter_policies(plan), self.namespace, child))
        if plan.alert_groups:
            StackRules(name, StackRulesArgs(plan.alert_groups, self.namespace, (), there.rule_labels), child)
        if there.dashboard_labels:
            where = there.dashboard_namespace or self.namespace
            Dashboards(f"{name}-dashboards", DashboardsArgs(where, there.dashboard_labels), child)
        self.register_outputs({"namespace": self.namespace, "prometheusUrl": there.url})
