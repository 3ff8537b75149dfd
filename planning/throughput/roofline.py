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
from planning.memory.overheads import largest_graph
from planning.memory.weights import weight_format
from planning.nodes.instances import Gpu
from planning.throughput.efficiency import EFFICIENCY, WEIGHT_ONLY, Efficiency

# One request through HTTP, tokenizer and detokenizer: BLIS's 15.6 ms (PERFORMANCE of inference-sim).
FRONTEND_SECONDS = 0.0156
# All-reduce twice per layer: latency, and bytes per second of the link between two GPUs.
_ALL_REDUCE_LATENCY = {True: 12e-6, False: 30e-6}
_LINK_BYTES_PER_SECOND = {True: 200e9, False: 10e9}
# From stage to stage over TCP between nodes of one zone, and what of the instance's network NCCL's sockets reach.
# Estimates: a round trip takes some 0.1 ms, the rest is copies and the worker's loop.
_NETWORK_LATENCY = 0.3e-3
_NETWORK_SHARE = 0.7


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
    `ridge`: exponent of the smooth maximum where reading and multiplying hinder each other, 0 where they overlap.
    `largest_graph`: tokens of the largest CUDA graph, 0 in eager mode. `stages`: of a pipeline, which works on as many
    batches at once; a step is the way of one batch through all of them.
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
    largest_graph: int = 0
    ridge: float = 0.0
    stages: int = 1

    def padded_seconds(self, tokens: int) -> float:
        """The same of one real step: what a CUDA graph replays is padded to the size it was captured for."""
        return self.linear_seconds(padded(tokens, self.largest_graph))

    def linear_seconds(self, tokens: float) -> float:
        """Host and matrix work of a step with that many tokens."""
        touched = 1 - (1 - self.expert_share_per_token) ** (tokens / self.stages) if self.expert_seconds else 0.0
        reading = self.weights_seconds + self.expert_seconds * touched
        longer, shorter = sorted((reading, self.token_seconds * tokens), reverse=True)
        if self.ridge and longer:
            longer *= float((1 + (shorter / longer) ** self.ridge) ** (1 / self.ridge))
        return self.host_seconds + longer

    def fill_seconds(self, tokens: float) -> float:
        """What a prompt's last chunk takes beyond a step: its stages compute it one after another."""
        return (self.stages - 1) * self.token_seconds * tokens

    def step_seconds(self, tokens: float, sequences: float, cached_tokens: float, pairs: float = 0.0) -> float:
        """One step: tokens computed, sequences in it, cached tokens they read, query-key pairs of prompts."""
        return (
            self.linear_seconds(tokens)
            + self.sequence_seconds * sequences
            + self.cached_token_seconds * cached_tokens
            + self.attention_pair_seconds * pairs
        )


