"""Who the cost is for: by pool, by model, per million tokens; and what spot would make of it. docs/cost-model.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from planning.cost.lines import gp3_usd_per_hour
from planning.cost.spot import SpotShare, spot_share
from planning.model import CachePlan, ModelCost, NodeGroupPlan, PoolCost, ServedModel, SpotCost, ThroughputPlan
from planning.nodes.prices import known_prices
from planning.throughput.traffic_shape import WEEKDAYS, WEEKEND_DAYS, mean_share, rate_share
from settings.demand import DeclaredTraffic

_DAYS = WEEKDAYS + WEEKEND_DAYS


def pool_cost(group: NodeGroupPlan, region: str) -> PoolCost:
    """Nodes and root volumes; at fewest nodes of the cheapest type, at most nodes of the dearest."""
    prices = known_prices(group, region)
    volume = gp3_usd_per_hour(group.disk_gib, group.disk_iops, group.disk_throughput_mibps)
    if not prices:
        return PoolCost(group.name, None, None, None, None)
    low, high = min(prices.values()), max(prices.values())
    gpus = group.advertised_gpus
    return PoolCost(
        name=group.name,
        min_usd_per_hour=round(group.fewest_nodes * (low + volume), 4),
        max_usd_per_hour=round(group.max_nodes * (high + volume), 4),
        gpu_usd_per_hour=round((high + volume) / gpus, 4) if gpus else None,
        spot=_spot_cost(group, prices, volume) if group.capacity_type == "SPOT" else None,
    )


def _spot_cost(group: NodeGroupPlan, prices: Mapping[str, float], volume: float) -> SpotCost:
    shares: dict[str, SpotShare] = {name: spot_share(name) for name in prices}
    low = min(price * shares[name].low for name, price in prices.items()) + volume
    high = max(price * shares[name].high for name, price in prices.items()) + volume
    return SpotCost(
        min_low_usd_per_hour=round(group.fewest_nodes * low, 4),
        min_high_usd_per_hour=round(group.fewest_nodes * high, 4),
        max_low_usd_per_hour=round(group.max_nodes * low, 4),
        max_high_usd_per_hour=round(group.max_nodes * high, 4),
        source="; ".join(dict.fromkeys(share.source for share in shares.values())),
    )


@dataclass(frozen=True)
class ModelWithTraffic:
    """A planned model and the traffic that the stack file declares for it."""

    model: ServedModel
    traffic: DeclaredTraffic | None


def model_costs(asked: Sequence[ModelWithTraffic], pools: Iterable[PoolCost]) -> tuple[ModelCost, ...]:
    """Every model's share of its pool. The shares of a pool's models add up to the pool."""
    by_name = {pool.name: pool for pool in pools}
    fewest, most = _gpus(asked, most=False), _gpus(asked, most=True)
    return tuple(_model_cost(asked_model, by_name[asked_model.model.pool], fewest, most) for asked_model in asked)


def _gpus(asked: Sequence[ModelWithTraffic], *, most: bool) -> dict[str, int]:
    """GPUs that all models of a pool ask for together."""
    gpus_by_pool: dict[str, int] = {}
    for asked_model in asked:
        gpus_by_pool[asked_model.model.pool] = gpus_by_pool.get(asked_model.model.pool, 0) + _wanted(
            asked_model.model, most=most
        )
    return gpus_by_pool


def _wanted(model: ServedModel, *, most: bool) -> int:
    replicas = model.autoscaling.max_replicas if most else model.autoscaling.min_replicas
    return replicas * model.gpus_per_replica


def _model_cost(
    asked_model: ModelWithTraffic, pool: PoolCost, fewest: Mapping[str, int], most: Mapping[str, int]
) -> ModelCost:
    model, cache = asked_model.model, _cache_usd_per_hour(asked_model.model.cache)
    replica = None if pool.gpu_usd_per_hour is None else pool.gpu_usd_per_hour * model.gpus_per_replica
    replicas = mean_replicas(asked_model.traffic, model.throughput, model.autoscaling.min_replicas)
    return ModelCost(
        name=model.name,
        namespace=model.namespace,
        pool=model.pool,
        min_usd_per_hour=_share(pool.min_usd_per_hour, _wanted(model, most=False), fewest[model.pool], cache),
        max_usd_per_hour=_share(pool.max_usd_per_hour, _wanted(model, most=True), most[model.pool], cache),
        usd_per_million_tokens_at_traffic=_at_traffic(asked_model.traffic, replica, replicas),
        usd_per_million_tokens_saturated=_saturated(model.throughput, replica),
        mean_replicas_at_traffic=None if replicas is None else round(replicas, 2),
    )


def _share(usd_per_hour: float | None, own: int, together: int, cache_usd_per_hour: float | None) -> float | None:
    if usd_per_hour is None or cache_usd_per_hour is None:
        return None
    return round(usd_per_hour * own / together + cache_usd_per_hour if together else cache_usd_per_hour, 4)


def _cache_usd_per_hour(cache: CachePlan) -> float | None:
    if cache.kind != "persistentVolume":
        return 0.0
    return gp3_usd_per_hour(cache.size_gib) if cache.storage_class == "gp3" else None


def mean_replicas(traffic: DeclaredTraffic | None, plan: ThroughputPlan | None, min_replicas: int) -> float | None:
    """Replicas that a week of the declared traffic needs on average, hour by hour, never below the minimum.

    An hour of a rate r needs r ÷ busiest rate of the replicas that the busiest hour needs: the room for chance
    shrinks with it, and a cold start's lead is not counted.
    """
    if traffic is None or plan is None or plan.replicas_needed is None:
        return None
    hours, diurnal = 0.0, traffic.shape.value == "diurnal"
    for weekend, days in ((False, WEEKDAYS), (True, WEEKEND_DAYS)):
        for hour in range(24):
            # Bursts come faster than nodes: between them the replicas stay.
            share = rate_share(traffic.shape.value, (hour + 0.5) * 3600, weekend=weekend) if diurnal else 1.0
            hours += days * max(min_replicas, 1, ceil(plan.replicas_needed * share - 1e-9))
    return hours / (24 * _DAYS)


def _at_traffic(
    traffic: DeclaredTraffic | None, replica_usd_per_hour: float | None, replicas: float | None
) -> float | None:
    if traffic is None or replica_usd_per_hour is None or replicas is None:
        return None
    tokens = mean_requests_per_second(traffic) * 3600 * (traffic.input_tokens + traffic.output_tokens)
    return round(replica_usd_per_hour * replicas / tokens * 1e6, 4)


def mean_requests_per_second(traffic: DeclaredTraffic) -> float:
    """Over a whole week."""
    return traffic.requests_per_second * mean_share(traffic.shape.value)


def _saturated(plan: ThroughputPlan | None, replica_usd_per_hour: float | None) -> float | None:
    if plan is None or replica_usd_per_hour is None or plan.total_tokens_per_second == 0:
        return None  # requests beyond any context length; the traffic check refuses them
    return round(replica_usd_per_hour / (plan.total_tokens_per_second * 3600) * 1e6, 4)
