"""What moves a model's replicas: recording rules, and a HorizontalPodAutoscaler or a KEDA ScaledObject."""

from __future__ import annotations

from typing import Any

import pulumi

from components.manifest import Manifest
from components.serving.manifests.group import API as GROUP_API
from components.serving.manifests.names import metadata, rule_labels
from planning.model import ScalingMetric, ScalingRulePlan, SchedulePlan, ServedModel, Via

# While an update changes the owner of the replicas from our HPA to KEDA both exist for a moment, and KEDA's webhook
# would refuse its ScaledObject. A foreign HPA still is a reason to refuse.
ALLOW_KEDA_TO_REPLACE_HPA = {"validations.keda.sh/hpa-ownership": "false"}


def recording_rules(model: ServedModel) -> Manifest:
    """The numbers that no pod has alone, with namespace and Service of the model as labels."""
    plan = model.autoscaling
    rules = [
        {"record": recording.record, "expr": recording.expr, "labels": dict(recording.labels)}
        for recording in plan.recordings
    ]
    group = {"name": f"{model.name}-demand", "interval": f"{plan.rule_interval_seconds}s", "rules": rules}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {**metadata(model), "name": f"{model.name}-demand", "labels": rule_labels(model)},
        "spec": {"groups": [group]},
    }


def horizontal_pod_autoscaler(model: ServedModel) -> Manifest:
    """An HPA; with several metrics the one that asks for most replicas decides."""
    plan = model.autoscaling
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {**metadata(model), "annotations": dict(ALLOW_KEDA_TO_REPLACE_HPA)},
        "spec": {
            "scaleTargetRef": _target(model),
            "minReplicas": plan.min_replicas,
            "maxReplicas": plan.max_replicas,
            "metrics": [_hpa_metric(model, metric) for metric in plan.metrics],
            "behavior": _behavior(model),
        },
    }


def scaled_object(model: ServedModel, prometheus_url: pulumi.Input[str]) -> Manifest:
    """A KEDA ScaledObject; KEDA makes an HPA of it, and takes the replicas from 0 to 1 and back itself."""
    plan = model.autoscaling
    spec: dict[str, Any] = {
        "scaleTargetRef": _target(model),
        "minReplicaCount": plan.min_replicas,
        "maxReplicaCount": plan.max_replicas,
        "pollingInterval": plan.polling_seconds,
        "advanced": {
            # Deleting the ScaledObject keeps the replicas that serve.
            "restoreToOriginalReplicaCount": False,
            "horizontalPodAutoscalerConfig": {"behavior": _behavior(model)},
        },
        "triggers": _triggers(model, prometheus_url),
    }
    if plan.zero is not None:
        spec["cooldownPeriod"] = plan.zero.idle_seconds
        spec["initialCooldownPeriod"] = plan.zero.idle_seconds
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata(model), "spec": spec}


def _hpa_metric(model: ServedModel, metric: ScalingMetric) -> dict[str, Any]:
    key = "averageValue" if metric.value_type == "AverageValue" else "value"
    target = {"type": metric.value_type, key: quantity(metric.target)}
    name = {"name": metric.rule.name}
    if metric.rule.via is Via.PODS:
        return {"type": "Pods", "pods": {"metric": name, "target": target}}
    described = {"apiVersion": "v1", "kind": "Service", "name": model.name}
    return {"type": "Object", "object": {"describedObject": described, "metric": name, "target": target}}


def _triggers(model: ServedModel, prometheus_url: pulumi.Input[str]) -> list[dict[str, Any]]:
    plan = model.autoscaling
    # At zero no pod exports anything and that means 0; else a missing number is an error, and the HPA holds.
    missing_is_zero = plan.zero is not None
    # Only requests wake a model or keep it awake: a trend or a spread does not.
    never_active = None if plan.zero is None else float(plan.max_replicas)
    triggers = [
        _prometheus(
            metric.kind,
            metric.query,
            metric.target,
            prometheus_url,
            value_type=metric.value_type,
            activation=None if never_active is None else never_active * metric.target,
            missing_is_zero=missing_is_zero,
        )
        for metric in plan.metrics
    ]
    if plan.zero is not None:
        zero = plan.zero
        triggers += [
            _prometheus("wake", zero.wake_query, zero.wake_target, prometheus_url, activation=0.0),
            _prometheus("busy", zero.busy_query, zero.busy_target, prometheus_url, activation=0.0),
        ]
    return triggers + [_cron(index, schedule) for index, schedule in enumerate(plan.schedules)]


def _prometheus(
    name: str,
    query: str,
    threshold: float,
    prometheus_url: pulumi.Input[str],
    *,
    value_type: str = "AverageValue",
    activation: float | None = None,
    missing_is_zero: bool = True,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "serverAddress": prometheus_url,
        "query": query,
        "threshold": f"{threshold:g}",
        "ignoreNullValues": str(missing_is_zero).lower(),
    }
    if activation is not None:
        metadata["activationThreshold"] = f"{activation:g}"
    return {"type": "prometheus", "name": name, "metricType": value_type, "metadata": metadata}


def _cron(index: int, schedule: SchedulePlan) -> dict[str, Any]:
    metadata = {
        "timezone": schedule.time_zone,
        "start": schedule.start,
        "end": schedule.end,
        "desiredReplicas": str(schedule.min_replicas),
    }
    return {"type": "cron", "name": f"schedule-{index}", "metricType": "AverageValue", "metadata": metadata}


def quantity(number: float) -> str:
    """A number as a Kubernetes quantity: `5`, `800m`, `31700m`."""
    return str(round(number)) if number == round(number) else f"{round(number * 1000)}m"


def _behavior(model: ServedModel) -> dict[str, Any]:
    plan = model.autoscaling
    return {"scaleUp": _direction(plan.scale_up), "scaleDown": _direction(plan.scale_down)}


def _direction(rule: ScalingRulePlan) -> dict[str, Any]:
    policies = [{"type": "Pods", "value": rule.pods, "periodSeconds": rule.period_seconds}]
    if rule.percent is not None:
        policies.append({"type": "Percent", "value": rule.percent, "periodSeconds": rule.period_seconds})
    return {"stabilizationWindowSeconds": rule.window_seconds, "selectPolicy": "Max", "policies": policies}


def _target(model: ServedModel) -> dict[str, Any]:
    if model.canary:
        return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": model.name}
    if model.group:
        return {"apiVersion": GROUP_API, "kind": "LeaderWorkerSet", "name": model.group.name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": model.deployment_name}
