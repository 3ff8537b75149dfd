"""Whether a pool's nodes hold its models at fewest and most replicas, and whether a rollout may start a pod more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planning.findings import Findings, listed
from planning.nodes.fit import Room, pack
from planning.nodes.pools import Pool


@dataclass(frozen=True)
class Demand:
    """One model's pods: their size, and how many at least and at most."""

    name: str
    room: Room
    fewest: int
    most: int


def check_capacity(pool: Pool, node: Room, demands: Sequence[Demand], findings: Findings) -> dict[str, int]:
    """Findings about the number of nodes; returns max_surge by model name.

    Pods that fit no node were refused before; a pool with such a pod is not judged here.
    """
    no_surge = dict.fromkeys((demand.name for demand in demands), 0)
    at_least = pack([(demand.room, demand.fewest) for demand in demands], node)
    at_most = pack([(demand.room, demand.most) for demand in demands], node)
    if at_least is None or at_most is None:
        return no_surge
    have = pool.group.desired_nodes
    names = listed([demand.name for demand in demands], 5)
    if at_least.nodes > have:
        more = "" if at_least.nodes <= pool.group.max_nodes else f" and maxNodes: {at_least.nodes} or more"
        findings.error(
            f"{pool.path}.minNodes",
            "too-few-nodes",
            f"{have}; minReplicas of {names} need {at_least.nodes} nodes of {pool.smallest.name}, and nothing adds "
            f"nodes in this release: pods would wait for ever; write minNodes: {at_least.nodes}{more}",
        )
    elif at_most.nodes > have:
        field = "maxNodes" if at_most.nodes > pool.group.max_nodes else "minNodes"
        findings.warning(
            f"{pool.path}.{field}",
            "replicas-beyond-nodes",
            f"maxReplicas of {names} need {at_most.nodes} nodes; {have} run, at most {pool.group.max_nodes} may, and "
            "nothing adds nodes in this release: replicas beyond them wait until somebody raises minNodes",
        )
    return {d.name: int(at_most.holds_one_more(d.room, node, have)) for d in demands}
