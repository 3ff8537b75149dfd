"""What the preview shows beside the plan itself: quotas, nodes with their pods, a week of the declared traffic."""

from __future__ import annotations

from collections.abc import Sequence

from planning.backends.table import backends
from planning.cluster.quotas import quotas
from planning.cost.traffic_picture import traffic_picture
from planning.model import (
    CostPlan,
    CurvePicture,
    ModelPicture,
    NodeGroupPlan,
    PackingPicture,
    PoolPicture,
    RoomPlan,
    ServedModel,
    SparePicture,
    StackPicture,
    StackPlan,
    StepTimePicture,
    TrafficPicture,
)
from planning.nodes.fit import Room, pack
from planning.nodes.growth import node_start
from planning.nodes.instances import instance_type
from planning.nodes.moves import PoolRoom, group_room, model_moves, pod_room
from planning.nodes.rolls import node_roll, pod_roll, step_time
from planning.nodes.sharing import share_of
from planning.scaling.day import STEP_SECONDS, Day, Week
from planning.serving.cold_start import on_spare_node, pod_seconds, seconds
from planning.serving.drain import EKS_EVICTION_SECONDS
from planning.throughput.traffic_shape import WEEKDAYS, WEEKEND_DAYS
from planning.units import HOURS_PER_MONTH
from settings.models import Model
from settings.stack import StackSettings

# One point of the curves stands for so many minutes.
POINT_MINUTES = 15
# Steps of an update that the plan has no figures of (facts/update_times.csv).
STEPS = ("control plane", "add-on", "release")


def picture(plan: StackPlan, settings: StackSettings) -> StackPicture:
    """Of a plan that was accepted; `settings`: those that it was made of. Tens of milliseconds per model."""
    asked = {(model.namespace, model.name): model for model in settings.models}
    pools = {pool.name: pool for pool in plan.gpu_pools}
    return StackPicture(
        models=tuple(
            _model(model, asked[model.namespace, model.name], pools[model.pool], plan.cost) for model in plan.models
        ),
        pools=tuple(_pool(plan, pool) for pool in plan.gpu_pools),
        quotas=tuple(quotas(plan)),
        rolls=(
            node_roll(plan.system_nodes, (), plan.entry.grace_seconds if plan.entry else 0.0),
            *(node_roll(group, plan.models) for group in plan.gpu_pools),
            *(pod_roll(model) for model in plan.models),
        ),
        step_times=tuple(_step_time(step) for step in STEPS),
        eviction_seconds=EKS_EVICTION_SECONDS,
        api_paths={name: row.path for name, row in backends().items()},
        moves=model_moves(
            plan.models, {name: PoolRoom(group_room(plan, pool), pool.max_nodes) for name, pool in pools.items()}
        ),
    )


def _step_time(step: str) -> StepTimePicture:
    time = step_time(step)
    return StepTimePicture(step, time.low, time.high, time.source)


def _model(model: ServedModel, asked: Model, pool: NodeGroupPlan, cost: CostPlan) -> ModelPicture:
    return ModelPicture(
        gpu_bytes=min(_usable_bytes(name, pool) for name in pool.instance_types),
        cold_start_seconds=seconds(model.cold_start),
        new_node_seconds=pod_seconds(model) if model.node_start else None,
        room=_plan_of(pod_room(model)),
        traffic=_traffic(model, asked, pool, cost),
    )


def _usable_bytes(name: str, pool: NodeGroupPlan) -> int:
    gpu = instance_type(name).gpu
    return share_of(gpu, pool.sharing).usable_memory_bytes if gpu else 0


def _pool(plan: StackPlan, pool: NodeGroupPlan) -> PoolPicture:
    room = group_room(plan, pool)
    served = [model for model in plan.models if model.pool == pool.name]
    return PoolPicture(
        room=_plan_of(room),
        at_fewest=_packed([(pod_room(m), m.autoscaling.min_replicas * m.pods_per_replica) for m in served], room),
        at_most=_packed([(pod_room(m), m.autoscaling.max_replicas * m.pods_per_replica) for m in served], room),
        spare=_spare(pool, served, plan.cost) if pool.spare_nodes else None,
    )


def _spare(pool: NodeGroupPlan, served: Sequence[ServedModel], cost: CostPlan) -> SparePicture:
    """`fewest_nodes` counts them in, so the pool's cost at fewest nodes does."""
    hourly = next((pool_cost.min_usd_per_hour for pool_cost in cost.pools if pool_cost.name == pool.name), None)
    before = node_start("karpenter" if pool.karpenter else "managed")
    there = [seconds(on_spare_node(model.cold_start)) for model in served]
    bought = [seconds((*before, *model.cold_start)) for model in served]
    return SparePicture(
        nodes=pool.spare_nodes,
        usd_per_month=None if hourly is None else hourly / pool.fewest_nodes * pool.spare_nodes * HOURS_PER_MONTH,
        seconds=_widest(there),
        without_seconds=_widest(bought),
    )


def _widest(ranges: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def _packed(pods: Sequence[tuple[Room, int]], room: Room) -> PackingPicture | None:
    packing = pack(pods, room)
    if packing is None:
        return None
    left = tuple((_plan_of(rest), nodes) for rest, nodes in packing.left)
    return PackingPicture(sum(count for _, count in pods), packing.nodes, left)


def _plan_of(room: Room) -> RoomPlan:
    return RoomPlan(room.gpus, room.cpu_millicores, room.memory_mib, room.ephemeral_mib)


def _traffic(model: ServedModel, asked: Model, pool: NodeGroupPlan, cost: CostPlan) -> TrafficPicture | None:
    gpu = instance_type(pool.instance_types[0]).gpu
    week = traffic_picture(asked, model, share_of(gpu, pool.sharing)) if gpu else None
    if week is None:
        return None
    replica_hours = week.replica_hours_per_week * HOURS_PER_MONTH / (24 * (WEEKDAYS + WEEKEND_DAYS))
    gpu_hours = replica_hours * model.gpus_per_replica
    price = next((pool_cost.gpu_usd_per_hour for pool_cost in cost.pools if pool_cost.name == pool.name), None)
    return TrafficPicture(
        slo_share=week.slo_share,
        gpu_hours_per_month=gpu_hours,
        usd_per_month=None if price is None else gpu_hours * price,
        replicas_wanted=max(week.weekday.wanted_replicas, week.weekend.wanted_replicas),
        weekday=_curve(week.weekday),
        weekend=_curve(week.weekend) if _differs(week) else None,
    )


def _differs(week: Week) -> bool:
    return week.weekend is not week.weekday


def _curve(day: Day) -> CurvePicture:
    size = POINT_MINUTES * 60 // STEP_SECONDS
    starts = range(0, len(day.requests_per_second), size)
    return CurvePicture(
        minutes=POINT_MINUTES,
        requests_per_second=tuple(sum(day.requests_per_second[start : start + size]) / size for start in starts),
        replicas=tuple(min(day.ready_replicas[start : start + size]) for start in starts),
        slo_share=day.slo_share,
        replica_hours=day.replica_hours,
    )
