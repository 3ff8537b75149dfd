"""How many nodes a group has now, asked of AWS before its bounds are changed.

EKS refuses a `minSize` above, or a `maxSize` below, the size of the moment, and takes the desired size with every
change of the bounds (UpdateNodegroupConfig). The size of the moment is the autoscaler's, or of a scaling by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.ask import ask
from planning.model import POOL_LABEL, NodeGroupPlan

# As planning/nodes/pools.py labels a group's nodes; physical names are made up by the provider.


@dataclass(frozen=True)
class LiveSizes:
    """A group's `scalingConfig` in AWS."""

    min_nodes: int
    desired_nodes: int
    max_nodes: int


def live_sizes(cluster_name: str, plan: NodeGroupPlan, opts: pulumi.InvokeOptions) -> LiveSizes | None:
    """Of the group with the plan's pool label; None where there is none yet, or no cloud is asked (preview)."""
    clusters = ask("aws:eks/getClusters:getClusters", {}, opts)
    if clusters is None or cluster_name not in clusters["names"]:
        return None
    groups = ask("aws:eks/getNodeGroups:getNodeGroups", {"clusterName": cluster_name}, opts)
    for name in groups["names"] if groups else ():
        group = ask("aws:eks/getNodeGroup:getNodeGroup", {"clusterName": cluster_name, "nodeGroupName": name}, opts)
        if group and group["labels"].get(POOL_LABEL) == plan.labels.get(POOL_LABEL) and group["scalingConfigs"]:
            sizes = group["scalingConfigs"][0]
            return LiveSizes(int(sizes["minSize"]), int(sizes["desiredSize"]), int(sizes["maxSize"]))
    return None


@dataclass(frozen=True)
class Counts:
    """What a group is asked to have. `desired_is_ours`: it is sent; else it stays as it is in AWS."""

    desired_nodes: int
    desired_is_ours: bool


def counts(plan: NodeGroupPlan, live: LiveSizes | None) -> Counts:
    """The desired size that goes with the plan's bounds.

    Bounds as they are in AWS: nothing is sent. Other bounds: the size of the moment goes with them, or `minNodes` where
    it is below. Raises RunError where `maxNodes` is below it: EKS would end nodes, whatever runs on them.
    """
    if live is None or (live.min_nodes, live.max_nodes) == (plan.min_nodes, plan.max_nodes):
        return Counts(plan.desired_nodes, desired_is_ours=False)
    if live.desired_nodes > plan.max_nodes:
        more = live.desired_nodes - plan.max_nodes
        raise pulumi.RunError(
            f"{plan.name}: maxNodes {plan.max_nodes}, but {live.desired_nodes} nodes run, and EKS would end {more} of "
            f"them, busy or not; write maxNodes: {live.desired_nodes}, or let {more} go first (fewer replicas, and the "
            "autoscaler takes empty nodes)"
        )
    return Counts(max(live.desired_nodes, plan.min_nodes), desired_is_ours=True)
