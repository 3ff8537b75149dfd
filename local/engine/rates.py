"""How fast a simulated engine is: a roofline from the planner's GPU figures. Estimates; nothing was measured here.

A step of continuous batching takes max(compute, memory) + overhead: compute = tokens of the step / prefill rate,
memory = (weights + KV of the running sequences) / bandwidth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from planning.model import GpuSharingPlan
from planning.nodes import instances
from planning.nodes.instances import Gpu
from planning.nodes.sharing import mig_profiles, share_of

AS_OF = "2026-11-21"

DEFAULT_GPU = "l4"

BANDWIDTH_EFFICIENCY = 0.8  # of the data sheet; aiconfigurator's empirical factor for L4
COMPUTE_EFFICIENCY = 0.45  # model FLOPS utilization of prefill, common for 8B models; an estimate
STEP_OVERHEAD_SECONDS = 0.0015  # scheduler, sampling, detokenizing; an estimate
ACTIVATION_BYTES = 1 << 30  # activations, graphs and CUDA context beside weights; an estimate
# bytes per weight by the beginning of a quantization method's name; group scales included for 4 bits
BYTES_PER_WEIGHT: Mapping[str, float] = {
    "fp8": 1.0, "int8": 1.0, "mxfp8": 1.0, "awq": 0.56, "auto_awq": 0.56, "gptq": 0.56, "auto_gptq": 0.56,
    "mxfp4": 0.53, "gpt_oss_mxfp4": 0.53, "nvfp4": 0.56, "modelopt_fp4": 0.56, "bitsandbytes": 0.56,
}  # fmt: skip


@dataclass(frozen=True)
class ModelShape:
    """Size of a model, bytes and tokens of a whole replica.

    The last three are the planner's, for the GPU and arguments asked for; None: the model is not in its catalogue and
    the size a guess from the name, so nothing may be refused because of it.
    """

    parameters: float
    kv_bytes_per_token: float
    max_model_len: int
    active_parameters: float | None = None
    weights_bytes: float | None = None
    kv_cache_tokens: int | None = None
    longest_model_len: int | None = None

    @property
    def active(self) -> float:
        """Parameters that one token passes: fewer than all in a mixture of experts."""
        return self.active_parameters or self.parameters


@dataclass(frozen=True)
class EngineRates:
    """Speed and KV room of one simulated engine (all GPUs of a replica together)."""

    prefill_tokens_per_second: float
    weights_read_seconds: float
    kv_read_seconds_per_token: float
    kv_cache_tokens: int
    step_overhead_seconds: float = STEP_OVERHEAD_SECONDS

    def step_seconds(self, new_tokens: int, context_tokens: int) -> float:
        """Duration of a step that computes `new_tokens` and reads the KV of `context_tokens`, seconds."""
        compute = new_tokens / self.prefill_tokens_per_second
        memory = self.weights_read_seconds + context_tokens * self.kv_read_seconds_per_token
        return max(compute, memory) + self.step_overhead_seconds

    def scaled(self, speed: float) -> EngineRates:
        """The same engine, `speed` times as fast (for tests of the platform that should not wait)."""
        return replace(
            self,
            prefill_tokens_per_second=self.prefill_tokens_per_second * speed,
            weights_read_seconds=self.weights_read_seconds / speed,
            kv_read_seconds_per_token=self.kv_read_seconds_per_token / speed,
            step_overhead_seconds=self.step_overhead_seconds / speed,
        )


def shape_from_name(model: str) -> ModelShape:
    """A guess from "...-8B-...", "...-0.6b", "...-500M"; 8B where the name says nothing."""
    match = re.search(r"(?<![\d.])(\d+(?:\.\d+)?)([bBmM])(?![a-zA-Z])", model)
    parameters = float(match[1]) * (1e9 if match[2] in "bB" else 1e6) if match else 8e9
    # grouped-query models lie near 128 KiB per token at 8B and grow with the root of their size
    kv_bytes = int(131072 * max(0.1, (parameters / 8e9) ** 0.5))
    return ModelShape(parameters, kv_bytes, 32768)


def gpu_of(labels: Mapping[str, str]) -> Gpu:
    """The GPU of a node: its instance type's, else our label `gpu-type`, else GPU feature discovery's product.

    Where it is shared, the part that a pod gets: a MIG instance; under MPS and time slicing the speed of its part,
    but all the memory, of which vLLM's own flag takes the pod's.
    """
    gpu = _whole_gpu_of(labels)
    profile = mig_profiles(gpu.name).get(labels.get("nvidia.com/mig.config", "").removeprefix("all-"))
    if profile is not None:
        return share_of(gpu, GpuSharingPlan("mig", profile.instances, profile.name))
    parts = labels.get("nvidia.com/gpu.replicas", "1")
    if parts.isdigit() and int(parts) > 1:
        return share_of(gpu, GpuSharingPlan("timeSlicing", int(parts)))
    return gpu


def _whole_gpu_of(labels: Mapping[str, str]) -> Gpu:
    kind = instances.instance_types().get(labels.get("node.kubernetes.io/instance-type", ""))
    if kind is not None and kind.gpu is not None:
        return kind.gpu
    for label in ("gpu-type", "nvidia.com/gpu.product"):
        with suppress(instances.UnknownGpu):
            return instances.gpu(labels.get(label, ""))
    return instances.gpu(DEFAULT_GPU)


def weight_bytes(dtype: str, quantization: str | None) -> float:
    """Bytes per parameter."""
    for beginning in sorted(BYTES_PER_WEIGHT, key=len, reverse=True):
        if quantization and quantization.startswith(beginning):
            return BYTES_PER_WEIGHT[beginning]
    return 4.0 if dtype in ("float", "float32") else 2.0


def roofline(
    gpu: Gpu,
    shape: ModelShape,
    *,
    gpus: int = 1,
    dtype: str = "auto",
    quantization: str | None = None,
    kv_cache_dtype: str = "auto",
    gpu_memory_utilization: float = 0.92,
) -> EngineRates:
    """Rates of one replica on `gpus` GPUs.

    `kv_cache_tokens` can be negative: the weights do not fit; the caller decides what that means.
    """
    weights = shape.weights_bytes or shape.parameters * weight_bytes(dtype, quantization)
    narrow = shape.weights_bytes is None and kv_cache_dtype not in ("auto", "bfloat16", "float16")
    kv_bytes = shape.kv_bytes_per_token * (0.5 if narrow else 1.0)
    bandwidth = gpu.memory_bandwidth_bytes_per_second * BANDWIDTH_EFFICIENCY * gpus
    flops = gpu.dense_flops_bf16 * COMPUTE_EFFICIENCY * gpus
    room = (gpu.usable_memory_bytes * gpu_memory_utilization - ACTIVATION_BYTES) * gpus - weights
    return EngineRates(
        prefill_tokens_per_second=flops / (2 * shape.active),
        weights_read_seconds=weights / bandwidth,
        kv_read_seconds_per_token=kv_bytes / bandwidth,
        kv_cache_tokens=int(room / kv_bytes) if shape.kv_cache_tokens is None else shape.kv_cache_tokens,
    )


def default_batch(gpu: Gpu) -> tuple[int, int]:
    """--max-num-seqs and --max-num-batched-tokens that `vllm serve` 0.33 takes on this GPU (engine/arg_utils.py)."""
    if gpu.usable_memory_bytes >= 160 * 2**30:
        return 1024, 16384
    if gpu.usable_memory_bytes >= 70 * 2**30 and "a100" not in gpu.name:
        return 1024, 8192
    return 256, 2048
