"""How many bytes of weights a model has on disk: what is downloaded, kept and read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from planning.architectures.shape import Architecture
from planning.memory.engine import EngineConfig
from planning.memory.weights import checkpoint_bytes
from planning.units import GIB

# For a model that is not in the table: from the size its id names, else from this. Deliberately large, because
# time-outs and disks are sized by it.
UNKNOWN_WEIGHTS_BYTES = 40 * GIB
# Bytes per parameter on disk, with scales and the layers that stay 16 bit (facts of planning.memory.fit, rounded up).
BYTES_PER_PARAMETER = {
    "none": 2.0, "fp8": 1.15, "int8": 1.15, "awq": 0.75, "gptq": 0.75, "mxfp4": 0.65, "bitsandbytes": 0.75
}  # fmt: skip


@dataclass(frozen=True)
class ModelSize:
    """Bytes of weights on disk; `known`: from the table, not from the id."""

    on_disk_bytes: int
    known: bool


def parameters_named(model_id: str) -> float | None:
    """`Qwen2.5-7B-Instruct` -> 7e9, `Mixtral-8x7B` -> 56e9; None when the id names no size."""
    match = re.search(r"(?<![A-Za-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bBmM])(?![A-Za-z0-9])", model_id)
    if match is None:
        return None
    return int(match[1] or 1) * float(match[2]) * (1e9 if match[3] in "bB" else 1e6)


def model_size(model_id: str, architecture: Architecture | None, stored: str) -> ModelSize:
    """Bytes of the weight files: from the table where it knows the model, else from the size the id names."""
    if architecture is not None:
        # The lengths and limits of a run do not change what is on disk.
        return ModelSize(checkpoint_bytes(architecture, EngineConfig(max_model_len=1, quantization=stored)), known=True)
    parameters = parameters_named(model_id)
    if parameters is None:
        return ModelSize(UNKNOWN_WEIGHTS_BYTES, known=False)
    return ModelSize(round(parameters * BYTES_PER_PARAMETER.get(stored, 2.0)), known=False)
