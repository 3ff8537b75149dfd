"""SKELETON being filled: GPU memory of one vLLM replica."""

from __future__ import annotations

from dataclasses import dataclass

from planning.architectures import Architecture
from planning.instances import Gpu


@dataclass(frozen=True)
class EngineConfig:
    """How vLLM is started, as far as memory is concerned."""

    max_model_len: int
    max_num_seqs: int | None = None
    dtype: str = "auto"
    quantization: str = "none"
    kv_cache_dtype: str = "auto"
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    gpu_memory_utilization: float = 0.9
    max_num_batched_tokens: int | None = None
    enforce_eager: bool = False
    vllm_version: str = "0.33.0"


@dataclass(frozen=True)
class MemoryFit:
    """Whether a replica fits, and where each GPU's memory goes."""

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


def fit(architecture: Architecture, engine: EngineConfig, gpu_memory_bytes: int, gpu: Gpu | None) -> MemoryFit:
    """Memory of one replica on GPUs of that size."""
    raise NotImplementedError
