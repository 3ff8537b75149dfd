"""A model's servers as a Rollout of Argo Rollouts, and what decides whether a change of them goes on."""

from __future__ import annotations

from typing import Any

import pulumi

from components.manifest import Manifest
from components.serving.manifests.deployment import deployment, rolling_update
from components.serving.manifests.names import metadata
from planning.model import CanaryMetricPlan, CanaryPlan, CanaryStepPlan, ServedModel

API = "argoproj.io/v1alpha1"
# Without it the provider takes a custom resource for done when it is written. True at the first pods of the first
# update and from then on: no later update waits for its canary.
WAIT_AVAILABLE = {"pulumi.com/waitFor": "condition=Available"}


def rollout(model: ServedModel, priority_class: pulumi.Input[str]) -> Manifest:
    """The Deployment's pod, number and selector, with steps in the place of its strategy; ValueError without canary.

    The weights are shares of the pods: the model's Service and the gateway reach all of them alike, so nothing that
    Pulumi owns is changed by a step.
    """
    plan = _plan(model)
    usual = deployment(model, priority_class)
    described = usual["metadata"]
    steps: list[dict[str, Any]] = []
    for number, step in enumerate(plan.steps, start=1):
        steps += [{"setWeight": step.weight}, {"analysis": _analysis(model, number)}]
    spec = {key: value for key, value in usual["spec"].items() if key != "strategy"}
    return {
        "apiVersion": API,
        "kind": "Rollout",
        "metadata": {**described, "annotations": {**described.get("annotations", {}), **WAIT_AVAILABLE}},
        "spec": {
            **spec,
            # New pods that do not start in time go back by themselves, too.
            "progressDeadlineAbort": True,
            "strategy": {"canary": {**rolling_update(model), "steps": steps}},
        },
    }


def analysis_templates(model: ServedModel, prometheus_url: pulumi.Input[str]) -> list[Manifest]:
    """What is measured at new pods, one for each step. `prometheus_url`: with port. ValueError without canary.

    A number of measurements cannot be an argument: the controller takes a step without one for endless (seen with
    1.9.0). No request is no answer: the measurement is inconclusive, and after a step of which half is so the rollout
    waits.
    """
    plan = _plan(model)
    return [
        {
            "apiVersion": API,
            "kind": "AnalysisTemplate",
            "metadata": metadata(model, _template_name(model, number)),
            "spec": {
                "args": [{"name": "hash"}],
                "metrics": [_metric(metric, plan, step, prometheus_url) for metric in plan.metrics],
            },
        }
        for number, step in enumerate(plan.steps, start=1)
    ]


def _template_name(model: ServedModel, number: int) -> str:
    return f"{model.name}-canary-{number}"


def _plan(model: ServedModel) -> CanaryPlan:
    if model.canary is None:
        raise ValueError(f"{model.name}: its changes are no canaries")
    return model.canary


def _analysis(model: ServedModel, number: int) -> dict[str, Any]:
    return {
        "templates": [{"templateName": _template_name(model, number)}],
        "args": [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}],
    }


def _metric(
    metric: CanaryMetricPlan, plan: CanaryPlan, step: CanaryStepPlan, prometheus_url: pulumi.Input[str]
) -> dict[str, Any]:
    known = "len(result) > 0 && !isNaN(result[0])"
    return {
        "name": metric.name,
        "initialDelay": f"{plan.delay_seconds}s",
        "interval": f"{plan.interval_seconds}s",
        "count": step.measurements,
        "failureLimit": plan.tolerated,
        "inconclusiveLimit": step.silent,
        "successCondition": f"{known} && result[0] <= {metric.at_most:g}",
        "failureCondition": f"{known} && result[0] > {metric.at_most:g}",
        "provider": {"prometheus": {"address": prometheus_url, "query": metric.query}},
    }
