"""How long it takes to replace a pool's nodes, or a model's pods, and what serves meanwhile.

Ranges from the plan's own terms: what a new node and a cold start take, how a pod leaves, how many go at once. Low ends
are at fewest nodes and replicas on a good day, high ends at most of both on a bad one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from planning.facts import optional_float, rows
from planning.model import AwayPicture, ColdStartTerm, NodeGroupPlan, RollPicture, ServedModel
from planning.nodes.growth import node_start

MINIMAL = "MINIMAL"
# A bad day is not the worst: then the provider must still wait.
TIMEOUT_MARGIN = 1.5


@dataclass(frozen=True)
class StepTime:
    """A row of update_times.csv, s; None: the row says nothing of it."""

    low: float | None
    high: float | None
    most: float | None
    source: str


@cache
def step_time(step: str) -> StepTime:
    """Raises KeyError for a step that has no row."""
    for row in rows("update_times.csv"):
        if row["step"] == step:
            low, high, most = (optional_float(row[key]) for key in ("low_seconds", "high_seconds", "most_seconds"))
            return StepTime(low, high, most, row["source"])
    raise KeyError(step)


def drain_seconds(model: ServedModel, gpus_of_node: int, *, on_new_nodes: bool) -> float:
    """Longest drain of a node full of a model, s: its budget lets so many pods leave at once, and the next ones when
    theirs are Ready: on a node that has to start first (Karpenter), or on one that is there (EKS starts the new nodes
    of a group first).
    """
    pods = max(1, gpus_of_node // max(1, model.resources.gpus))
    turns = math.ceil(pods / max(1, model.max_unavailable))
    replaced = _ends((*model.node_start, *model.cold_start) if on_new_nodes else model.cold_start)[1]
    return turns * (model.drain.grace_period_seconds + replaced)


def node_roll(group: NodeGroupPlan, models: Iterable[ServedModel], others_leave_seconds: float = 0.0) -> RollPicture:
    """All nodes of a pool, so many at once. `models`: those of the pool; `others_leave_seconds`: until what else is on
    one of its nodes has gone."""
    own = [model for model in models if model.pool == group.name]
    at_once = group.karpenter.replaced_at_once if group.karpenter else group.max_unavailable
    first_new = group.karpenter is not None or group.update_strategy != MINIMAL
    new = _ends([term for term in node_start() if not _decides(term)])
    leave = step_time("pods leave")
    low = new[0] + min((model.drain.pre_stop_seconds for model in own), default=leave.low or 0)
    karpenter = group.karpenter is not None
    drains = [drain_seconds(model, group.advertised_gpus, on_new_nodes=karpenter) for model in own]
    longest = max([*drains, others_leave_seconds])
    high = new[1] + max(longest, leave.high or 0)
    around = step_time("node group around") if group.karpenter is None else StepTime(0, 0, None, "")
    turns = [math.ceil(nodes / at_once) for nodes in (group.min_nodes, group.max_nodes)]
    return RollPicture(
        kind="nodes",
        name=group.name,
        namespace="",
        count=(group.min_nodes, group.max_nodes),
        at_once=at_once,
        first_new=first_new,
        seconds=(turns[0] * low + (around.low or 0), turns[1] * high + (around.high or 0)),
        away=tuple(_away_by_node(model, (0.0, 0.0) if first_new else new) for model in own if _is_alone(model)),
        drain_seconds=longest,
    )


def pod_roll(model: ServedModel) -> RollPicture:
    """All pods of a model, after a change of their template."""
    scaling, surge = model.autoscaling, model.max_surge
    low, high = _ends(model.cold_start)[0], _ends((*model.node_start, *model.cold_start))[1]
    if not surge:
        low, high = low + model.drain.pre_stop_seconds, high + model.drain.grace_period_seconds
    turns = [math.ceil(count / max(1, surge)) for count in (scaling.min_replicas, scaling.max_replicas)]
    watched = model.canary.watched_seconds if model.canary else 0
    return RollPicture(
        kind="pods",
        name=model.name + (model.deployment_suffix or ""),
        namespace=model.namespace,
        count=(scaling.min_replicas, scaling.max_replicas),
        at_once=max(1, surge),
        first_new=bool(surge),
        seconds=(watched + turns[0] * low, watched + turns[1] * high),
        away=(AwayPicture(model.name, low, high),) if not surge and _is_alone(model) else (),
        drain_seconds=0,
        canary=tuple((step.weight, step.seconds) for step in model.canary.steps) if model.canary else (),
    )


def update_timeout_seconds(
    group: NodeGroupPlan, models: Sequence[ServedModel], others_leave_seconds: float = 0.0
) -> int | None:
    """How long the provider has to wait for an update of the group; None where its own limit is enough."""
    needed = node_roll(group, models, others_leave_seconds).seconds[1] * TIMEOUT_MARGIN
    usual = step_time("node group update").most or 0
    return math.ceil(needed / 60) * 60 if needed > usual else None


def _is_alone(model: ServedModel) -> bool:
    """With one replica nothing serves while it moves; with more the budget of its pods keeps others."""
    return model.autoscaling.min_replicas == 1


def _away_by_node(model: ServedModel, new_node: tuple[float, float]) -> AwayPicture:
    low, high = _ends(model.cold_start)
    return AwayPicture(model.name, low + new_node[0], high + new_node[1])


def _decides(term: ColdStartTerm) -> bool:
    return term.name == "autoscaler decision"


def _ends(terms: Iterable[ColdStartTerm]) -> tuple[float, float]:
    kept = tuple(terms)
    return sum(term.low_seconds for term in kept), sum(term.high_seconds for term in kept)
