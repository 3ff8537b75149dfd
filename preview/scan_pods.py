"""Pods that controllers make of kinds that scanners do not know, as Deployments, whose pods they look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Object = dict[str, Any]
# Of an InferenceService's predictor: what is not of its pods (components/serving/backends/kserve.py).
_NOT_OF_PODS = ("labels", "annotations", "deploymentStrategy", "minReplicas", "maxReplicas")


def as_deployments(each: Object) -> list[Object]:
    """The object itself; one of such a kind as Deployments of the names that autoscalers know them by."""
    return _deployments(each) or [each]


def retargeted(objects: Sequence[Object]) -> Sequence[Object]:
    """Autoscalers with the Deployment as their target."""
    made = {
        (each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in objects
        if each["kind"] == "Deployment"
    }
    for each in objects:
        if each["kind"] == "HorizontalPodAutoscaler":
            target = each["spec"]["scaleTargetRef"]
            if (each["metadata"].get("namespace"), target["name"]) in made:
                target |= {"apiVersion": "apps/v1", "kind": "Deployment"}
    return objects


def _deployments(each: Object) -> list[Object]:
    """None of a kind that scanners know, or that has no pods."""
    name = each["metadata"]["name"]
    if each["kind"] == "Rollout":
        return [_deployment(each, name, each["spec"]["template"])]
    if each["kind"] == "LeaderWorkerSet":
        group = each["spec"]["leaderWorkerTemplate"]
        workers = _deployment(each, f"{name}-worker", group["workerTemplate"])
        return [_deployment(each, name, group["leaderTemplate"]), workers]
    if each["kind"] == "InferenceService":
        predictor = each["spec"]["predictor"]
        pod = {key: value for key, value in predictor.items() if key not in _NOT_OF_PODS}
        told = {key: predictor[key] for key in ("labels", "annotations") if key in predictor}
        return [_deployment(each, f"{name}-predictor", {"metadata": told, "spec": pod})]
    return []


def _deployment(owner: Object, name: str, template: Object) -> Object:
    metadata = {**owner["metadata"], "name": name}
    selector = {"matchLabels": dict(template["metadata"].get("labels", {}))}
    spec = {"selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
