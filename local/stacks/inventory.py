"""Everything that is in the cluster: with AWS' (aws_inventory.py) what a destroy must bring back to what was before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from local.build.chart_table import DEFINITIONS

# Kubernetes writes these by itself, at any time.
PASSING = {"Event", "Lease", "Endpoints", "EndpointSlice", "ComponentStatus", "PodMetrics", "NodeMetrics"}
# Helm never deletes what a chart has in crds/ (https://helm.sh/docs/chart_best_practices/custom_resource_definitions)
# or tells it to keep, and the API server registers a group for each.
KINDS_OF_GROUPS = {"CustomResourceDefinition", "APIService"}
GROUPS_LEFT_BY_HELM = tuple(f".{group}" for row in DEFINITIONS for group in row.groups_left)
# What is gone meanwhile, cannot be listed, or is served by an aggregated API that is down.
AWAY = (404, 405, 503)


def every_object(kubeconfig: Path) -> Iterator[dict[str, Any]]:
    """Every object of every kind that can be listed, with its kind, as JSON.

    What is served by an aggregated API that is down, what goes away meanwhile, and definitions that Helm leaves behind
    are left out.
    """
    get = _reader(kubeconfig)
    for base, resource in _listable(get):
        for item in get(f"{base}/{resource['name']}").get("items") or []:
            if resource["kind"] in KINDS_OF_GROUPS and item["metadata"]["name"].endswith(GROUPS_LEFT_BY_HELM):
                continue
            yield {**item, "kind": resource["kind"]}


def _listable(get: Callable[[str], dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Base path and description of every kind, in its group's preferred version, or in the first that has it.

    A group may serve a kind in another version alone: ReferenceGrants of gateway.networking.k8s.io in v1beta1.
    """
    groups = get("/apis")["groups"]
    for bases in (["/api/v1"], *map(_versions, groups)):
        told = set[str]()
        for base in bases:
            for resource in get(base).get("resources") or []:
                name = resource["name"]
                if name in told or "/" in name or "list" not in resource["verbs"] or resource["kind"] in PASSING:
                    continue
                told.add(name)
                yield base, resource


def _versions(group: Mapping[str, Any]) -> list[str]:
    """Base paths of a group, that of its preferred version first."""
    names = [group["preferredVersion"]["groupVersion"], *(each["groupVersion"] for each in group["versions"])]
    return [f"/apis/{name}" for name in dict.fromkeys(names)]


def _reader(kubeconfig: Path) -> Callable[[str], dict[str, Any]]:
    """GET of a path as JSON through the official client; empty for what is away. Raises its ApiException otherwise.

    Every kind, known to the client's models or not, looks as the API server says it.
    """
    from kubernetes import client, config  # half a second

    api = config.new_client_from_config(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]

    def get(path: str) -> dict[str, Any]:
        response = api.call_api(*api.param_serialize("GET", path, auth_settings=["BearerToken"]))
        text = response.read()
        if response.status in AWAY:
            return {}
        if response.status >= 400:
            raise client.ApiException(http_resp=response)
        answer: dict[str, Any] = json.loads(text)
        return answer

    return get


def title(item: Mapping[str, Any]) -> str:
    """`Kind namespace/name`"""
    metadata = item["metadata"]
    return f"{item['kind']} {metadata.get('namespace') or ''}/{metadata['name']}"


def kubernetes_objects(kubeconfig: Path) -> set[str]:
    """`Kind namespace/name` of every object of every kind that can be listed."""
    return {title(item) for item in every_object(kubeconfig)}
