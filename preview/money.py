"""The cost plan as JSON: whole, by pool, by model, per million tokens, on spot, against the budget."""

from __future__ import annotations

import dataclasses
from typing import cast

from planning.model import CostPlan, ModelCost, PoolCost
from planning.units import HOURS_PER_MONTH
from preview.report_parts import BudgetPart, Cost, CostLinePart, Money, OnSpot, SpotPart
from preview.report_parts import ModelCostPart as ModelPart
from preview.report_parts import PoolCostPart as PoolPart


def cost(plan: CostPlan) -> Cost:
    """Dollars per hour and month at fewest and most nodes."""
    return {
        **_span(plan.min_usd_per_hour, plan.max_usd_per_hour),
        "lines": [cast("CostLinePart", dataclasses.asdict(line)) for line in plan.lines],
        "pools": [_pool(pool) for pool in plan.pools],
        "models": [_model(model) for model in plan.models],
        "usd_per_month_on_spot": _on_spot(plan),
        "budget": _budget(plan),
    }


def _span(low: float | None, high: float | None) -> Money:
    return {
        "usd_per_hour_min": low,
        "usd_per_hour_max": high,
        "usd_per_month_min": None if low is None else round(low * HOURS_PER_MONTH, 2),
        "usd_per_month_max": None if high is None else round(high * HOURS_PER_MONTH, 2),
    }


def _pool(pool: PoolCost) -> PoolPart:
    spot = None if pool.spot is None else cast("SpotPart", dataclasses.asdict(pool.spot))
    return {"pool": pool.name, **_span(pool.min_usd_per_hour, pool.max_usd_per_hour), "spot": spot}


def _model(model: ModelCost) -> ModelPart:
    return {
        "name": model.name,
        "namespace": model.namespace,
        "pool": model.pool,
        **_span(model.min_usd_per_hour, model.max_usd_per_hour),
        "usd_per_million_tokens_at_traffic": model.usd_per_million_tokens_at_traffic,
        "usd_per_million_tokens_saturated": model.usd_per_million_tokens_saturated,
        "mean_replicas_at_traffic": model.mean_replicas_at_traffic,
    }


def _on_spot(plan: CostPlan) -> OnSpot | None:
    """The stack's months with spot pools at what spot has cost; None where no pool is a spot one."""
    spot = [pool for pool in plan.pools if pool.spot is not None]
    if not spot:
        return None
    floor = plan.min_usd_per_hour - sum(pool.min_usd_per_hour or 0 for pool in spot)
    ceiling = plan.max_usd_per_hour - sum(pool.max_usd_per_hour or 0 for pool in spot)
    sums: OnSpot = {
        "min_low": floor + sum(pool.spot.min_low_usd_per_hour for pool in spot if pool.spot),
        "min_high": floor + sum(pool.spot.min_high_usd_per_hour for pool in spot if pool.spot),
        "max_low": ceiling + sum(pool.spot.max_low_usd_per_hour for pool in spot if pool.spot),
        "max_high": ceiling + sum(pool.spot.max_high_usd_per_hour for pool in spot if pool.spot),
    }
    return cast("OnSpot", {key: round(float(str(value)) * HOURS_PER_MONTH, 2) for key, value in sums.items()})


def _budget(plan: CostPlan) -> BudgetPart | None:
    if plan.budget is None:
        return None
    return {
        "usd_per_hour": round(plan.budget.usd_per_hour, 4),
        "usd_per_month": round(plan.budget.usd_per_hour * HOURS_PER_MONTH, 2),
        "written": plan.budget.written,
        "used_min": round(plan.min_usd_per_hour / plan.budget.usd_per_hour, 4),
        "used_max": round(plan.max_usd_per_hour / plan.budget.usd_per_hour, 4),
    }
