"""What one replica does, and how replicas would follow the declared traffic, as JSON."""

from __future__ import annotations

from typing import cast

from planning.model import CurvePicture, ThroughputPlan, TrafficPicture
from preview.report_parts import Curve, Simulated, Throughput, TrafficPart
from settings.models import Model


def throughput(plan: ThroughputPlan | None) -> Throughput | None:
    """Rates of one replica; None where the model is unknown or does not fit."""
    if plan is None:
        return None
    fields = {name: getattr(plan, name) for name in plan.__dataclass_fields__}
    rounded = {"input_tokens": round(plan.input_tokens), "output_tokens": round(plan.output_tokens)}
    return cast("Throughput", fields | rounded)


def traffic(asked: Model, shown: TrafficPicture | None, max_replicas: int) -> TrafficPart | None:
    """The declared traffic and what replicas would do on it, simulated; None where none is declared.

    `simulated` is None where nothing is known of the model's throughput.
    """
    if asked.traffic is None:
        return None
    traffic_asked = asked.traffic
    return {
        "requests_per_second": traffic_asked.requests_per_second,
        "input_tokens": traffic_asked.input_tokens,
        "output_tokens": traffic_asked.output_tokens,
        "shape": traffic_asked.shape.value,
        "slo": {
            "time_to_first_token_seconds": asked.slo.time_to_first_token_seconds,
            "time_per_output_token_seconds": asked.slo.time_per_output_token_seconds,
            "share": asked.slo.share,
        },
        "simulated": None if shown is None else _simulated(shown, max_replicas),
    }


def _simulated(shown: TrafficPicture, max_replicas: int) -> Simulated:
    usd = shown.usd_per_month
    return {
        "method": "fluid, by the minute, replicas after the demand policy",
        "slo_share": round(shown.slo_share, 4),
        "gpu_hours_per_month": round(shown.gpu_hours_per_month),
        "usd_per_month": None if usd is None else round(usd, 2),
        "replicas_wanted": shown.replicas_wanted,
        "max_replicas": max_replicas,
        "weekday": _curve(shown.weekday),
        "weekend": _curve(shown.weekend) if shown.weekend else None,
    }


def _curve(day: CurvePicture) -> Curve:
    return {
        "minutes": day.minutes,
        "requests_per_second": [round(rate, 3) for rate in day.requests_per_second],
        "replicas": list(day.replicas),
        "slo_share": round(day.slo_share, 4),
        "replica_hours": round(day.replica_hours, 1),
    }
