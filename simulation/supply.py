"""Pods and the nodes under them: cold start in stages, launches that fail, billing from launch, drain.

Times in seconds. Random parts come from one generator, drawn in the order things happen, so a run repeats exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from planning.model import ColdStartTerm
from planning.nodes.growth import node_start


@dataclass(frozen=True)
class ColdStart:
    """Stages from the decision to add a replica to its first answer; each drawn evenly between low and high.

    `node` stages pass only where no node has room, `pod` stages always, `first_on_node` for a node's first pod.
    """

    node: tuple[ColdStartTerm, ...]
    first_on_node: tuple[ColdStartTerm, ...]
    pod: tuple[ColdStartTerm, ...]

    @property
    def all_terms(self) -> tuple[ColdStartTerm, ...]:
        """In order."""
        return (*self.node, *self.first_on_node, *self.pod)

    @property
    def mean_seconds(self) -> float:
        """A new node and its first pod, on average."""
        return sum((term.low_seconds + term.high_seconds) / 2 for term in self.all_terms)


# A node that has to be launched, by any autoscaler; ranges from docs/autoscaling.md.
NODE_TERMS = (
    ColdStartTerm(
        "autoscaler decision", 5, 35, "Karpenter 5 s; Cluster Autoscaler 30 s for GPU pods (autoscaler#9126)"
    ),
    *node_start()[1:],
)


def fixed_cold_start(mean_seconds: float, spread_seconds: float = 0.0) -> ColdStart:
    """One stage of that length, whatever its parts: half of it the node's."""
    half, spread = mean_seconds / 2, spread_seconds / 2
    term = ColdStartTerm("as given", half - spread, half + spread, "command line")
    return ColdStart((term,), (), (term,))


@dataclass(frozen=True)
class Supply:
    """How nodes come and go. `launch_failure`: probability that a launch finds no capacity and is tried again.

    `spare_nodes`: so many without a pod are kept or bought, up to `max_nodes` in all (None: as many as are needed);
    a placeholder on each has its node pull the image, so that a pod finds it there. `min_nodes` counts them in.
    """

    cold_start: ColdStart
    pods_per_node: int = 1
    gpus_per_node: int = 1
    usd_per_node_hour: float | None = None
    launch_failure: float = 0.0
    retry_seconds: float = 60.0
    idle_node_seconds: float = 60.0
    min_nodes: int = 0
    spare_nodes: int = 0
    max_nodes: int | None = None
    pre_stop_seconds: float = 15.0
    grace_seconds: float = 150.0

    def __post_init__(self) -> None:
        if not 0 <= self.launch_failure < 1:
            raise ValueError(f"launch failure {self.launch_failure}: a probability below 1")


class State(StrEnum):
    """Of a pod."""

    PENDING = "Pending"
    STARTING = "Starting"
    READY = "Ready"
    DRAINING = "Draining"


@dataclass(eq=False)
class Node:
    """One instance. `ready_seconds` in the future: it boots. `pulled_seconds`: when a placeholder has had the image
    pulled."""

    launched_seconds: float
    ready_seconds: float
    pods: set[str] = field(default_factory=set)
    has_image: bool = False
    pulled_seconds: float = float("inf")
    empty_since: float | None = None


@dataclass(eq=False)
class Pod:
    """One replica of the Deployment."""

    name: str
    created_seconds: float
    state: State = State.PENDING
    node: Node | None = None
    ready_seconds: float = float("inf")
    bound_seconds: float = float("inf")
    stop_seconds: float = float("inf")
    place: int = -1


