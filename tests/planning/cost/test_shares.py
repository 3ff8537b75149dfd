"""Who the cost is for: shares add up, spot is a range, tokens have a price."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planning.cost.shares import mean_replicas
from planning.cost.spot import spot_share
from planning.model import CostPlan, ModelCost
from settings.demand import DeclaredTraffic
from tests.planning.stacks import model, planned, pool


def cost(models: list[dict[str, Any]], **pools: Any) -> CostPlan:
    return planned(nodePools=[pool(**pools)], models=models).cost


def of(plan: CostPlan, name: str) -> ModelCost:
    return next(model for model in plan.models if model.name == name)


def test_the_models_of_a_pool_share_what_it_costs() -> None:
    two = [model(name="a", autoscaling={"maxReplicas": 3}), model(name="b", autoscaling={"maxReplicas": 1})]
    cost_plan = cost(two, minNodes=2, maxNodes=4)
    nodes = next(line for line in cost_plan.lines if line.what.startswith("nodes of l4"))
    volumes = next(line for line in cost_plan.lines if line.what == "root volumes of l4")
    assert nodes.max_usd_per_hour is not None
    assert volumes.max_usd_per_hour is not None
    assert cost_plan.pools[0].max_usd_per_hour == pytest.approx(nodes.max_usd_per_hour + volumes.max_usd_per_hour)
    assert sum(model.max_usd_per_hour or 0 for model in cost_plan.models) == pytest.approx(
        cost_plan.pools[0].max_usd_per_hour, abs=1e-3
    )
    assert sum(model.min_usd_per_hour or 0 for model in cost_plan.models) == pytest.approx(
        cost_plan.pools[0].min_usd_per_hour, abs=1e-3
    )
    assert of(cost_plan, "a").max_usd_per_hour == pytest.approx(
        3 * (of(cost_plan, "b").max_usd_per_hour or 0), rel=1e-3
    )
    assert of(cost_plan, "a").min_usd_per_hour == of(cost_plan, "b").min_usd_per_hour


def test_gpus_that_nothing_asks_for_are_paid_by_the_models_of_the_pool() -> None:
    alone = cost([model()], instanceTypes=["g6.12xlarge"], diskGib=200)
    assert of(alone, "chat").max_usd_per_hour == alone.pools[0].max_usd_per_hour


def test_a_cache_volume_is_its_models_alone() -> None:
    cache = {"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce", "sizeGib": 100}
    plain, cached = cost([model()]), cost([model(cache=cache)])
    more = (of(cached, "chat").max_usd_per_hour or 0) - (of(plain, "chat").max_usd_per_hour or 0)
    assert more == pytest.approx(100 * 0.08 / 730, abs=1e-3)


def test_spot_is_a_range_under_the_list_price_and_on_demand_has_none() -> None:
    short = model(drain={"shutdownTimeoutSeconds": 60})
    on_spot = cost([short], capacity="spot", maxNodes=3).pools[0]
    assert on_spot.spot is not None
    share, volume = spot_share("g6.xlarge"), (on_spot.gpu_usd_per_hour or 0) - 0.8048
    assert on_spot.spot.max_low_usd_per_hour == pytest.approx(3 * (0.8048 * share.low + volume), abs=1e-3)
    assert on_spot.spot.max_high_usd_per_hour == pytest.approx(3 * (0.8048 * share.high + volume), abs=1e-3)
    assert on_spot.spot.max_high_usd_per_hour < (on_spot.max_usd_per_hour or 0)
    assert cost([model()]).pools[0].spot is None


def test_tokens_cost_more_at_a_low_traffic_than_saturated() -> None:
    model_cost = of(cost([model(traffic={"requestsPerSecond": 0.2})]), "chat")
    assert model_cost.usd_per_million_tokens_at_traffic is not None
    assert model_cost.usd_per_million_tokens_saturated is not None
    assert model_cost.usd_per_million_tokens_at_traffic > 5 * model_cost.usd_per_million_tokens_saturated
    # One replica all week: its price over the tokens of the week.
    hourly = 0.2 * 0.5 * (5 + 2 * 0.6) / 7 * 3600 * 1366
    assert model_cost.usd_per_million_tokens_at_traffic == pytest.approx(0.8103 / hourly * 1e6, rel=1e-2)


def test_without_traffic_only_the_saturated_price_is_known_and_without_rates_none() -> None:
    assert of(cost([model()]), "chat").usd_per_million_tokens_at_traffic is None
    unknown = of(cost([model(source="acme/secret-7B")]), "chat")
    assert unknown.usd_per_million_tokens_saturated is None
    assert unknown.max_usd_per_hour is not None


def test_a_pool_without_a_price_has_models_without_one() -> None:
    large = model(source="Qwen/Qwen2.5-72B-Instruct", tensorParallel=8)
    cost_plan = cost([large], name="h200", instanceTypes=["p5e.48xlarge"], diskGib=800)
    assert cost_plan.pools[0].max_usd_per_hour is None
    assert cost_plan.models[0].max_usd_per_hour is None
    assert cost_plan.models[0].usd_per_million_tokens_saturated is None


@pytest.mark.parametrize(("shape", "expected"), [("steady", 10.0), ("burst", 10.0), ("diurnal", None)])
def test_replicas_of_a_week_follow_the_shape_and_the_minimum(shape: str, expected: float | None) -> None:
    plan = planned(models=[model(traffic={"requestsPerSecond": 1})]).models[0].throughput
    assert plan is not None
    traffic = DeclaredTraffic.model_validate({"requestsPerSecond": 1, "shape": shape})
    model_cost = mean_replicas(traffic, replace(plan, replicas_needed=10), 1)
    assert model_cost is not None
    assert model_cost == expected if expected else 4 < model_cost < 6.5
    assert mean_replicas(traffic, replace(plan, replicas_needed=10), 12) == 12
