"""The Kubernetes objects of a recorded stack, as scanners are to see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from planning.model import CreateClusterPlan, StackPlan
from policies.scanned import ScanFinding
from preview.scan_pods import as_deployments, retargeted

# Scanners skip checks (spread, disruption, anti-affinity) on what has one replica.
LEAST_REPLICAS = 2
SHARED = "shared"
# An existing cluster does not say its version; scanners only ask which kinds are deprecated by then.
ASSUMED_KUBERNETES_VERSION = "1.34"
ENFORCED = "pod-security.kubernetes.io/enforce"
OURS = "vllm-on-eks:index:"
COMPONENT = "app.kubernetes.io/component"
# Of programs of a model that answer no requests of its clients: each is counted by itself, and the goals are not its.
COMPANIONS = ("endpoint-picker", "model-worker")
RELEASE = "kubernetes:helm.sh/v3:Release"

Object = dict[str, Any]


@dataclass(frozen=True)
class ScannedStack:
    """`owners`: `Deployment/qwen` -> the group that it is counted in: the model, a companion of it, or `shared`;
    `pod_security`: by model and companion, the level that its namespace enforces; `backends`: of both, what serves the
    model; `models`: which of the groups are models.
    """

    name: str
    kubernetes_version: str
    objects: tuple[Object, ...]
    owners: Mapping[str, str]
    pod_security: Mapping[str, str]
    backends: Mapping[str, str]
    models: frozenset[str]

    def groups(self) -> list[str]:
        """Models and their companions, then what models share."""
        return [*self.pod_security, SHARED]

    def placed(self, finding: ScanFinding) -> ScanFinding:
        """With what serves the model that the object belongs to."""
        return replace(finding, backend=self.backends.get(self.owners.get(finding.object, SHARED), ""))


def scanned_stack(name: str, plan: StackPlan, resources: Sequence[Mapping[str, Any]]) -> ScannedStack:
    """Objects that the program itself registers; what a Helm chart brings is its maintainers'."""
    models = {model.name: model.namespace for model in plan.models}
    backends = {model.name: model.backend for model in plan.models}
    objects: list[Object] = []
    owners, levels = {}, {}
    for resource in resources:
        if not resource["type"].startswith("kubernetes:") or resource["type"] == RELEASE or resource.get("read"):
            continue
        made = deepcopy(dict(resource["inputs"]))
        owner = _owner(resource["parent"], models)
        for each in as_deployments(made):
            objects.append(each)
            owners[f"{each['kind']}/{each['metadata']['name']}"] = _group(each, owner)
        if made["kind"] == "Namespace":
            levels[made["metadata"]["name"]] = made["metadata"].get("labels", {}).get(ENFORCED, "privileged")
    own = {*models, *owners.values()}
    groups = {group: model for model in models for group in (model, *(f"{model} {each}" for each in COMPANIONS))}
    return ScannedStack(
        name=name,
        kubernetes_version=plan.cluster.version
        if isinstance(plan.cluster, CreateClusterPlan)
        else ASSUMED_KUBERNETES_VERSION,
        objects=tuple(_with_replicas(retargeted(objects))),
        owners=owners,
        pod_security={
            group: levels.get(models[model], "privileged") for group, model in groups.items() if group in own
        },
        backends={group: backends[model] for group, model in groups.items()},
        models=frozenset(models),
    )


def _owner(parent: str, models: Mapping[str, str]) -> str:
    """The model whose component registered an object: its serving backend, or its autoscaler."""
    types, _, name = parent.partition("::")[2].partition("::")[2].rpartition("::")
    return name if name in models and types.rpartition("$")[2].startswith(f"{OURS}Vllm") else SHARED


def _group(made: Object, owner: str) -> str:
    """The owner, or its companion, of whose component the object is: a Deployment by its pods."""
    described = (
        made["spec"].get("template", {}).get("metadata", {}) if made["kind"] == "Deployment" else made["metadata"]
    )
    component = described.get("labels", {}).get(COMPONENT)
    return f"{owner} {component}" if owner != SHARED and component in COMPANIONS else owner


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