def padded(tokens: int, largest_graph: int) -> int:
    """Tokens a step of that many computes: graphs exist for 1, 2, 4, then every 8 to 255, then every 16.

    vLLM's config/vllm.py, _set_cudagraph_sizes; a larger step runs without a graph of its own size.
    """
    if tokens > largest_graph or tokens < 3:
        return tokens
    if tokens <= 4:
        return min(4, largest_graph)
    gap = 8 if tokens <= 248 else 16
    return min(largest_graph, -(-tokens // gap) * gap)


@dataclass(frozen=True)
class Rates:
    """What one replica does at a number of requests in flight; tokens, requests and seconds."""

    concurrency: float
    requests_per_second: float
    output_tokens_per_second: float
    total_tokens_per_second: float
    time_per_output_token_seconds: float
    limited_by: str


def step_costs(
    model: Architecture,
    engine: EngineConfig,
    gpu: Gpu,
    typical_tokens: int = 2048,
    reached: Efficiency = EFFICIENCY,
) -> StepCosts:
    """Costs of a step on GPUs of that kind; `typical_tokens`: length that sliding windows are held against."""
    name, stored = weight_format(model, engine)
    gpus = engine.world_size
    always, experts = _read_bytes(model, name, stored.bytes_per_weight)
    version = "v1" if engine.is_v1 else "v0"
    bandwidth = gpu.memory_bandwidth_bytes_per_second * reached.bandwidth
    cache_bandwidth = gpu.memory_bandwidth_bytes_per_second * reached.cache_bandwidth[version]
    flops = _matrix_flops(model, gpu, name, reached) * gpus
    full, constant = _cache_bytes(model, engine, typical_tokens)
    stages, hop_latency, hop_token = engine.pipeline_parallel, *_hops(model, engine, gpu)
    per_layer = reached.eager_layer_seconds if engine.enforce_eager else reached.layer_seconds
    reduce_latency, reduce_token = _all_reduce(model, engine, gpu)
    pair_flops = 4 * model.attention_heads * model.head_dim * _full_layers(model)
    attention_flops = gpu.dense_flops_bf16 * reached.attention * gpus
    return StepCosts(
        host_seconds=stages * reached.host_seconds[version] + per_layer * model.layers + reduce_latency + hop_latency,
        weights_seconds=stages * always / gpus / bandwidth,
        token_seconds=2 * model.active_parameters / flops + reduce_token + hop_token,
        sequence_seconds=reached.sequence_seconds[version] + constant / cache_bandwidth,
        cached_token_seconds=full / cache_bandwidth,
        attention_pair_seconds=pair_flops / attention_flops,
        expert_seconds=stages * experts / gpus / bandwidth,
        expert_share_per_token=model.experts.per_token / model.experts.experts if model.experts else 1.0,
        prompts_apart=not engine.is_v1,
        ridge=reached.ridge if name in WEIGHT_ONLY else 0.0,
        stages=stages,
        largest_graph=largest_graph(with_defaults(engine, gpu.usable_memory_bytes, gpu), gpu),
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
    return max(
        1.0, min(float(max_num_seqs), EFFICIENCY.cache_fill * kv_cache_tokens / max(1.0, traffic.resident_tokens))
    )


def saturated(
    model: Architecture, engine: EngineConfig, gpu: Gpu, traffic: Traffic, concurrency: float | None = None
) -> Rates:
    """The most one replica does, or what it does with at most `concurrency` requests in flight.

    Raises ValueError where the model does not fit.
    """
    memory_fit = fit(model, engine, gpu.usable_memory_bytes, gpu)
    if not memory_fit.fits:
        raise ValueError(f"{model.model_id} does not fit: {memory_fit.reasons[0]}")
    filled = with_defaults(engine, gpu.usable_memory_bytes, gpu)
    most = most_concurrent(memory_fit.kv_cache_tokens, filled.max_num_seqs or 1, traffic)
    costs = step_costs(model, engine, gpu, ceil(traffic.resident_tokens))
    return rates(costs, traffic, min(most, concurrency) if concurrency else most)


def _read_bytes(model: Architecture, name: str, bytes_per_weight: float) -> tuple[float, float]:
    """Bytes of a replica's weights that every step reads, and those of all routed experts."""
    experts = model.routed_expert_parameters * bytes_per_weight
    dense_width = 2.0 if name == "mxfp4" else bytes_per_weight
    dense = (model.linear_parameters - model.routed_expert_parameters) * dense_width
    head = 2 * model.vocab_size * model.hidden_size
    small = 2 * (model.other_parameters - model.idle_parameters)
    return dense + head + small, experts


def _matrix_flops(model: Architecture, gpu: Gpu, name: str, reached: Efficiency) -> float:
    share, units = reached.matrix_share(
        name,
        gpu.compute_capability,
        has_fp8=gpu.dense_flops_fp8 is not None,
        activation_order=model.layout.activation_order,
    )
    if name == "fp8" and units == 2 and gpu.dense_flops_fp8 is not None:
        return gpu.dense_flops_fp8 * share
    return gpu.dense_flops_bf16 * units * share


def _full_layers(model: Architecture) -> int:
    return sum(group.layers + group.readers for group in model.attention if group.window is None)


def _cache_bytes(model: Architecture, engine: EngineConfig, typical_tokens: int) -> tuple[float, float]:
    """Bytes one GPU reads per cached token in layers without a window, and per sequence in the others."""
    growing = constant = 0.0
    for group in model.attention:
        if model.latent is not None:
            token = float(group.layers * group.head_dim * engine.kv_cache_element_bytes)
        else:
            heads = max(1, group.kv_heads // engine.tensor_parallel)
            token = float((group.layers + group.readers) * heads * group.kept_dim * engine.kv_cache_element_bytes)
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
        times * 2 * model.hidden_size * share / _LINK_BYTES_PER_SECOND[nvlink] / engine.pipeline_parallel,
    )


def _hops(model: Architecture, engine: EngineConfig, gpu: Gpu) -> tuple[float, float]:
    """Seconds per step and per token that activations take from stage to stage: hidden states and residual, 16 bit."""
    hops = engine.pipeline_parallel - 1
    nvlink = gpu.link == "nvlink"
    latency, link = _ALL_REDUCE_LATENCY[nvlink], _LINK_BYTES_PER_SECOND[nvlink]
    if engine.stage_gbps is not None:
        latency, link = _NETWORK_LATENCY, engine.stage_gbps * 1e9 / 8 * _NETWORK_SHARE
    return hops * latency, hops / engine.pipeline_parallel * 4 * model.hidden_size / link
