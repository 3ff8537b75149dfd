"""Tokens and requests per second of one replica, from a roofline with stated efficiencies.

A step of the engine reads the weights once (bandwidth) or multiplies its tokens with them (FLOPs), whichever takes
longer, then reads the cached keys and values of every decoding sequence, and pays the host. The simulator runs on
the same costs. Method, error table and weak spots: docs/throughput-model.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from planning.architectures.shape import Architecture
from planning.memory.engine import EngineConfig, with_defaults
from planning.memory.fit import fit
from planning.memory.weights import weight_format
from planning.nodes.instances import Gpu

# Shares of the data sheet's peak that vLLM's kernels reach, chosen on public runs (docs/throughput-model.md).
BANDWIDTH_SHARE = 0.76
KV_BANDWIDTH_SHARE = 0.32
ATTENTION_SHARE = 0.75
# By how the weights are stored: share of the FLOPs that the matrix kernels reach. Weight-only 4 bit unpacks first.
FLOPS_SHARE = {"none": 0.55, "fp8": 0.75, "int8": 0.34, "awq": 0.23, "gptq": 0.23}
FLOPS_SHARE_OTHER = 0.23
# Of the KV cache, what holds running requests when there are always more: the rest is fragments and preempted work.
KV_FILL = 0.67
# Host work per step and per sequence in it, seconds. The V0 engine scheduled, prepared and detokenized in one process.
HOST_SECONDS = {"v1": 1.0e-3, "v0": 0.5e-3}
HOST_SECONDS_PER_SEQUENCE = {"v1": 36e-6, "v0": 85e-6}
LAYER_SECONDS = 7e-6
EAGER_LAYER_SECONDS = 250e-6
# One request through HTTP, tokenizer and detokenizer: BLIS's 15.6 ms (PERFORMANCE of inference-sim).
FRONTEND_SECONDS = 0.0156
# All-reduce twice per layer: latency, and bytes per second of the link between two GPUs.
_ALL_REDUCE_LATENCY = {True: 12e-6, False: 30e-6}
_LINK_BYTES_PER_SECOND = {True: 200e9, False: 10e9}
# Stored in 8 bit and multiplied in 8 bit where the GPU can; elsewhere the weights are widened to 16 bit.
_FP8_SINCE = (8, 9)
_INT8_SINCE = (7, 5)


@dataclass(frozen=True)
class Traffic:
    """Mean lengths of a request, tokens."""

    input_tokens: float
    output_tokens: float

    @property
    def resident_tokens(self) -> float:
        """What a request holds of the KV cache on average over its decode."""
        return self.input_tokens + self.output_tokens / 2


@dataclass(frozen=True)
class StepCosts:
    """What a step costs, in seconds; see `step_seconds`.

    `expert_seconds` is the time to read all routed experts, of which a step touches a share that grows with its
    tokens. `prompts_apart`: the V0 engine ran prompts in steps of their own.
    `sequence_seconds`: host work and the constant states (windows, recurrent layers) of a sequence.
    """

    host_seconds: float
    weights_seconds: float
    token_seconds: float
    sequence_seconds: float
    cached_token_seconds: float
    attention_pair_seconds: float
    expert_seconds: float = 0.0
    expert_share_per_token: float = 1.0
    prompts_apart: bool = False

    def linear_seconds(self, tokens: float) -> float:
        """Host and matrix work of a step with that many tokens."""
        touched = 1 - (1 - self.expert_share_per_token) ** tokens if self.expert_seconds else 0.0
        return self.host_seconds + max(
            self.weights_seconds + self.expert_seconds * touched, self.token_seconds * tokens
        )

    def step_seconds(self, tokens: float, sequences: float, cached_tokens: float, pairs: float = 0.0) -> float:
        """One step: tokens computed, sequences in it, cached tokens they read, query-key pairs of prompts."""
        return (
            self.linear_seconds(tokens)
            + self.sequence_seconds * sequences
            + self.cached_token_seconds * cached_tokens
            + self.attention_pair_seconds * pairs
        )


@dataclass(frozen=True)
class Rates:
    """What one replica does at a number of requests in flight; tokens, requests and seconds."""

    concurrency: float
    requests_per_second: float
    output_tokens_per_second: float
    total_tokens_per_second: float
    time_per_output_token_seconds: float
    limited_by: str


def step_costs(model: Architecture, engine: EngineConfig, gpu: Gpu, typical_tokens: int = 2048) -> StepCosts:
    """Costs of a step on GPUs of that kind; `typical_tokens`: length that sliding windows are held against."""
    name, stored = weight_format(model, engine)
    gpus = engine.world_size
    always, experts = _read_bytes(model, name, stored.bytes_per_weight)
    bandwidth = gpu.memory_bandwidth_bytes_per_second
    flops = _matrix_flops(gpu, name) * gpus
    full, constant = _cache_bytes(model, engine, typical_tokens)
    version = "v1" if engine.is_v1 else "v0"
    per_layer = EAGER_LAYER_SECONDS if engine.enforce_eager else LAYER_SECONDS
    reduce_latency, reduce_token = _all_reduce(model, engine, gpu)
    pair_flops = 4 * model.attention_heads * model.head_dim * _full_layers(model)
    attention_flops = gpu.dense_flops_bf16 * ATTENTION_SHARE * gpus
    return StepCosts(
        host_seconds=HOST_SECONDS[version] + per_layer * model.layers + reduce_latency,
        weights_seconds=always / gpus / (bandwidth * BANDWIDTH_SHARE),
        token_seconds=2 * model.active_parameters / flops + reduce_token,
        sequence_seconds=HOST_SECONDS_PER_SEQUENCE[version] + constant / (bandwidth * KV_BANDWIDTH_SHARE),
        cached_token_seconds=full / (bandwidth * KV_BANDWIDTH_SHARE),
        attention_pair_seconds=pair_flops / attention_flops,
        expert_seconds=experts / gpus / (bandwidth * BANDWIDTH_SHARE),
        expert_share_per_token=model.experts.per_token / model.experts.experts if model.experts else 1.0,
        prompts_apart=not engine.is_v1,
    )


def rates(costs: StepCosts, traffic: Traffic, concurrency: float) -> Rates:
    """Steady state with that many requests always in flight: prompts ride along with the decodes.

    A request leaves every `output` steps per sequence, so each step carries concurrency ÷ output prompts.
    """
    output = max(1.0, traffic.output_tokens)
    prompts = concurrency / output
    tokens = concurrency + prompts * traffic.input_tokens
    pairs = prompts * traffic.input_tokens**2 / 2
    cached = concurrency * traffic.resident_tokens
    if costs.prompts_apart:
        step = costs.step_seconds(concurrency, concurrency, cached, pairs)
        step += costs.token_seconds * (tokens - concurrency)
    else:
        step = costs.step_seconds(tokens, concurrency, cached, pairs)
    per_second = prompts / step
    parts = {
        "bandwidth": costs.weights_seconds + costs.expert_seconds + costs.cached_token_seconds * cached,
        "compute": costs.token_seconds * tokens + costs.attention_pair_seconds * pairs,
        "host": costs.host_seconds + costs.sequence_seconds * concurrency,
    }
    return Rates(
        concurrency=concurrency,
        requests_per_second=per_second,
        output_tokens_per_second=per_second * output,
        total_tokens_per_second=per_second * (output + traffic.input_tokens),
        time_per_output_token_seconds=step,
        limited_by=max(parts, key=lambda part: parts[part]),
    )


def most_concurrent(kv_cache_tokens: float, max_num_seqs: int, traffic: Traffic) -> float:
    """Requests that run at once when there are always more: bounded by the batch and by the KV cache."""
    return max(1.0, min(float(max_num_seqs), KV_FILL * kv_cache_tokens / max(1.0, traffic.resident_tokens)))


def saturated(
    model: Architecture, engine: EngineConfig, gpu: Gpu, traffic: Traffic, concurrency: float | None = None
) -> Rates:
    """The most one replica does, or what it does with at most `concurrency` requests in flight.

    Raises ValueError where the model does not fit.
    """
    found = fit(model, engine, gpu.usable_memory_bytes, gpu)
    if not found.fits:
        raise ValueError(f"{model.model_id} does not fit: {found.reasons[0]}")
    filled = with_defaults(engine, gpu.usable_memory_bytes, gpu)
    most = most_concurrent(found.kv_cache_tokens, filled.max_num_seqs or 1, traffic)
    costs = step_costs(model, engine, gpu, ceil(traffic.resident_tokens))
    return rates(costs, traffic, min(most, concurrency) if concurrency else most)


def _read_bytes(model: Architecture, name: str, bytes_per_weight: float) -> tuple[float, float]:
    """Bytes of a replica's weights that every step reads, and those of all routed experts."""
    experts = model.routed_expert_parameters * bytes_per_weight
    dense_width = 2.0 if name == "mxfp4" else bytes_per_weight
    dense = (model.linear_parameters - model.routed_expert_parameters) * dense_width
    head = 2 * model.vocab_size * model.hidden_size
    small = 2 * (model.other_parameters - model.vision_parameters - model.extra_parameters)
    return dense + head + small, experts


