"""Nodes that come when pods need them: which pools have them, when, and how long they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from planning import facts
from planning.model import ColdStartTerm
from planning.nodes.fit import Room, pack
from planning.nodes.pools import Pool
from settings.models import Model
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


def with_growth(pool: Pool, settings: StackSettings) -> Pool:
    """The pool, told whether nodes follow its pods and whether its models may need more than `minNodes` of them."""
    own = [model for model in settings.models if settings.pool_name_of(model) == pool.settings.name]
    if isinstance(pool.settings, KarpenterPool):
        return _from_nothing(pool, own)
    if pool.settings.spare_nodes:
        pool = _at_fewest(pool, max(pool.group.min_nodes, _floor(pool, own)))
    if not can_grow(settings, pool.group.min_nodes, pool.group.max_nodes):
        return pool
    return replace(
        pool,
        nodes_follow=True,
        replicas_may_need_nodes=not _fit_at_fewest(pool, own, 0),
        pods_may_need_nodes=not _fit_at_fewest(pool, own, 1),
    )


def _from_nothing(pool: Pool, models: Sequence[Model]) -> Pool:
    """Karpenter keeps no empty node: at fewest there are those that the fewest replicas need, and spare ones.

    Where these hold most replicas, a further one finds a node: those of replicas that left, and of placeholders, stay
    until they are no longer spare. The first of all, and a rollout's further pod, may still have to wait for one.
    """
    pool = _at_fewest(pool, _floor(pool, models))
    all_there = pool.settings.spare_nodes > 0 and _fit_at_fewest(pool, models, 0)
    return replace(pool, nodes_follow=True, replicas_may_need_nodes=not all_there, pods_may_need_nodes=True)


def _floor(pool: Pool, models: Sequence[Model]) -> int:
    """Nodes that pods keep: of the fewest replicas by their GPUs, and spare ones, as far as the pool may grow."""
    node = Room(pool.group.advertised_gpus, 0, 0, 0)
    packed = pack(
        [(Room(model.gpus_per_pod, 0, 0, 0), model.autoscaling.min_replicas * model.nodes) for model in models], node
    )
    return min((packed.nodes if packed else 0) + pool.settings.spare_nodes, pool.group.max_nodes)


def _at_fewest(pool: Pool, nodes: int) -> Pool:
    return replace(pool, group=replace(pool.group, min_nodes=nodes, desired_nodes=nodes))


def _fit_at_fewest(pool: Pool, models: Sequence[Model], further: int) -> bool:
    """Whether `minNodes` nodes hold most replicas of each model and as many `further` pods of each.

    By GPUs alone: this is asked before the pods' other requests are known, which by default are their GPUs' share.
    """
    node = Room(pool.group.advertised_gpus, 0, 0, 0)
    pods = [
        (Room(model.gpus_per_pod, 0, 0, 0), (model.autoscaling.max_replicas + further) * model.nodes)
        for model in models
    ]
    packed = pack(pods, node)
    return packed is not None and packed.nodes <= pool.group.min_nodes
