"""Whether a model fits the GPUs of its pool, and what would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from planning.architectures.shape import Architecture
from planning.findings import Findings
from planning.memory.companions import beside
from planning.memory.engine import Beside, EngineConfig, with_defaults
from planning.memory.fit import MemoryFit, fit
from planning.memory.pictures import pictures
from planning.memory.vision import without_tower
from planning.model import MemoryPlan
from planning.nodes.ami import NVIDIA_AMI_FAMILIES
from planning.nodes.instances import ADA, AMPERE, instance_types
from planning.nodes.pools import Pool
from planning.nodes.sharing import larger_than, share_of
from planning.starting.split import sizes_that_start
from planning.units import GIB
from planning.versions import vllm_versions
from planning.versions.arguments import flag_value
from planning.versions.vllm_versions import Version
from settings.models import Model, Quantization


def engine_config(model: Model, stored: str, version: Version, network_gbps: float | None = None) -> EngineConfig:
    """The memory side of a model's settings. `network_gbps`: between the nodes of one replica."""
    batched = flag_value(model, "--max-num-batched-tokens", version)
    quantization = stored if model.quantization is Quantization.NONE else model.quantization.value
    return EngineConfig(
        max_model_len=model.max_model_len,
        max_num_seqs=model.max_num_seqs,
        dtype=model.dtype.value,
        quantization=quantization,
        kv_cache_dtype=model.kv_cache_dtype.value,
        tensor_parallel=model.tensor_parallel,
        pipeline_parallel=model.pipeline_parallel,
        stage_gbps=network_gbps if model.nodes > 1 else None,
        gpu_memory_utilization=model.gpu_memory_utilization,
        max_num_batched_tokens=int(batched) if batched and batched.isdigit() else None,
        enforce_eager=model.enforce_eager,
        vllm_version=vllm_versions.text(version),
        beside=beside(model, version),
        pictures=pictures(model, version),
    )


def check_memory(
    model: Model, architecture: Architecture, engine: EngineConfig, pool: Pool, path: str, findings: Findings
) -> MemoryPlan:
    """GPU memory of one replica on its pool; refuses what does not fit and says what would."""
    if pool.sharing.kind == "mps":
        # vLLM chooses its batch by the whole GPU, which is what CUDA's properties show under MPS.
        engine = with_defaults(engine, pool.gpu.usable_memory_bytes, pool.gpu)
    architecture = without_tower(architecture, engine)
    if engine.cannot_start:
        findings.error(
            f"{path}.extraArgs",
            "batched-tokens",
            f"--max-num-batched-tokens: {engine.cannot_start}",
            f"write {engine.max_num_seqs} or more, or fewer sequences",
        )
    memory_fit = fit(architecture, engine, pool.share.usable_memory_bytes, pool.share)
    if not memory_fit.fits:
        what, fix = _refusal(model, architecture, engine, pool, memory_fit)
        findings.estimate(
            f"{path}.maxModelLen" if memory_fit.longest_model_len > 0 else f"{path}.source",
            "memory-fit",
            what,
            model.accepted_risks.memory_fit,
            "memoryFit",
            fix=fix,
        )
    return MemoryPlan(
        weights_bytes_per_gpu=memory_fit.weights_bytes_per_gpu,
        activation_bytes=memory_fit.activation_bytes,
        reserve_bytes=memory_fit.reserve_bytes,
        kv_cache_bytes_per_gpu=memory_fit.kv_cache_bytes_per_gpu,
        kv_cache_tokens=memory_fit.kv_cache_tokens,
        max_concurrency=round(memory_fit.max_concurrency, 2),
        longest_model_len=memory_fit.longest_model_len,
    )