class Nodes:
    """The nodes of one pool, and what they cost."""

    def __init__(self, supply: Supply, rng: np.random.Generator) -> None:
        self.supply = supply
        self.rng = rng
        self.nodes: list[Node] = []
        self.billed_seconds = 0.0
        self.billed_nodes = 0
        self.booting_seconds = 0.0

    def ready_nodes(self, count: int) -> None:
        """Nodes that run from the start."""
        self.nodes += [Node(0.0, 0.0, has_image=True, empty_since=0.0) for _ in range(count)]

    def place(self, pod: Pod, now: float) -> None:
        """Gives a pod room, launching a node where there is none, and says when it will be ready."""
        node = self._room(now)
        if node is None:
            node = self._launch(now)
        node.pods.add(pod.name)
        node.empty_since = None
        pod.node = node
        pod.bound_seconds = max(now, node.ready_seconds)
        stages = [*self.supply.cold_start.pod]
        if not node.has_image and now < node.pulled_seconds:
            stages += self.supply.cold_start.first_on_node
        node.has_image = True
        pod.ready_seconds = pod.bound_seconds + self._draw(stages)
        self.keep_spare(now)

    def place_ready(self, pod: Pod) -> None:
        """A pod that serves from the start."""
        node = next((node for node in self.nodes if len(node.pods) < self.supply.pods_per_node), None)
        if node is None:
            node = Node(0.0, 0.0, has_image=True)
            self.nodes.append(node)
        node.pods.add(pod.name)
        node.empty_since = None
        pod.node, pod.bound_seconds, pod.ready_seconds, pod.state = node, 0.0, 0.0, State.READY

    def leave(self, pod: Pod, now: float) -> None:
        """A pod is gone; its node may now be empty."""
        if pod.node is None:
            return
        pod.node.pods.discard(pod.name)
        if not pod.node.pods:
            pod.node.empty_since = now
        if pod.ready_seconds > now:
            self.booting_seconds += max(0.0, now - max(pod.created_seconds, pod.node.launched_seconds))

    def started(self, pod: Pod) -> None:
        """Counts the billed time before a pod's first answer."""
        if pod.node is not None:
            begun = max(pod.created_seconds, pod.node.launched_seconds)
            self.booting_seconds += max(0.0, pod.ready_seconds - begun)

    def consolidate(self, now: float) -> None:
        """Terminates nodes that have been empty long enough."""
        for node in list(self.nodes):
            empty = sum(not other.pods for other in self.nodes)
            if len(self.nodes) <= self.supply.min_nodes or empty <= self.supply.spare_nodes:
                return
            if node.empty_since is not None and now - max(node.empty_since, node.ready_seconds) >= (
                self.supply.idle_node_seconds
            ):
                self._terminate(node, now)

    def end(self, now: float) -> None:
        """Bills what still runs."""
        self.billed_nodes = len(self.nodes)
        for node in list(self.nodes):
            self._terminate(node, now)

    def _room(self, now: float) -> Node | None:
        """The node that has room first; used ones before spare ones, which a pod has to evict a placeholder from."""
        with_room = [node for node in self.nodes if len(node.pods) < self.supply.pods_per_node]
        if not self.supply.spare_nodes:
            return with_room[0] if with_room else None
        return min(with_room, key=lambda node: (max(now, node.ready_seconds), not node.pods), default=None)

    def keep_spare(self, now: float) -> None:
        """Buys the next spare nodes in the place of those that pods took."""
        most = self.supply.max_nodes
        while sum(not node.pods for node in self.nodes) < self.supply.spare_nodes:
            if most is not None and len(self.nodes) >= most:
                return
            node = self._launch(now)
            pull = sum(term.high_seconds for term in self.supply.cold_start.first_on_node)
            node.empty_since, node.pulled_seconds = node.ready_seconds, node.ready_seconds + pull

    def _launch(self, now: float) -> Node:
        decision, *boot = self.supply.cold_start.node or (ColdStartTerm("none", 0, 0, ""),)
        launched = now + self._draw([decision] if boot else [])
        while self.supply.launch_failure and self.rng.random() < self.supply.launch_failure:
            launched += self.supply.retry_seconds
        node = Node(launched, launched + self._draw(boot or [decision]))
        self.nodes.append(node)
        return node

    def _terminate(self, node: Node, now: float) -> None:
        self.nodes.remove(node)
        self.billed_seconds += max(0.0, now - node.launched_seconds)

    def _draw(self, stages: list[ColdStartTerm]) -> float:
        return sum(
            term.low_seconds + (term.high_seconds - term.low_seconds) * float(self.rng.random()) for term in stages
        )
