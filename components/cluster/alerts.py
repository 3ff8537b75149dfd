"""`StackRules`: the Prometheus rules of the whole stack; and how rule groups of a plan become a PrometheusRule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pulumi

from components.manifest import Manifest, custom_resource, labels
from planning.model import AlertRulePlan, RecordingRulePlan, RuleGroupPlan

NAME = "vllm-on-eks"


def prometheus_rule(
    name: str, namespace: str | None, own_labels: dict[str, str], groups: Sequence[RuleGroupPlan], prefix: str
) -> Manifest:
    """One PrometheusRule. Group names are unique in Prometheus only per file: `prefix` makes them so for people."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {}), "labels": own_labels},
        "spec": {"groups": [rule_group(group, prefix) for group in groups]},
    }


def rule_group(group: RuleGroupPlan, prefix: str) -> dict[str, Any]:
    """A group as Prometheus reads it; promtool's tests read the same."""
    return {
        "name": f"{prefix}.{group.name}",
        "rules": [*map(_recording, group.recordings), *map(_alert, group.alerts)],
    }


def _recording(rule: RecordingRulePlan) -> dict[str, Any]:
    return {"record": rule.record, "expr": rule.expr, **({"labels": rule.labels} if rule.labels else {})}


def _alert(rule: AlertRulePlan) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **({"for": f"{rule.for_seconds}s"} if rule.for_seconds else {}),
        "labels": {"severity": rule.severity, **rule.labels},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": rule.runbook_url,
        },
    }


def stack_rules(groups: Sequence[RuleGroupPlan], selected_by: Mapping[str, str] = MappingProxyType({})) -> Manifest:
    """The PrometheusRule of the whole stack; `selected_by`: labels that an existing Prometheus looks for."""
    return prometheus_rule(NAME, None, {**labels(NAME, "stack", "rules"), **selected_by}, groups, "stack")


@dataclass(frozen=True)
class StackRulesArgs:
    """`groups`: the plan's, never empty. `after`: what brings the PrometheusRule kind."""

    groups: tuple[RuleGroupPlan, ...]
    namespace: pulumi.Input[str]
    after: tuple[pulumi.Resource, ...]
    selected_by: Mapping[str, str] = field(default_factory=dict)


class StackRules(pulumi.ComponentResource):
    """Alerts on GPUs, nodes and sources of metrics, and the recorded costs."""

    def __init__(self, name: str, args: StackRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:StackRules", name, None, opts)
        manifest = stack_rules(args.groups, args.selected_by)
        custom_resource(
            f"{name}-rules",
            manifest,
            namespace=args.namespace,
            # Hidden ordering: the kind exists only once the Prometheus stack's release has brought its CRD.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        self.register_outputs({})
