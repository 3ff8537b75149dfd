"""The scaling picture of one planned model: a week of its declared traffic (planning/scaling/day.py)."""

from __future__ import annotations

from planning.architectures.described import architecture_of
from planning.memory.check import engine_config
from planning.model import ServedModel
from planning.nodes.instances import Gpu
from planning.scaling.day import ServedTraffic, Week, week
from planning.scaling.policy import decide, tuning_for
from planning.scaling.replica import replica_capacity
from planning.serving.cold_start import replica_seconds
from planning.throughput.serving_rates import serving_rates
from planning.throughput.slo_load import Promise
from planning.versions.vllm_versions import version_of
from settings.models import Model


def traffic_picture(asked: Model, served: ServedModel, gpu: Gpu) -> Week | None:
    """None without declared traffic or where the plan has no throughput. `gpu`: what one pod gets of its pool's."""
    known = architecture_of(asked)
    if asked.traffic is None or served.throughput is None or served.memory is None or known is None:
        return None
    if served.throughput.slo_requests_per_second <= 0:
        return None
    network = served.group.network_gbps if served.group else None
    engine = engine_config(asked, known.native_quantization, version_of(f"v{served.vllm_version}"), network)
    rates = serving_rates(asked, known, engine, gpu, served.memory.kv_cache_tokens)
    slo, scaling = asked.slo, served.autoscaling
    promise = Promise(slo.time_to_first_token_seconds, slo.time_per_output_token_seconds, slo.share)
    what = replica_capacity(rates, promise.ttft_seconds, promise.tpot_seconds, promise.share)
    cold = sum(replica_seconds(served)) / 2
    tuning = tuning_for(asked.traffic.shape.value)
    decision = decide(what, cold, scaling.min_replicas, scaling.max_replicas, tuning)
    return week(asked.traffic, ServedTraffic(rates, promise, decision, cold))
