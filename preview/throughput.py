"""What one replica does, and how replicas would follow the declared traffic, as JSON."""

from __future__ import annotations

from typing import cast

from planning.cost.traffic_picture import traffic_picture
from planning.model import CostPlan, NodeGroupPlan, ServedModel, ThroughputPlan
from planning.nodes.instances import instance_type
from planning.nodes.sharing import share_of
from planning.scaling.day import STEP_SECONDS, Day, Week
from planning.throughput.traffic_shape import WEEKDAYS, WEEKEND_DAYS
from planning.units import HOURS_PER_MONTH
from preview.report_parts import Curve, Simulated, Throughput, Traffic
from settings.models import Model

# One point of the curves stands for so many minutes.
POINT_MINUTES = 15


def throughput(plan: ThroughputPlan | None) -> Throughput | None:
    """Rates of one replica; None where the model is unknown or does not fit."""
    if plan is None:
        return None
    found = {name: getattr(plan, name) for name in plan.__dataclass_fields__}
    whole = {"input_tokens": round(plan.input_tokens), "output_tokens": round(plan.output_tokens)}
    return cast("Throughput", found | whole)


def traffic(model: ServedModel, asked: Model, pool: NodeGroupPlan, cost: CostPlan) -> Traffic | None:
    """The declared traffic and what replicas would do on it, simulated; None where none is declared.

    `simulated` is None where nothing is known of the model's throughput.
    """
    if asked.traffic is None:
        return None
    found = asked.traffic
    return {
        "requests_per_second": found.requests_per_second,
        "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens,
        "shape": found.shape.value,
        "slo": {
            "time_to_first_token_seconds": asked.slo.time_to_first_token_seconds,
            "time_per_output_token_seconds": asked.slo.time_per_output_token_seconds,
            "share": asked.slo.share,
        },
        "simulated": _simulated(model, asked, pool, cost),
    }


def _simulated(model: ServedModel, asked: Model, pool: NodeGroupPlan, cost: CostPlan) -> Simulated | None:
    gpu = instance_type(pool.instance_types[0]).gpu
    week = traffic_picture(asked, model, share_of(gpu, pool.sharing)) if gpu else None
    if week is None:
        return None
    replica_hours = week.replica_hours_per_week * HOURS_PER_MONTH / (24 * (WEEKDAYS + WEEKEND_DAYS))
    gpu_hours = replica_hours * model.resources.gpus
    price = next((each.gpu_usd_per_hour for each in cost.pools if each.name == pool.name), None)
    return {
        "method": "fluid, by the minute, replicas after the demand policy",
        "slo_share": round(week.slo_share, 4),
        "gpu_hours_per_month": round(gpu_hours),
        "usd_per_month": None if price is None else round(gpu_hours * price, 2),
        "replicas_wanted": max(week.weekday.wanted_replicas, week.weekend.wanted_replicas),
        "max_replicas": model.autoscaling.max_replicas,
        "weekday": _curve(week.weekday),
        "weekend": _curve(week.weekend) if _differs(week) else None,
    }


def _differs(week: Week) -> bool:
    return week.weekend is not week.weekday


def _curve(day: Day) -> Curve:
    """Means of the rate and fewest ready replicas by the quarter of an hour, from midnight."""
    size = POINT_MINUTES * 60 // STEP_SECONDS
    starts = range(0, len(day.requests_per_second), size)
    return {
        "minutes": POINT_MINUTES,
        "requests_per_second": [round(sum(day.requests_per_second[s : s + size]) / size, 3) for s in starts],
        "replicas": [min(day.ready_replicas[s : s + size]) for s in starts],
        "slo_share": round(day.slo_share, 4),
        "replica_hours": round(day.replica_hours, 1),
    }
