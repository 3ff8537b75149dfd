"""GPU memory of one vLLM replica: weights, activations, reserves, KV cache, and what to change if it does not fit.

vLLM takes `gpu_memory_utilization` of the memory CUDA reports, subtracts weights, the peak of a profiling pass,
what lives outside PyTorch and (since 0.21) CUDA graphs, and gives the rest to the KV cache. It refuses to start
when that rest cannot hold one sequence of `max_model_len`. See docs/memory-model.md for method and weak spots.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from planning.architectures.shape import Architecture
from planning.memory.beside import beside_bytes_per_gpu, cache_share
from planning.memory.engine import UNKNOWN_VERSION, EngineConfig, with_defaults
from planning.memory.kv_cache import (
    cache_layout,
    kv_cache_bytes_per_token,
    kv_cache_tokens,
    longest_sequence,
    max_concurrency,
)
from planning.memory.overheads import activation_bytes, graph_bytes, reserve_bytes
from planning.memory.runner import reserves_graphs
from planning.memory.weights import weight_format, weights_bytes, weights_bytes_per_gpu
from planning.nodes.instances import Gpu
from planning.starting.split import sizes_that_start
from planning.units import GIB

__all__ = [
    "EngineConfig",
    "MemoryFit",
    "activation_bytes",
    "fit",
    "graph_bytes",
    "kv_cache_bytes_per_token",
    "kv_cache_tokens",
    "reserve_bytes",
    "token_range",
    "weights_bytes",
    "weights_bytes_per_gpu",
]


# One of each generation that profiles memory in another way (docs/memory-model.md).
_GENERATIONS = ("0.10.0", "0.16.0", "0.17.0", UNKNOWN_VERSION, "0.24.0", "0.28.0", "0.33.0")


@dataclass(frozen=True)
class MemoryFit:
    """Whether a replica fits, and where each GPU's memory goes; bytes per GPU, tokens per replica.

    `kv_cache_bytes_per_gpu` is negative where weights and reserves alone are too large. `reasons`: empty when it
    fits, else what is wrong and what would fit.
    """

    fits: bool
    weights_bytes_per_gpu: int
    activation_bytes: int
    reserve_bytes: int
    graph_bytes: int
    kv_cache_bytes_per_gpu: int
    kv_cache_tokens: int
    max_concurrency: float
    longest_model_len: int
    reasons: tuple[str, ...]


def fit(architecture: Architecture, engine: EngineConfig, gpu_memory_bytes: int, gpu: Gpu | None = None) -> MemoryFit:
    """Memory of one replica on GPUs that report `gpu_memory_bytes` as total to CUDA."""
    memory_fit = _measure(architecture, engine, gpu_memory_bytes, gpu)
    if memory_fit.fits:
        return memory_fit
    return replace(memory_fit, reasons=_reasons(architecture, engine, gpu_memory_bytes, gpu, memory_fit))


def token_range(
    architecture: Architecture, engine: EngineConfig, gpu_memory_bytes: int, gpu: Gpu | None = None
) -> tuple[int, int]:
    """Fewest and most tokens that starts of this configuration show: compile cache cold or warm, and where the version
    is unknown, the generations since 0.8.3."""
    versions = _GENERATIONS if engine.vllm_version == UNKNOWN_VERSION else (engine.vllm_version,)
    tokens = [
        _measure(architecture, replace(engine, vllm_version=version), gpu_memory_bytes, gpu, lucky).kv_cache_tokens
        for version in versions
        for lucky in (False, True)
    ]
    return min(tokens), max(tokens)


def _measure(
    model: Architecture, engine: EngineConfig, gpu_memory_bytes: int, gpu: Gpu | None, lucky: bool = False
) -> MemoryFit:
    engine = with_defaults(engine, gpu_memory_bytes, gpu)
    weights = weights_bytes_per_gpu(model, engine) + beside_bytes_per_gpu(model, engine)
    activation = activation_bytes(model, engine, lucky=lucky)
    reserve, graphs = reserve_bytes(model, engine), graph_bytes(model, engine, gpu)
    budget = int(gpu_memory_bytes * engine.gpu_memory_utilization)
    left = budget - weights - activation - reserve - (graphs if reserves_graphs(model, engine) else 0)
    layout, own = cache_layout(model, engine), left * cache_share(model, engine)
    limit = max(engine.max_model_len, model.max_position_embeddings)
    longest = longest_sequence(layout, engine, own, limit) if left > 0 else 0
    return MemoryFit(
        fits=longest >= engine.max_model_len,
        weights_bytes_per_gpu=weights,
        activation_bytes=activation,
        reserve_bytes=reserve,
        graph_bytes=graphs,
        kv_cache_bytes_per_gpu=left,
        kv_cache_tokens=kv_cache_tokens(layout, engine, own, engine.max_model_len),
        max_concurrency=max_concurrency(layout, engine, own, engine.max_model_len),
        longest_model_len=longest,
        reasons=(),
    )


def _reasons(
    model: Architecture, engine: EngineConfig, gpu_memory_bytes: int, gpu: Gpu | None, memory_fit: MemoryFit
) -> tuple[str, ...]:
    budget = gpu_memory_bytes * engine.gpu_memory_utilization
    held = budget - memory_fit.kv_cache_bytes_per_gpu
    if memory_fit.longest_model_len == 0:
        first = (
            f"weights {_gib(memory_fit.weights_bytes_per_gpu)} and {_gib(held - memory_fit.weights_bytes_per_gpu)} "
            f"for activations and reserves leave no KV cache in {_gib(budget)} "
            f"({engine.gpu_memory_utilization:g} of {_gib(gpu_memory_bytes)} per GPU)"
        )
    else:
        first = (
            f"{_gib(memory_fit.kv_cache_bytes_per_gpu)} of KV cache hold {memory_fit.longest_model_len} tokens, "
            f"less than max model length {engine.max_model_len}"
        )
    return (first, *_remedies(model, engine, gpu_memory_bytes, gpu, memory_fit))


def _remedies(
    model: Architecture, engine: EngineConfig, gpu_memory_bytes: int, gpu: Gpu | None, memory_fit: MemoryFit
) -> list[str]:
    remedies: list[str] = []

    def works(**changes: object) -> bool:
        return _measure(model, replace(engine, **changes), gpu_memory_bytes, gpu).fits  # type: ignore[arg-type]

    if memory_fit.longest_model_len > 0:
        remedies.append(f"a max model length of {memory_fit.longest_model_len} or less fits")
    if not engine.kv_cache_dtype.startswith("fp8") and works(kv_cache_dtype="fp8"):
        remedies.append("an fp8 KV cache fits")
    for size in sizes_that_start(model, engine.exact_version):
        if size > engine.tensor_parallel and works(tensor_parallel=size):
            remedies.append(f"tensor parallel {size} fits")
            break
    if weight_format(model, engine)[0] == "none":
        native_fp8 = gpu is None or gpu.compute_capability >= (8, 9)
        for method in ("fp8", "awq") if native_fp8 else ("awq",):
            if works(quantization=method):
                size_gib = weights_bytes_per_gpu(model, replace(engine, quantization=method))
                remedies.append(f"{method} weights ({_gib(size_gib)} per GPU) fit")
                break
    if (engine.max_num_seqs is None or engine.max_num_seqs > 32) and works(max_num_seqs=32):
        remedies.append("max sequences 32 fits (less memory for sampling and graphs, compile cache cold)")
    if engine.gpu_memory_utilization < 0.95 and works(gpu_memory_utilization=0.95):
        remedies.append("GPU memory utilization 0.95 fits, if nothing else uses the GPU")
    return remedies or ["a GPU with more memory is needed"]


def _gib(size_bytes: float) -> str:
    return f"{size_bytes / GIB:.2f} GiB"
