"""Whether a pool's nodes hold its models at fewest and most replicas, and whether a rollout may start a pod more."""

from __future__ import annotations

from planning.findings import Findings, listed
from planning.nodes.demand import PodDemand, PoolDemand
from planning.nodes.fit import Packing, Room
from planning.nodes.pools import Pool
from planning.units import amount


def check_capacity(pool: Pool, demand: PoolDemand, findings: Findings) -> dict[str, int]:
    """Findings about the number of nodes; returns max_surge by model name.

    Pods that fit no node were refused before; a pool with such a pod is not judged here.
    """
    at_least, at_most = demand.at_least, demand.at_most
    if at_least is None or at_most is None:
        return dict.fromkeys((model.name for model in demand.models), 0)
    have = pool.most_nodes
    names = listed([model.name for model in demand.models], 5)
    if at_least.nodes > have:
        _too_few(pool, at_least.nodes, names, findings)
    elif at_least.nodes + pool.settings.spare_nodes > pool.group.max_nodes:
        _no_spare(pool, at_least.nodes, names, findings)
    elif at_most.nodes > have and any(model.pods > 1 for model in demand.models):
        _half(pool, at_most.nodes, names, findings)
    elif at_most.nodes > have:
        _beyond(pool, at_most.nodes, names, findings)
    elif pool.settings.spare_nodes and at_most.nodes + pool.settings.spare_nodes > pool.group.max_nodes:
        _spare_ends(pool, at_most.nodes, names, findings)
    return {model.name: int(_holds_one_more(at_most, model, demand.node, have)) for model in demand.models}


def _holds_one_more(packing: Packing, demand: PodDemand, node: Room, nodes: int) -> bool:
    """Whether there is room for one more replica; pods of a group take whole nodes."""
    if demand.pods > 1:
        return packing.nodes + demand.pods <= nodes
    return packing.holds_one_more(demand.room, node, nodes)


def _no_spare(pool: Pool, needed: int, names: str, findings: Findings) -> None:
    spare, most = pool.settings.spare_nodes, pool.group.max_nodes
    fewer = f"spareNodes: {most - needed}" if most > needed else "leave spareNodes out"
    findings.error(
        f"{pool.path}.spareNodes",
        "spare-nodes",
        f"{spare}; minReplicas of {names} need {amount(needed, 'node')} of maxNodes {most}: there would never be as "
        "many spare ones",
        f"write maxNodes: {needed + spare} or more, or {fewer}",
    )


def _spare_ends(pool: Pool, needed: int, names: str, findings: Findings) -> None:
    """Which is right: replicas come first. But who wrote it may count with a spare node then, too."""
    left = pool.group.max_nodes - needed
    findings.warning(
        f"{pool.path}.maxNodes",
        "spare-nodes",
        f"{pool.group.max_nodes}; maxReplicas of {names} need {amount(needed, 'node')}: then {left or 'none'} of "
        f"{amount(pool.settings.spare_nodes, 'spare node')} {'is' if left == 1 else 'are'} left, and the placeholder "
        "waits",
        f"write maxNodes: {needed + pool.settings.spare_nodes}, or leave it: replicas come first",
    )


def _half(pool: Pool, needed: int, names: str, findings: Findings) -> None:
    """Nothing schedules the pods of a group together."""
    field = "maxNodes" if pool.nodes_follow or needed > pool.group.max_nodes else "minNodes"
    findings.error(
        f"{pool.path}.{field}",
        "group-half",
        f"{pool.most_nodes}; maxReplicas of {names} need {amount(needed, 'node')}: a group that finds nodes for some "
        "of its pods keeps them and never serves",
        f"write {field}: {needed}, or lower maxReplicas",
    )


def _too_few(pool: Pool, needed: int, names: str, findings: Findings) -> None:
    group, nodes = pool.group, amount(needed, "node")
    if pool.nodes_follow:
        findings.error(
            f"{pool.path}.maxNodes",
            "too-few-nodes",
            f"{group.max_nodes}; minReplicas of {names} need {nodes} of {pool.smallest.name}: pods would wait forever",
            f"write maxNodes: {needed}",
        )
        return
    more = "" if needed <= group.max_nodes else f" and maxNodes: {needed} or more"
    findings.error(
        f"{pool.path}.minNodes",
        "too-few-nodes",
        f"{group.desired_nodes}; minReplicas of {names} need {nodes} of {pool.smallest.name}, and nothing adds nodes "
        "to this pool: pods would wait forever",
        f"write minNodes: {needed}{more}",
    )


def _beyond(pool: Pool, needed: int, names: str, findings: Findings) -> None:
    group, nodes = pool.group, amount(needed, "node")
    if pool.nodes_follow:
        findings.warning(
            f"{pool.path}.maxNodes",
            "replicas-beyond-nodes",
            f"{group.max_nodes}; maxReplicas of {names} need {nodes}: replicas beyond them wait",
            f"write maxNodes: {needed}, or lower maxReplicas",
        )
        return
    field = "maxNodes" if needed > group.max_nodes else "minNodes"
    findings.warning(
        f"{pool.path}.{field}",
        "replicas-beyond-nodes",
        f"maxReplicas of {names} need {nodes}; {group.desired_nodes} run, at most {group.max_nodes} may, and "
        "nothing adds nodes to this pool: replicas beyond them wait",
        "raise minNodes, or lower maxReplicas",
    )
