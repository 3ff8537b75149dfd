"""How vLLM is started, as far as memory is concerned, and what it takes for what is left open.

Defaults by version were read in vLLM's engine/arg_utils.py (`get_batch_defaults`) and config/scheduler.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from planning.architectures.shape import Architecture
from planning.memory.picture_limits import ALL_PICTURES, Pictures
from planning.nodes.instances import Gpu
from planning.units import GIB

_COUNTS = (
    *("max_model_len", "tensor_parallel", "pipeline_parallel", "block_size"),
    *("max_num_seqs", "max_num_batched_tokens"),
)
# GPU memory from which vLLM's default batch is larger (`get_batch_defaults`).
BATCH_CLASS_BYTES = (70 * GIB, 160 * GIB)

# From here top-k and top-p run in Triton instead of sorting all logits (v1/sample/ops/topk_topp_sampler.py).
_TRITON_SAMPLER = (0, 17)
# From here memory profiling measures CUDA graphs and takes them from the KV cache (envs.py,
# VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS: False in 0.19.0, True in 0.20.0; its message says v0.21.0).
_GRAPHS_RESERVED = (0, 20)
# From here all that is gone from the GPU counts, allocator leftovers too (utils/mem_utils.py, total_consumed).
_ALL_CONSUMED = (0, 27)
# From here graphs up to 1,024 sequences are captured on compute capability 10 (config/vllm.py, _set_cudagraph_sizes).
_LARGE_GRAPHS = (0, 28)
# From here a prompt is admitted when all of it fits the KV cache (config/scheduler.py, scheduler_reserve_full_isl).
_WHOLE_PROMPTS = (0, 19)
# From here the default batch is 1,024 sequences on large GPUs (arg_utils.py of 0.9; a public run of 0.9.2 on an H100
# held 800 at once).
_LARGE_BATCHES = (0, 9)
# From here V1 is the engine: chunked prefill always, prefix caching, sampler profiled with max_num_seqs requests.
_ENGINE_V1 = (0, 8, 3)
# Engine V0 profiled prompts up to this length in one piece, longer ones in chunks.
V0_UNCHUNKED_TOKENS = 32768


# A vLLM of unknown version: taken for the generation whose memory lies between the others'.
UNKNOWN_VERSION = "unknown"
_TYPICAL = (0, 21)


@dataclass(frozen=True)
class Beside:
    """What is loaded beside the model (planning/memory/beside.py).

    `slots` for LoRA adapters of that `rank`. `draft`: a draft model of known shape, else `draft_bytes` of one
    without a description. `heads`: drafting heads, each as large as a layer of the model.
    """

    slots: int = 0
    rank: int = 0
    draft: Architecture | None = None
    draft_bytes: int = 0
    heads: int = 0


@dataclass(frozen=True)
class EngineConfig:
    """vLLM's arguments; None: vLLM's own default for that version and GPU.

    `quantization` none: as the checkpoint stores its weights. `max_model_len` in tokens. `engine` "v0" names the
    old engine where a version that could run both did so. `vllm_version` may be UNKNOWN_VERSION. `stage_gbps`: of the
    network between the nodes that its stages are on; None: they are on one.
    """

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
    block_size: int = 16
    engine: str = "auto"
    beside: Beside = Beside()
    pictures: Pictures = ALL_PICTURES
    stage_gbps: float | None = None

    def __post_init__(self) -> None:
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, not {value}")
        if not 0 < self.gpu_memory_utilization <= 1:
            raise ValueError(f"gpu_memory_utilization must be in (0, 1], not {self.gpu_memory_utilization}")

    @property
    def cannot_start(self) -> str | None:
        """Why vLLM refuses these batch limits, None where it starts (V1's SchedulerConfig.verify_max_model_len).

        `max_num_seqs` or more is what to write instead.
        """
        tokens, seqs = self.max_num_batched_tokens, self.max_num_seqs
        if tokens is None or seqs is None or tokens >= seqs:
            return None
        return f"{tokens} batched tokens are fewer than {seqs} sequences, so vLLM does not start"

    @property
    def version(self) -> tuple[int, ...]:
        """The version as numbers, `0.10.1.1` as (0, 10, 1, 1)."""
        if self.vllm_version == UNKNOWN_VERSION:
            return _TYPICAL
        numbers = re.match(r"v?(\d+(?:\.\d+)*)", self.vllm_version)
        return tuple(int(n) for n in numbers[1].split(".")) if numbers else (0, 33, 0)

    @property
    def exact_version(self) -> tuple[int, int, int]:
        """Major, minor and patch, as planning/versions has them."""
        major, minor, patch = (*self.version, 0, 0)[:3]
        return major, minor, patch

    @property
    def is_v1(self) -> bool:
        """Whether the V1 engine runs."""
        return self.engine == "v1" or (self.engine != "v0" and self.version >= _ENGINE_V1)

    @property
    def profiles_sampler(self) -> bool:
        """Whether the profiling pass samples: V0 did not where it cut prompts into chunks, above 32k tokens."""
        return self.is_v1 or self.max_model_len <= V0_UNCHUNKED_TOKENS

    @property
    def counts_all_consumed(self) -> bool:
        """Whether everything that is gone from the GPU counts, not only what torch does not own."""
        return self.version >= _ALL_CONSUMED and self.is_v1

    @property
    def captures_large_graphs(self) -> bool:
        """Whether graphs of up to 1,024 sequences are captured where the GPU is of compute capability 10."""
        return self.version >= _LARGE_GRAPHS

    @property
    def has_triton_sampler(self) -> bool:
        """Whether top-k and top-p need no sorted copy of the logits."""
        return self.version >= _TRITON_SAMPLER and self.is_v1

    @property
    def profiles_graphs(self) -> bool:
        """Whether CUDA graphs are meant to be taken from the memory the KV cache would get; the runner must measure."""
        return self.version >= _GRAPHS_RESERVED and self.is_v1 and not self.enforce_eager

    @property
    def admits_whole_prompts(self) -> bool:
        """Whether a prompt waits until all of it fits the KV cache, or only its first chunk."""
        return self.version >= _WHOLE_PROMPTS and self.is_v1

    @property
    def kv_cache_element_bytes(self) -> int:
        """Bytes of one KV-cache element."""
        return 1 if self.kv_cache_dtype.startswith("fp8") else 2

    @property
    def world_size(self) -> int:
        """GPUs of one replica."""
        return self.tensor_parallel * self.pipeline_parallel


def with_defaults(engine: EngineConfig, gpu_memory_bytes: int, gpu: Gpu | None) -> EngineConfig:
    """The same engine with batch limits filled in, as the OpenAI API server would."""
    large = gpu_memory_bytes >= BATCH_CLASS_BYTES[0] and not (gpu is not None and gpu.name.startswith("a100"))
    if not engine.is_v1:
        return _with_v0_defaults(engine)
    seqs = engine.max_num_seqs or (1024 if large and engine.version >= _LARGE_BATCHES else 256)
    tokens = engine.max_num_batched_tokens
    if tokens is None:
        largest = gpu_memory_bytes >= BATCH_CLASS_BYTES[1] and engine.version >= (0, 30)
        tokens = 16384 if largest else 8192 if large else 2048
        tokens = max(min(tokens, seqs * engine.max_model_len), 1)
    if engine.max_num_seqs is None:
        seqs = min(seqs, tokens)
    return replace(engine, max_num_seqs=seqs, max_num_batched_tokens=tokens)


def _with_v0_defaults(engine: EngineConfig) -> EngineConfig:
    tokens = engine.max_num_batched_tokens
    if tokens is None:
        unchunked = engine.max_model_len <= V0_UNCHUNKED_TOKENS
        tokens = max(engine.max_model_len, 2048) if unchunked else 2048
    return replace(engine, max_num_seqs=engine.max_num_seqs or 256, max_num_batched_tokens=tokens)
