"""The Kubernetes objects of a recorded stack, as scanners are to see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from planning.model import CreateClusterPlan, StackPlan

# Scanners skip checks (spread, disruption, anti-affinity) on what has one replica.
LEAST_REPLICAS = 2
SHARED = "shared"
# An existing cluster does not say its version; scanners only ask which kinds are deprecated by then.
ASSUMED_KUBERNETES_VERSION = "1.34"
ENFORCED = "pod-security.kubernetes.io/enforce"
OURS = "vllm-on-eks:index:"
RELEASE = "kubernetes:helm.sh/v3:Release"

Object = dict[str, Any]


@dataclass(frozen=True)
class ScannedStack:
    """`owners`: `Deployment/qwen` -> the model it belongs to, or `shared`; `pod_security`: by model, the level that its
    namespace enforces.
    """

    name: str
    kubernetes_version: str
    objects: tuple[Object, ...]
    owners: Mapping[str, str]
    pod_security: Mapping[str, str]

    def groups(self) -> list[str]:
        """Models, then what they share."""
        return [*self.pod_security, SHARED]


def scanned_stack(name: str, plan: StackPlan, resources: Sequence[Mapping[str, Any]]) -> ScannedStack:
    """Objects that the program itself registers; what a Helm chart brings is its maintainers'."""
    models = {model.name: model.namespace for model in plan.models}
    objects, owners, levels = [], {}, {}
    for resource in resources:
        if not resource["type"].startswith("kubernetes:") or resource["type"] == RELEASE or resource.get("read"):
            continue
        made = deepcopy(dict(resource["inputs"]))
        objects.append(made)
        owners[f"{made['kind']}/{made['metadata']['name']}"] = _owner(resource["parent"], models)
        if made["kind"] == "Namespace":
            levels[made["metadata"]["name"]] = made["metadata"].get("labels", {}).get(ENFORCED, "privileged")
    return ScannedStack(
        name=name,
        kubernetes_version=plan.cluster.version
        if isinstance(plan.cluster, CreateClusterPlan)
        else ASSUMED_KUBERNETES_VERSION,
        objects=tuple(_with_replicas(objects)),
        owners=owners,
        pod_security={model: levels.get(namespace, "privileged") for model, namespace in models.items()},
    )


def _owner(parent: str, models: Mapping[str, str]) -> str:
    """The model whose component registered an object: its serving backend, or its autoscaler."""
    types, _, name = parent.partition("::")[2].partition("::")[2].rpartition("::")
    return name if name in models and types.rpartition("$")[2].startswith(f"{OURS}Vllm") else SHARED


def _name(manifest: Object) -> tuple[str | None, str]:
    return manifest["metadata"].get("namespace"), manifest["metadata"]["name"]


def _with_replicas(objects: Sequence[Object]) -> list[Object]:
    """The objects with at least two replicas, where they are said: the autoscaler's minimum, or the Deployment's."""
    scaled = {
        (object_["metadata"].get("namespace"), object_["spec"]["scaleTargetRef"]["name"])
        for object_ in objects
        if object_["kind"] == "HorizontalPodAutoscaler"
    }
    for object_ in objects:
        spec = object_.get("spec", {})
        if object_["kind"] == "HorizontalPodAutoscaler":
            spec["minReplicas"] = max(LEAST_REPLICAS, spec.get("minReplicas", 1))
            spec["maxReplicas"] = max(spec["minReplicas"], spec["maxReplicas"])
        elif object_["kind"] == "Deployment" and _name(object_) not in scaled:
            spec["replicas"] = max(LEAST_REPLICAS, spec.get("replicas", 1))
    return list(objects)
