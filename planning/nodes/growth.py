"""Nodes that come when pods need them: which pools have them, when, and how long they take."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from planning import facts
from planning.model import ColdStartTerm
from planning.nodes.demand import PoolDemand
from planning.nodes.pools import Pool
from settings.node_autoscaling import NoNodeAutoscaling
from settings.pools import KarpenterPool
from settings.stack import StackSettings


@cache
def node_start(kind: str = "managed") -> tuple[ColdStartTerm, ...]:
    """The terms in order, s: a pod fits nowhere → its GPU is advertised on a new node of a pool of that kind."""
    return tuple(
        ColdStartTerm(row["name"], float(row["low_seconds"]), float(row["high_seconds"]), row["source"])
        for row in facts.rows("node_start.csv")
        if row["kind"] in ("", kind)
    )


def can_grow(settings: StackSettings, min_nodes: int, max_nodes: int) -> bool:
    """Whether an autoscaler adds nodes to a group with these bounds."""
    return min_nodes < max_nodes and not isinstance(settings.node_autoscaling, NoNodeAutoscaling)


def with_growth(pool: Pool, demand: PoolDemand, settings: StackSettings) -> Pool:
    """The pool, told how many nodes it has at fewest, whether nodes follow its pods, and whether its models may need
    more than the fewest."""
    if isinstance(pool.settings, KarpenterPool):
        return _from_nothing(pool, demand)
    if pool.settings.spare_nodes:
        pool = _at_fewest(pool, max(pool.group.min_nodes, _floor(pool, demand)))
    if not can_grow(settings, pool.group.min_nodes, pool.group.max_nodes):
        return pool
    return replace(
        pool,
        group=replace(pool.group, kept_nodes=_floor(pool, demand)),
        nodes_follow=True,
        replicas_may_need_nodes=demand.most_nodes() > pool.group.min_nodes,
        pods_may_need_nodes=demand.most_nodes(further=1) > pool.group.min_nodes,
    )


def _from_nothing(pool: Pool, demand: PoolDemand) -> Pool:
    """Karpenter keeps no empty node: at fewest there are those that the fewest replicas need, and spare ones.

    Where these hold most replicas, a further one finds a node: those of replicas that left, and of placeholders, stay
    until they are no longer spare. The first of all, and a rollout's further pod, may still have to wait for one.
    """
    pool = _at_fewest(pool, _floor(pool, demand))
    all_there = pool.settings.spare_nodes > 0 and demand.most_nodes() <= pool.group.min_nodes
    return replace(pool, nodes_follow=True, replicas_may_need_nodes=not all_there, pods_may_need_nodes=True)


def _floor(pool: Pool, demand: PoolDemand) -> int:
    """Nodes that pods keep: of the fewest replicas, and spare ones, as far as the pool may grow."""
    return min(demand.fewest_nodes + pool.settings.spare_nodes, pool.group.max_nodes)


def _at_fewest(pool: Pool, nodes: int) -> Pool:
    return replace(pool, group=replace(pool.group, min_nodes=nodes, desired_nodes=nodes))
