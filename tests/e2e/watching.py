"""What nodes and pods are like while something is done to them: looked at every third of a second, kept as samples."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from local.nodes.rendering import GROUP_ANNOTATION, LAUNCH_ANNOTATION
from local.nodes.rolls import CHOSEN_ANNOTATION
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Platform

PAUSE_SECONDS = 0.3


@dataclass(frozen=True)
class NodeSeen:
    """A node of a managed group; `launch`: version, release and template that it was launched with."""

    name: str
    group: str
    launch: str
    zone: str
    is_ready: bool
    takes_pods: bool
    is_leaving: bool


@dataclass(frozen=True)
class Sample:
    """One look; `healthy`: by disruption budget, how many pods it counts and how many it wants at least."""

    nodes: tuple[NodeSeen, ...]
    healthy: dict[str, tuple[int, int]]

    def of_group(self, prefix: str) -> list[NodeSeen]:
        """Nodes of the group whose name begins so."""
        return [node for node in self.nodes if node.group.startswith(prefix)]


@dataclass
class Watched:
    """Samples in order, and what could not be asked (the API server says so when it restarts)."""

    samples: list[Sample] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def look(cluster: Cluster) -> Sample:
    """As it is now."""
    budgets = client.PolicyV1Api(cluster.api).list_pod_disruption_budget_for_all_namespaces().items
    healthy = {
        f"{budget.metadata.namespace}/{budget.metadata.name}": (
            budget.status.current_healthy,
            budget.status.desired_healthy,
        )
        for budget in budgets
        if budget.status.expected_pods
    }
    return Sample(tuple(map(_seen, filter(_is_of_group, cluster.core.list_node().items))), healthy)


def _is_of_group(node: Any) -> bool:
    return GROUP_ANNOTATION in (node.metadata.annotations or {})


def _seen(node: Any) -> NodeSeen:
    annotations = node.metadata.annotations
    return NodeSeen(
        name=node.metadata.name,
        group=node.metadata.labels["eks.amazonaws.com/nodegroup"],
        launch=annotations[LAUNCH_ANNOTATION],
        zone=node.metadata.labels["topology.kubernetes.io/zone"],
        is_ready=any(each.type == "Ready" and each.status == "True" for each in node.status.conditions or []),
        takes_pods=not node.spec.unschedulable,
        is_leaving=CHOSEN_ANNOTATION in annotations,
    )


@contextmanager
def watching(platform: Platform) -> Iterator[Watched]:
    """Looks from here on until the end of the block."""
    watched, stop, cluster = Watched(), threading.Event(), Cluster(platform)

    def run() -> None:
        while not stop.wait(PAUSE_SECONDS):
            try:
                watched.samples.append(look(cluster))
            except (ApiException, HTTPError, OSError) as error:
                watched.troubles.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield watched
    finally:
        stop.set()
        thread.join()