def _matrix_flops(gpu: Gpu, name: str) -> float:
    share = FLOPS_SHARE.get(name, FLOPS_SHARE_OTHER)
    if name == "fp8":
        if gpu.dense_flops_fp8 is not None and gpu.compute_capability >= _FP8_SINCE:
            return gpu.dense_flops_fp8 * share
        return gpu.dense_flops_bf16 * FLOPS_SHARE["none"]
    if name == "int8" and gpu.compute_capability >= _INT8_SINCE:
        return 2 * gpu.dense_flops_bf16 * share
    return gpu.dense_flops_bf16 * share


def _full_layers(model: Architecture) -> int:
    return sum(group.layers for group in model.attention if group.window is None)


def _cache_bytes(model: Architecture, engine: EngineConfig, typical_tokens: int) -> tuple[float, float]:
    """Bytes one GPU reads per cached token in layers without a window, and per sequence in the others."""
    growing = constant = 0.0
    for group in model.attention:
        if model.latent is not None:
            token = float(group.layers * group.head_dim * engine.kv_cache_element_bytes)
        else:
            heads = max(1, group.kv_heads // engine.tensor_parallel)
            token = float(group.layers * 2 * heads * group.head_dim * engine.kv_cache_element_bytes)
        token /= engine.pipeline_parallel
        if group.window is None:
            growing += token
        else:
            constant += token * min(group.window, typical_tokens)
    if model.recurrent is not None:
        state = model.recurrent.state_elements * model.recurrent.state_dtype_bytes
        constant += 2 * model.recurrent.layers * state / engine.world_size
    return growing, constant


def _all_reduce(model: Architecture, engine: EngineConfig, gpu: Gpu) -> tuple[float, float]:
    """Seconds per step and per token that tensor parallelism spends between GPUs."""
    if engine.tensor_parallel == 1:
        return 0.0, 0.0
    nvlink = gpu.link == "nvlink"
    times = 2 * model.layers
    share = 2 * (engine.tensor_parallel - 1) / engine.tensor_parallel
    return (
        times * _ALL_REDUCE_LATENCY[nvlink] * share,
        times * 2 * model.hidden_size * share / _LINK_BYTES_PER_SECOND[nvlink],
    )
