"""The environment of a container as the kubelet makes it, for a program that takes its settings from there."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from math import ceil
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from local.monitoring.mounts import Fetch, Missing, data_of

Object = Mapping[str, Any]


def container_environment(pod: Object, container: Object) -> dict[str, str]:
    """Name -> value of what `env` says: values, fields of the pod, resources of the container.

    Keys of ConfigMaps and Secrets are values by now (with_keys). Raises LookupError for anything else: the program
    would run without it.
    """
    return {variable["name"]: _value(variable, pod, container) for variable in container.get("env") or []}


KEYS = {"secretKeyRef": "secrets", "configMapKeyRef": "configmaps"}


async def with_keys(pod: Object, fetch: Fetch) -> dict[str, Any]:
    """The pod, with the values of the keys that its containers' `env` names. Raises Missing for one that is absent and
    needed: a real container would wait in CreateContainerConfigError."""
    namespace, made = pod["metadata"]["namespace"], copy.deepcopy(dict(pod))
    for container in made["spec"]["containers"]:
        variables = container.get("env") or []
        values = [await _of_key(variable, namespace, fetch) for variable in variables]
        if variables:
            container["env"] = [variable for variable in values if variable is not None]
    return made


async def _of_key(variable: Object, namespace: str, fetch: Fetch) -> Object | None:
    """None where the key is absent and may be."""
    source = variable.get("valueFrom") or {}
    for field, kind in KEYS.items():
        if field in source:
            reference = source[field]
            item = await fetch(f"/api/v1/namespaces/{namespace}/{kind}/{reference['name']}")
            data = data_of(item) if item is not None else {}
            if reference["key"] in data:
                return {"name": variable["name"], "value": data[reference["key"]].decode()}
            if reference.get("optional"):
                return None
            raise Missing(f"{kind} {namespace}/{reference['name']}, key {reference['key']}")
    return variable


def _value(entry: Object, pod: Object, container: Object) -> str:
    source = entry.get("valueFrom") or {}
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return _resource(container, source["resourceFieldRef"])
    if source:
        raise LookupError(f"environment variable {entry['name']}: {', '.join(source)} is not played here")
    return str(entry.get("value", ""))


def _field(pod: Object, path: str) -> str:
    of_map = re.fullmatch(r"metadata\.(annotations|labels)\['(.+)'\]", path)
    if of_map is not None:  # absent is empty, as with the kubelet
        return str((pod["metadata"].get(of_map[1]) or {}).get(of_map[2], ""))
    value: Any = pod
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise LookupError(f"the pod has no field {path}")
        value = value[key]
    return str(value)


def _resource(container: Object, reference: Object) -> str:
    """In units of the divisor, rounded up; 0 where the container says none (a kubelet: the node's)."""
    part, _, name = str(reference["resource"]).partition(".")
    quantity = ((container.get("resources") or {}).get(part) or {}).get(name, "0")
    parse: Any = parse_quantity  # the client has no types
    divisor = parse(reference.get("divisor") or "0") or 1
    return str(ceil(parse(quantity) / divisor))
