"""What a model is alerted on, as one PrometheusRule."""

from __future__ import annotations

from components.cluster.alerts import prometheus_rule
from components.manifest import Manifest
from components.serving.manifests.names import rule_labels
from planning.model import ServedModel


def alert_rules(model: ServedModel) -> Manifest:
    """`<model>-alerts`; Prometheus looks for rules in every namespace."""
    prefix = f"{model.namespace}.{model.name}"
    return prometheus_rule(f"{model.name}-alerts", model.namespace, rule_labels(model), model.alert_groups, prefix)