def _refusal(
    model: Model, architecture: Architecture, engine: EngineConfig, pool: Pool, memory_fit: MemoryFit
) -> tuple[str, str]:
    """What does not fit, and everything that would."""
    share = pool.share
    budget = share.usable_memory_bytes * engine.gpu_memory_utilization / GIB
    gpus = f"{engine.world_size} × {share.name}"
    held = (
        f"weights{_and_beside(engine)} take {memory_fit.weights_bytes_per_gpu / GIB:.1f} of {budget:.1f} GiB per GPU, "
        f"the cache then holds {memory_fit.kv_cache_tokens} tokens"
    )
    ways = [f"tensorParallel: {size}" for size in _larger_groups(architecture, engine, pool)]
    if architecture.native_quantization == "none" and engine.quantization == "none":
        smaller = replace(engine, quantization="fp8")
        if fit(architecture, smaller, share.usable_memory_bytes, share).fits:
            ways.append("quantization: fp8")
    if engine.kv_cache_dtype == "auto" and pool.gpu.compute_capability >= ADA:
        smaller = replace(engine, kv_cache_dtype="fp8")
        if fit(architecture, smaller, share.usable_memory_bytes, share).fits:
            ways.append("kvCacheDtype: fp8")
    if memory_fit.longest_model_len > 0:
        ways.insert(0, f"maxModelLen: {memory_fit.longest_model_len}")
        what = f"{model.max_model_len} tokens do not fit {gpus}: {held}"
    else:
        what = f"{model.model_id} does not fit {gpus}: {held}"
    ways += _without(architecture, engine, pool)
    ways += [f"gpuSharing: {way} in {pool.path}" for way in larger_shares(pool, architecture, engine)]
    cheapest = _cheapest(architecture, engine)
    instances = f"instances that fit: {', '.join(cheapest)}" if cheapest else "no instance in the table fits it"
    return what, (f"write {' or '.join(ways)}; " if ways else "") + instances


def _without(architecture: Architecture, engine: EngineConfig, pool: Pool) -> Iterator[str]:
    """What to load less of beside the model."""
    asked, share = engine.beside, pool.share

    def fits(less: Beside) -> bool:
        return fit(architecture, replace(engine, beside=less), share.usable_memory_bytes, share).fits

    fewer = next((n for n in range(asked.slots - 1, 0, -1) if fits(replace(asked, slots=n))), None)
    if fewer is not None:
        yield f"extraArgs: [--max-loras={fewer}]"
    if (asked.draft or asked.draft_bytes or asked.heads) and fits(Beside(asked.slots, asked.rank)):
        yield "no draftModel"


def _and_beside(engine: EngineConfig) -> str:
    asked = engine.beside
    adapters = f"{asked.slots} adapter slots of rank {asked.rank}" if asked.slots else ""
    draft = "draftModel" if asked.draft or asked.draft_bytes or asked.heads else ""
    held = [bytes_beside for bytes_beside in (adapters, draft) if bytes_beside]
    return f" with {' and '.join(held)}" if held else ""


def larger_shares(pool: Pool, architecture: Architecture, engine: EngineConfig) -> Iterator[str]:
    """The smallest larger part of the pool's GPU that holds a replica, then the whole GPU if only that does."""
    for text, sharing in larger_than(pool.gpu, pool.sharing):
        share = share_of(pool.gpu, sharing)
        if fit(architecture, engine, share.usable_memory_bytes, share).fits:
            yield text
            return


def _larger_groups(architecture: Architecture, engine: EngineConfig, pool: Pool) -> Iterator[int]:
    if pool.sharing.kind != "none":
        return  # shares cannot be joined
    memory_bytes = pool.gpu.usable_memory_bytes
    for size in sizes_that_start(architecture, engine.exact_version):
        larger = engine.tensor_parallel < size <= pool.gpus_per_node
        if larger and fit(architecture, replace(engine, tensor_parallel=size), memory_bytes, pool.gpu).fits:
            yield size
            return


@lru_cache(maxsize=1024)
def _cheapest(architecture: Architecture, engine: EngineConfig, most: int = 3) -> tuple[str, ...]:
    """For each GPU that holds a replica the cheapest instance type, with its group size and price; cheapest first."""
    cheapest: dict[str, tuple[float, str]] = {}
    sizes = sizes_that_start(architecture, engine.exact_version)
    for candidate in sorted(instance_types().values(), key=lambda each: each.usd_per_hour or 0):
        gpu = candidate.gpu
        if (
            gpu is None
            or gpu.name in cheapest
            or candidate.family not in NVIDIA_AMI_FAMILIES
            or candidate.usd_per_hour is None
        ):
            continue
        if gpu.compute_capability < AMPERE and (engine.dtype == "bfloat16" or engine.kv_cache_dtype == "fp8"):
            continue
        for size in sizes:
            if size > candidate.gpu_count:
                continue
            if fit(architecture, replace(engine, tensor_parallel=size), gpu.usable_memory_bytes, gpu).fits:
                group = f", tensorParallel: {size}" if size > 1 else ""
                cheapest[gpu.name] = (
                    candidate.usd_per_hour,
                    f"{candidate.name} ({gpu.name}{group}, ${candidate.usd_per_hour:g}/h)",
                )
                break
    return tuple(text for _, text in sorted(cheapest.values())[:most])
