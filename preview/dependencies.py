"""What a recorded resource waits for, as the engine orders resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def needed_by(resource: Mapping[str, Any]) -> set[str]:
    """URNs of its dependencies: `depends_on`, those of its inputs, and its provider."""
    of_inputs = {urn for urns in resource.get("propertyDependencies", {}).values() for urn in urns}
    return {*resource.get("dependencies", ()), *of_inputs, resource.get("provider", "")} - {"", resource["urn"]}


def reached(urn: str, resources: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """All that it depends on, at any remove."""
    urns: set[str] = set()
    waiting = [urn]
    while waiting:
        for resource_urn in needed_by(resources[waiting.pop()]):
            if resource_urn in resources and resource_urn not in urns:
                urns.add(resource_urn)
                waiting.append(resource_urn)
    return frozenset(urns)
