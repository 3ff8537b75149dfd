"""Decisions of the simulated cluster-autoscaler, over plain values: which groups grow, which nodes leave.

As the real one: pods that the scheduler found unschedulable are laid on nodes that are there or on their way, then on
new nodes of the group that wastes least; a node without pods goes after a while, never below a group's minimum. The
real one also simulates spreading, pod affinity and volumes, and drains nodes used by less than half; this does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from planning.model import GPU_RESOURCE

Amounts = Mapping[str, float]
"""By resource: cores, bytes, counts."""
UNSCHEDULING_EFFECTS = ("NoSchedule", "NoExecute")


@dataclass(frozen=True)
class NodeTaint:
    key: str
    value: str
    effect: str


@dataclass(frozen=True)
class Toleration:
    """As in a pod; an empty key or effect matches every one."""

    key: str
    operator: str
    value: str
    effect: str

    def matches(self, taint: NodeTaint) -> bool:
        if self.effect not in ("", taint.effect) or self.key not in ("", taint.key):
            return False
        return self.operator == "Exists" or self.value == taint.value


@dataclass(frozen=True)
class Requirement:
    """One expression of a required node affinity."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """In and NotIn, Exists and DoesNotExist; anything else holds nowhere, so that no node is bought in vain."""
        has, matches = self.key in labels, labels.get(self.key) in self.values
        answers = {"In": has and matches, "NotIn": not matches, "Exists": has, "DoesNotExist": not has}
        return answers.get(self.operator, False)


@dataclass(frozen=True)
class ScheduledPod:
    """What a pod asks of its node. `affinity`: terms of which one must hold; `key`: namespace/name."""

    key: str
    requests: Amounts
    selector: Mapping[str, str] = field(default_factory=dict)
    affinity: tuple[tuple[Requirement, ...], ...] = ()
    tolerations: tuple[Toleration, ...] = ()

    def may_stand_on(self, labels: Mapping[str, str], taints: Iterable[NodeTaint]) -> bool:
        """Whether labels and taints let it, however full the node is."""
        if any(labels.get(key) != value for key, value in self.selector.items()):
            return False
        if self.affinity and not any(all(requirement.holds(labels) for requirement in term) for term in self.affinity):
            return False
        hard = [taint for taint in taints if taint.effect in UNSCHEDULING_EFFECTS]
        return all(any(toleration.matches(taint) for toleration in self.tolerations) for taint in hard)


@dataclass(frozen=True)
class Group:
    """A node group, and its next node: `allocatable` is what that one leaves beside its DaemonSets."""

    name: str
    minimum: int
    desired: int
    maximum: int
    labels: Mapping[str, str]
    taints: tuple[NodeTaint, ...]
    allocatable: Amounts


@dataclass(frozen=True)
class ScaledNode:
    """A node that is there, or on its way. `pods`: those that keep it, which are not DaemonSets' and not finished.

    `free`: what it leaves for pods; of one that is not `ready` (its GPU is not advertised): what it will leave.
    """

    name: str
    group: str
    labels: Mapping[str, str]
    taints: tuple[NodeTaint, ...]
    free: Amounts
    ready: bool = True
    pods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Growth:
    """`added`: nodes by group. `bought`: the group a pod's node is bought in. `held`: nodes that waiting pods will use.

    `unhelped`: pods that no further node of any group would hold.
    """

    added: Mapping[str, int]
    bought: Mapping[str, str]
    held: frozenset[str]
    unhelped: tuple[str, ...]


class _Bin:
    """Room that is being filled."""

    def __init__(self, labels: Mapping[str, str], taints: tuple[NodeTaint, ...], free: Amounts) -> None:
        self.labels, self.taints, self.free = labels, taints, dict(free)

    def takes(self, pod: ScheduledPod) -> bool:
        fits = all(self.free.get(name, 0) >= amount for name, amount in pod.requests.items() if amount > 0)
        if not fits or not pod.may_stand_on(self.labels, self.taints):
            return False
        for name, amount in pod.requests.items():
            self.free[name] = self.free.get(name, 0) - amount
        return True


def grow(waiting: Iterable[ScheduledPod], nodes: Sequence[ScaledNode], groups: Sequence[Group]) -> Growth:
    """What unschedulable pods need beyond the nodes that are there or coming; the largest are laid first."""
    there = [(node.name, _Bin(node.labels, node.taints, node.free)) for node in nodes]
    fresh: list[tuple[str, _Bin]] = []
    added: Counter[str] = Counter()
    bought: dict[str, str] = {}
    held: set[str] = set()
    unhelped = []
    for pod in sorted(waiting, key=_largest_first):
        if (name := next((name for name, room in there if room.takes(pod)), None)) is not None:
            held.add(name)
            continue
        group = next((name for name, room in fresh if room.takes(pod)), None)
        if group is None:
            group = _least_waste(pod, groups, added)
            if group is None:
                unhelped.append(pod.key)
                continue
            chosen = next(candidate for candidate in groups if candidate.name == group)
            room = _Bin(chosen.labels, chosen.taints, chosen.allocatable)
            room.takes(pod)
            fresh.append((group, room))
            added[group] += 1
        bought[pod.key] = group
    return Growth(dict(added), bought, frozenset(held), tuple(unhelped))


def _largest_first(pod: ScheduledPod) -> tuple[float, float, float, str]:
    asked = pod.requests
    return -asked.get(GPU_RESOURCE, 0), -asked.get("memory", 0), -asked.get("cpu", 0), pod.key


def _least_waste(pod: ScheduledPod, groups: Sequence[Group], added: Mapping[str, int]) -> str | None:
    """The group whose new node this pod would leave emptiest the least (expander least-waste); None: none may."""
    able = [
        group
        for group in groups
        if group.desired + added.get(group.name, 0) < group.maximum
        and _Bin(group.labels, group.taints, group.allocatable).takes(pod)
    ]
    return min(able, key=lambda group: (_waste(pod, group), group.name)).name if able else None


def _waste(pod: ScheduledPod, group: Group) -> float:
    parts = [(name, group.allocatable.get(name, 0)) for name in ("cpu", "memory")]
    return sum(1 - pod.requests.get(name, 0) / total for name, total in parts if total > 0)


def unneeded_since(
    nodes: Iterable[ScaledNode], held: frozenset[str], before: Mapping[str, float], now: float
) -> dict[str, float]:
    """Since when each unneeded node is unneeded, s; a node that is not ready yet waits for its pods."""
    idle = [node.name for node in nodes if node.ready and not node.pods and node.name not in held]
    return {name: before.get(name, now) for name in idle}


def leaving(
    nodes: Iterable[ScaledNode],
    groups: Iterable[Group],
    since: Mapping[str, float],
    now: float,
    patience_seconds: float,
) -> list[str]:
    """Nodes that go now: longest unneeded first, and never below their group's minimum."""
    spare = {group.name: group.desired - group.minimum for group in groups}
    nodes_found = []
    for node in sorted((node for node in nodes if node.name in since), key=lambda node: (since[node.name], node.name)):
        if now - since[node.name] >= patience_seconds and spare.get(node.group, 0) > 0:
            spare[node.group] -= 1
            nodes_found.append(node.name)
    return nodes_found
