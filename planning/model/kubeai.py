"""KubeAI: one proxy and one configuration for all its models. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.cloud import TaintPlan
from planning.model.pods import DrainPlan, PodResources


@dataclass(frozen=True)
class KubeaiModelPlan:
    """What KubeAI is told of a model beside the rest of its plan."""

    profile: str
    """Name of its resource profile."""
    strategy: str
    """In KubeAI's own words."""
    prefix_characters: int
    """How many characters of the first user message count as its beginning."""
    target_requests: int
    """In flight at a replica, beyond which KubeAI adds one."""


@dataclass(frozen=True)
class ResourceProfilePlan:
    """What a model's pods ask of a node, as KubeAI knows it: by a name."""

    name: str
    model: str
    """Whose it is: its pods keep apart, or together where one node mounts their volume."""
    resources: PodResources
    node_selector: dict[str, str]
    taints: tuple[TaintPlan, ...]
    one_node: bool


@dataclass(frozen=True)
class KubeaiPlan:
    """KubeAI's release: its proxies, and what holds for the pods of all its models alike."""

    replicas: int
    resources: PodResources
    """Of a proxy."""
    interval_seconds: int
    """Between two looks of its autoscaler."""
    window_seconds: int
    """It follows the mean of so long."""
    surge: int
    """Pods that a rollout of any model starts beside the running ones."""
    drain: DrainPlan
    profiles: tuple[ResourceProfilePlan, ...]
    client_namespaces: tuple[str, ...]
    pull_secrets: tuple[str, ...]
    user_id: int
    """Of the servers' image."""
    group_id: int
