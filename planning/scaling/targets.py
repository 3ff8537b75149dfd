"""What one replica should carry of each metric when the stack file does not say: from the plan's capacity."""

from __future__ import annotations

from planning.model.demand import Capacity
from planning.throughput.roofline import rates
from planning.throughput.serving_rates import ServingRates
from settings.autoscaling import MetricKind
from settings.models import Model

# Share of a replica's knee that is planned to be busy: the rest covers a cold start (concurrency targets of KubeAI,
# SkyServe and Fireworks are 0.7 to 0.8 of it).
BUSY_SHARE = 0.7
QUEUE_DEPTH = 5.0  # what guides write
KV_CACHE_SHARE = 0.8  # llm-d: ceil(sum of KV use / 0.8)
GPU_PERCENT = 80.0


def default_target(
    kind: MetricKind, model: Model, what: Capacity | None, serving_rates: ServingRates | None
) -> float | None:
    """The target per replica (a time to first token: seconds). None: the capacity is not known, so say one."""
    held = what.concurrency if what is not None else float(model.max_num_seqs)
    fixed = {
        MetricKind.DEMAND: 1.0,
        MetricKind.QUEUE_DEPTH: QUEUE_DEPTH,
        MetricKind.KV_CACHE_USAGE: KV_CACHE_SHARE,
        MetricKind.TIME_TO_FIRST_TOKEN: model.slo.time_to_first_token_seconds,
        MetricKind.GPU_UTILIZATION: GPU_PERCENT,
    }
    if kind in fixed:
        return fixed[kind]
    if kind is not MetricKind.TOKENS_PER_SECOND:
        return round(max(1.0, BUSY_SHARE * held), 1)
    if what is None or serving_rates is None:
        return None
    return round(
        BUSY_SHARE * rates(serving_rates.costs, serving_rates.traffic, what.concurrency).output_tokens_per_second, 1
    )
