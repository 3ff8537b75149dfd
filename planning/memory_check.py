"""Whether a model fits the GPUs of its pool, and what would."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from planning import vllm_versions
from planning.architecture import Architecture
from planning.engine_args import flag_value
from planning.findings import Findings
from planning.instances import instance_types
from planning.memory import EngineConfig, MemoryFit, fit
from planning.model import MemoryPlan
from planning.pools import NVIDIA_AMI_FAMILIES, Pool
from planning.quantity import GIB
from planning.vllm_versions import Version
from settings.models import Model, Quantization

_TENSOR_PARALLEL_SIZES = (1, 2, 4, 8)


def engine_config(model: Model, stored: str, version: Version) -> EngineConfig:
    """The memory side of a model's settings."""
    batched = flag_value(model, "--max-num-batched-tokens", version)
    quantization = stored if model.quantization is Quantization.NONE else model.quantization.value
    return EngineConfig(
        max_model_len=model.max_model_len,
        max_num_seqs=model.max_num_seqs,
        dtype=model.dtype.value,
        quantization=quantization,
        kv_cache_dtype=model.kv_cache_dtype.value,
        tensor_parallel=model.tensor_parallel,
        gpu_memory_utilization=model.gpu_memory_utilization,
        max_num_batched_tokens=int(batched) if batched and batched.isdigit() else None,
        enforce_eager=model.enforce_eager,
        vllm_version=vllm_versions.text(version),
    )


def check_shape(model: Model, architecture: Architecture, path: str, version: Version, findings: Findings) -> None:
    """What vLLM refuses whatever the memory: heads that do not divide, a context the model was not made for."""
    heads = architecture.attention_heads
    if heads % model.tensor_parallel:
        divisors = [size for size in _TENSOR_PARALLEL_SIZES if heads % size == 0]
        findings.error(
            f"{path}.tensorParallel",
            "tensor-parallel-heads",
            f"{model.tensor_parallel} does not divide the {heads} attention heads of {model.source}; write one of "
            f"{', '.join(map(str, divisors))}",
        )
    longest = architecture.max_position_embeddings
    overridden = any(flag_value(model, flag, version) is not None for flag in ("--hf-overrides", "--rope-scaling"))
    if model.max_model_len > longest and not overridden:
        findings.error(
            f"{path}.maxModelLen",
            "context-length",
            f"{model.max_model_len} is more than the {longest} positions {model.source} was made for; write {longest} "
            "or less",
        )


def check_memory(
    model: Model, architecture: Architecture, engine: EngineConfig, pool: Pool, path: str, findings: Findings
) -> MemoryPlan:
    """GPU memory of one replica on its pool; refuses what does not fit and says what would."""
    found = fit(architecture, engine, pool.gpu.usable_memory_bytes, pool.gpu)
    if not found.fits:
        findings.estimate(
            f"{path}.maxModelLen" if found.longest_model_len > 0 else f"{path}.source",
            "memory-fit",
            _refusal(model, architecture, engine, pool, found),
            model.accepted_risks.memory_fit,
            "memoryFit",
        )
    return MemoryPlan(
        weights_bytes_per_gpu=found.weights_bytes_per_gpu,
        activation_bytes=found.activation_bytes,
        reserve_bytes=found.reserve_bytes,
        kv_cache_bytes_per_gpu=found.kv_cache_bytes_per_gpu,
        kv_cache_tokens=found.kv_cache_tokens,
        max_concurrency=round(found.max_concurrency, 2),
        longest_model_len=found.longest_model_len,
    )


def _refusal(model: Model, architecture: Architecture, engine: EngineConfig, pool: Pool, found: MemoryFit) -> str:
    budget = pool.gpu.usable_memory_bytes * engine.gpu_memory_utilization / GIB
    gpus = f"{model.tensor_parallel} × {pool.gpu.name}"
    if found.longest_model_len > 0:
        what = (
            f"{model.max_model_len} tokens do not fit {gpus}: weights take {found.weights_bytes_per_gpu / GIB:.1f} of "
            f"{budget:.1f} GiB per GPU, the cache then holds {found.kv_cache_tokens} tokens; write maxModelLen: "
            f"{found.longest_model_len} or less"
        )
    else:
        what = (
            f"{model.source} does not fit {gpus}: weights take {found.weights_bytes_per_gpu / GIB:.1f} of "
            f"{budget:.1f} GiB per GPU"
        )
    ways = [f"tensorParallel: {size}" for size in _larger_groups(architecture, engine, pool)]
    if architecture.native_quantization == "none" and engine.quantization == "none":
        smaller = _with(engine, quantization="fp8")
        if fit(architecture, smaller, pool.gpu.usable_memory_bytes, pool.gpu).fits:
            ways.append("quantization: fp8")
    # `engine` without the pool's own group size: what else could be bought.
    cheapest = _cheapest(architecture, engine)
    instances = "; instances that fit: " + ", ".join(cheapest) if cheapest else "; no instance in the table fits it"
    return what + "".join(f", or {way}" for way in ways) + instances + "."


def _larger_groups(architecture: Architecture, engine: EngineConfig, pool: Pool) -> Iterator[int]:
    for size in _TENSOR_PARALLEL_SIZES:
        if engine.tensor_parallel < size <= pool.gpus_per_node and architecture.attention_heads % size == 0:
            if fit(architecture, _with(engine, tensor_parallel=size), pool.gpu.usable_memory_bytes, pool.gpu).fits:
                yield size
                return


@lru_cache(maxsize=1024)
def _cheapest(architecture: Architecture, engine: EngineConfig, most: int = 3) -> tuple[str, ...]:
    """The cheapest instance types that hold a replica, each with its group size and price."""
    fits: dict[tuple[str, int], bool] = {}
    found: list[tuple[float, str]] = []
    for each in instance_types().values():
        if each.gpu is None or each.family not in NVIDIA_AMI_FAMILIES or each.usd_per_hour is None:
            continue
        for size in _TENSOR_PARALLEL_SIZES:
            if size > each.gpu_count or architecture.attention_heads % size:
                continue
            key = (each.gpu.name, size)
            if key not in fits:
                config = _with(engine, tensor_parallel=size)
                fits[key] = fit(architecture, config, each.gpu.usable_memory_bytes, each.gpu).fits
            if fits[key]:
                group = f", tensorParallel: {size}" if size > 1 else ""
                found.append((each.usd_per_hour, f"{each.name} ({each.gpu.name}{group}, ${each.usd_per_hour:g}/h)"))
                break
    return tuple(text for _, text in sorted(found)[:most])


def _with(engine: EngineConfig, **changes: object) -> EngineConfig:
    return EngineConfig(**{**engine.__dict__, **changes})
