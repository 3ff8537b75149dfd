"""What vLLM's kernels and its host reach of a data sheet's figures: the constants of the throughput model.

Fitted on the fit part of public measurements and scored on the other (`python -m bench.foresight throughput`);
docs/throughput-model.md says from what and how well. No constant belongs to one model or one GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# Compute capability from which a format is multiplied in its own units; elsewhere weights are widened to 16 bit.
_FP8_SINCE = (8, 9)
_INT8_SINCE = (7, 5)
# Where 4-bit weights have a kernel of the GPU's own, which hides the unpacking (model_executor/kernels/linear: Machete
# stands before Marlin and takes compute capability 9.0 alone; AWQ's own loader asks for Marlin).
_MACHETE = (9, 0)
_MACHETE_FORMATS = ("gptq",)
# Marlin multiplies with mma.sync, which reaches so much of what Hopper's own wgmma does (Luo et al., "Benchmarking and
# Dissecting the Nvidia Hopper GPU Architecture", 2024: 62.9 % on average).
_MMA_SHARE = 0.63

# Unpacked by the units that multiply: near the ridge of the roofline neither the bandwidth nor the FLOPs are reached.
WEIGHT_ONLY = frozenset({"awq", "gptq", "bitsandbytes"})


def _by_format() -> Mapping[str, float]:
    return MappingProxyType({"none": 0.58, "fp8": 0.7, "int8": 0.35})


@dataclass(frozen=True)
class Efficiency:
    """Shares of the data sheet's peak (0 to 1), and seconds of host work.

    `bandwidth`: reading weights. `cache_bandwidth`: reading keys and values, by engine: V0 had its own paged kernel,
    V1 runs FlashAttention. `flops`: of matrix kernels, by format where the GPU multiplies it. `weight_only`: 4-bit
    weights that are unpacked to 16 bit beside the multiplication; `machete` where that is hidden (Hopper);
    `activation_order` where GPTQ sorted the columns by activation, so that the inputs are permuted too.
    `widened_8_bit`: 8-bit weights on GPUs without 8-bit units of that kind, as a share of the 16-bit peak.
    `ridge`: how sharply WEIGHT_ONLY formats turn from reading to multiplying: the exponent of a smooth maximum.
    `cache_fill`: of the KV cache, what holds running requests when there are always more.
    """

    bandwidth: float = 0.81
    cache_bandwidth: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"v1": 0.33, "v0": 0.27}))
    attention: float = 0.8
    flops: Mapping[str, float] = field(default_factory=_by_format)
    weight_only: float = 0.36
    activation_order: float = 0.2
    machete: float = 0.6
    widened_8_bit: float = 0.54
    cache_fill: float = 0.67
    ridge: float = 2.2
    host_seconds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"v1": 1.0e-3, "v0": 0.5e-3}))
    sequence_seconds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"v1": 30e-6, "v0": 85e-6}))
    layer_seconds: float = 7e-6
    eager_layer_seconds: float = 250e-6

    def matrix_share(
        self, name: str, capability: tuple[int, int], *, has_fp8: bool, activation_order: bool = False
    ) -> tuple[float, float]:
        """Share of the peak, and the peak as a multiple of the 16-bit one (2 with 8-bit units of that kind)."""
        if name == "none":
            return self.flops["none"], 1
        if name == "fp8":
            units = has_fp8 and capability >= _FP8_SINCE
            return (self.flops["fp8"], 2) if units else (self.widened_8_bit, 1)
        if name == "int8":
            return (self.flops["int8"], 2) if capability >= _INT8_SINCE else (self.widened_8_bit, 1)
        if activation_order:
            return self.activation_order, 1
        if name in _MACHETE_FORMATS and capability == _MACHETE:
            return self.machete, 1
        return self.weight_only * (_MMA_SHARE if capability >= _MACHETE else 1), 1


EFFICIENCY = Efficiency()
