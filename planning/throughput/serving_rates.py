"""What one replica of a model costs per step and can hold at once, at the lengths its traffic has.

One place for all who ask: the plan's throughput, the scaling policy's capacity, `fit` and `recommend`.
docs/throughput-model.md says how the costs are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from planning.architectures.shape import Architecture
from planning.memory.engine import EngineConfig, with_defaults
from planning.memory.fit import fit
from planning.nodes.instances import Gpu
from planning.throughput.efficiency import EFFICIENCY, Efficiency
from planning.throughput.roofline import StepCosts, Traffic, most_concurrent, step_costs
from settings.lengths import USUAL_INPUT_TOKENS, USUAL_OUTPUT_TOKENS

if TYPE_CHECKING:  # pydantic takes longer to import than `fit` may take to answer
    from settings.demand import DeclaredTraffic as DeclaredTraffic
    from settings.models import Model


@dataclass(frozen=True)
class ServingRates:
    """Costs of a step (seconds), mean lengths (tokens), and what bounds the requests that run at once.

    `declared`: the lengths are written in the stack file; else the usual ones. `most_concurrent`: requests of these
    lengths that run at once when there are always more. `max_num_batched_tokens`: of one step.
    `admits_whole_prompts`: one starts when all of it fits the cache, not only its first chunk.
    `caches_prefixes`: what a preempted request computed is found again (V1's default).
    """

    costs: StepCosts
    traffic: Traffic
    kv_cache_tokens: float
    max_num_seqs: int
    most_concurrent: float
    max_num_batched_tokens: int
    declared: bool
    admits_whole_prompts: bool = True
    caches_prefixes: bool = True


def serving_rates(
    model: Model, architecture: Architecture, engine: EngineConfig, gpu: Gpu, kv_cache_tokens: float | None = None
) -> ServingRates:
    """Rates of one replica of a model of the stack file on GPUs of that kind (or a share of one, as a Gpu).

    `kv_cache_tokens`: of the memory plan where there is one, else the memory model is asked. A replica that does not
    fit counts as one that runs one request at a time: the plan has refused it already, or was told not to.
    """
    traffic = lengths(model.traffic, model.max_model_len)
    return replica_rates(architecture, engine, gpu, traffic, kv_cache_tokens, declared=model.traffic is not None)


def replica_rates(
    architecture: Architecture,
    engine: EngineConfig,
    gpu: Gpu,
    traffic: Traffic,
    kv_cache_tokens: float | None = None,
    *,
    declared: bool = True,
    reached: Efficiency = EFFICIENCY,
) -> ServingRates:
    """The same for any engine and lengths."""
    if kv_cache_tokens is None:
        kv_cache_tokens = fit(architecture, engine, gpu.usable_memory_bytes, gpu).kv_cache_tokens
    filled = with_defaults(engine, gpu.usable_memory_bytes, gpu)
    sequences = filled.max_num_seqs or 1
    return ServingRates(
        costs=step_costs(architecture, engine, gpu, ceil(traffic.resident_tokens), reached),
        traffic=traffic,
        kv_cache_tokens=kv_cache_tokens,
        max_num_seqs=sequences,
        most_concurrent=most_concurrent(kv_cache_tokens, sequences, traffic),
        max_num_batched_tokens=max(filled.max_num_batched_tokens or 2048, sequences),
        declared=declared,
        admits_whole_prompts=engine.admits_whole_prompts,
        caches_prefixes=engine.is_v1,
    )


def lengths(declared: DeclaredTraffic | None, max_model_len: int) -> Traffic:
    """Mean lengths as declared, else the usual ones, shortened alike where the model holds less."""
    if declared is not None:
        return Traffic(declared.input_tokens, declared.output_tokens)
    shorter = min(1.0, max_model_len / (USUAL_INPUT_TOKENS + USUAL_OUTPUT_TOKENS))
    return Traffic(max(1.0, USUAL_INPUT_TOKENS * shorter), max(1.0, USUAL_OUTPUT_TOKENS * shorter))
