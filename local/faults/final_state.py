"""What a stack came to, told so that two makings of the same stack compare equal: ids, addresses and times are out.

Three parts: the state's resources with their inputs, the cluster's objects with their content, AWS's objects by name
(a list: made twice shows as two).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Ids that AWS gives (vpc-0a1b..., subnet-..., KMS's UUIDs) and those of volumes (pvc- and a UUID).
_IDS = re.compile(
    r"\b(?:pvc-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b[a-z]+-[0-9a-f]{8,17}\b"
    r"|\b(?:\d{1,3}\.){3}\d{1,3}\b"
    r"|\bip(?:-\d{1,3}){4}\b"  # EC2's name of an instance
    r"|(?<=-)[0-9a-f]{7}\b"  # Pulumi's own suffix of a name
)
# Of a live object: what the server, controllers and Helm write, different at each making.
_VOLATILE = {
    "status", "managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "clusterIP", "clusterIPs",
    "controller-uid", "batch.kubernetes.io/controller-uid", "deployment.kubernetes.io/revision", "volumeName",
    "kubectl.kubernetes.io/last-applied-configuration", "deprecated.daemonset.template.generation", "caBundle",
    "kwok.x-k8s.io/node", "providerID", "podCIDR", "podCIDRs", "ca.crt", "claimRef", "podIP",
}  # fmt: skip
# Kinds of which only the names and numbers count: controllers and Helm fill them.
_BY_NAME_ONLY = {
    "Node", "CSINode", "Secret", "ServiceAccount", "ConfigMap", "APIService", "PersistentVolume", "FlowSchema",
    "PriorityLevelConfiguration", "ClusterRole", "ClusterRoleBinding",
}  # fmt: skip
# Named by an address, and the API server's own Service, which has its port of this machine.
_LEFT_OUT = {"IPAddress"}
_OF_THE_API_SERVER = ("Service", "default", "kubernetes")
_HELM_REVISION = re.compile(r"(sh\.helm\.release\.v1\..+)\.v\d+$")


@dataclass(frozen=True)
class FinalState:
    """Comparable; each part is name -> content (or how many)."""

    resources: Mapping[str, str]
    cluster: Mapping[str, str]
    aws: Mapping[str, str]


def without_ids(value: Any) -> Any:
    """Ids and addresses replaced, volatile keys left out."""
    if isinstance(value, Mapping):
        return {
            key: "<version>" if key == "version" and "name" not in value and "id" in value else without_ids(item)
            for key, item in sorted(value.items())
            if key not in _VOLATILE
        }
    if isinstance(value, list | tuple):
        return [without_ids(item) for item in value]
    return _IDS.sub("<id>", value) if isinstance(value, str) else value


def resources_of(resources: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The state's resources: type and name -> inputs. Encrypted inputs differ each time and count as there."""
    objects = {}
    for resource in resources:
        name = str(resource["urn"]).split("::", 2)[-1]
        objects[name] = json.dumps(without_ids(_sealed(resource.get("inputs") or {})), sort_keys=True)
    return objects


def _sealed(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "ciphertext" in value:
            return "<secret>"
        return {
            key: _sealed(item) for key, item in value.items() if key not in ("version", "__defaults") or "id" in value
        }
    return [_sealed(item) for item in value] if isinstance(value, list | tuple) else value


def objects_of(objects: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The cluster's objects that no controller made for another object: name -> content, or how many of that name."""
    objects = list(objects)
    scaled = _scaled(objects)
    states: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for item in objects:
        metadata = item["metadata"]
        identity = (item["kind"], metadata.get("namespace"), metadata["name"])
        if item["kind"] in _LEFT_OUT or identity == _OF_THE_API_SERVER:
            continue
        if any(owner.get("controller") for owner in metadata.get("ownerReferences") or ()):
            continue
        name = _HELM_REVISION.sub(
            r"\1", f"{item['kind']} {metadata.get('namespace') or ''}/{_IDS.sub('<id>', metadata['name'])}"
        )
        leaving = " (being deleted)" if metadata.get("deletionTimestamp") else ""
        if item["kind"] in _BY_NAME_ONLY:
            counts[name + leaving] += 1 if "sh.helm.release" not in name else 0
            continue
        kept = {key: value for key, value in item.items() if key not in ("metadata", "apiVersion")}
        if identity in scaled:
            kept["spec"] = {key: value for key, value in kept["spec"].items() if key != "replicas"}
        own = {key: metadata.get(key) or {} for key in ("labels", "annotations")}
        states[name + leaving] = json.dumps(without_ids({**kept, **own}), sort_keys=True)
    return {**states, **{name: str(count) for name, count in counts.items()}}


def _scaled(objects: Iterable[Mapping[str, Any]]) -> set[tuple[str, str | None, str]]:
    """Kind, namespace and name of what an HPA scales: its number of replicas is the HPA's, whatever it is just now."""
    names = set()
    for item in objects:
        if item["kind"] == "HorizontalPodAutoscaler":
            target = item["spec"]["scaleTargetRef"]
            names.add((target["kind"], item["metadata"].get("namespace"), target["name"]))
    return names


def aws_of(names: Iterable[str]) -> dict[str, str]:
    """AWS's objects: kind and Name -> how many."""
    return {name: str(count) for name, count in Counter(_IDS.sub("<id>", name) for name in names).items()}


def differences(expected: FinalState, actual: FinalState) -> list[str]:
    """One line per thing that lacks, is too much, or is other than expected."""
    lines = []
    for part in ("resources", "cluster", "aws"):
        value, there = getattr(expected, part), getattr(actual, part)
        lines += [f"{part}: lacks {name}" for name in sorted(value.keys() - there.keys())]
        lines += [f"{part}: too much: {name}" for name in sorted(there.keys() - value.keys())]
        for name in sorted(value.keys() & there.keys()):
            if value[name] != there[name]:
                lines.append(f"{part}: {name} is other: {_first_difference(value[name], there[name])}")
    return lines


def _first_difference(expected: str, actual: str, around: int = 60) -> str:
    at = next(
        (i for i, (a, b) in enumerate(zip(expected, actual, strict=False)) if a != b), min(len(expected), len(actual))
    )
    start = max(0, at - around)
    return f"…{expected[start : at + around]}… expected, …{actual[start : at + around]}… found"
