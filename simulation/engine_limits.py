"""The engine of one replica in whole numbers: picoseconds, blocks, tokens."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from planning.architectures.shape import Architecture
from planning.memory.engine import EngineConfig, with_defaults
from planning.memory.fit import fit
from planning.nodes.instances import Gpu
from planning.throughput.roofline import FRONTEND_SECONDS, StepCosts, Traffic, most_concurrent, step_costs

PICOSECONDS = 10**12
BLOCK = 16


@dataclass(frozen=True)
class EngineModel:
    """What one replica can hold and how long its steps take.

    `costs` in seconds; `linear_ps[n]`: host and matrix work of a step with n tokens, in picoseconds.
    `admits_whole_prompts`: a prompt starts when all of it fits the cache, not only its first chunk.
    """

    costs: StepCosts
    kv_blocks: int
    max_num_seqs: int
    max_num_batched_tokens: int
    max_model_len: int
    frontend_seconds: float = FRONTEND_SECONDS
    admits_whole_prompts: bool = True

    @property
    def linear_ps(self) -> NDArray[np.int64]:
        """Host and matrix work by number of tokens in the step."""
        tokens = np.arange(self.max_num_batched_tokens + 1)
        return np.array([_ps(self.costs.padded_seconds(int(n))) for n in tokens], dtype=np.int64)

    @property
    def limits(self) -> NDArray[np.int64]:
        """In the order of the kernel's columns: blocks, sequences, tokens, ps per sequence, cached token and pair.

        The last: 1 where prompts are admitted whole.
        """
        return np.array(
            [
                self.kv_blocks,
                self.max_num_seqs,
                self.max_num_batched_tokens,
                _ps(self.costs.sequence_seconds),
                _ps(self.costs.cached_token_seconds),
                _ps(self.costs.attention_pair_seconds),
                int(self.admits_whole_prompts),
            ],
            dtype=np.int64,
        )

    def most_concurrent(self, traffic: Traffic) -> float:
        """Requests of these lengths that run at once."""
        return most_concurrent(self.kv_blocks * BLOCK, self.max_num_seqs, traffic)


def engine_model(model: Architecture, engine: EngineConfig, gpu: Gpu, typical_tokens: int = 2048) -> EngineModel:
    """The engine of a model on GPUs of that kind; raises ValueError where it does not fit."""
    memory_fit = fit(model, engine, gpu.usable_memory_bytes, gpu)
    if not memory_fit.fits:
        raise ValueError(f"{model.model_id} does not fit {gpu.name}: {'; '.join(memory_fit.reasons)}")
    filled = with_defaults(engine, gpu.usable_memory_bytes, gpu)
    seqs = filled.max_num_seqs or 256
    return EngineModel(
        costs=step_costs(model, engine, gpu, typical_tokens),
        kv_blocks=max(ceil(engine.max_model_len / BLOCK), memory_fit.kv_cache_tokens // BLOCK),
        max_num_seqs=seqs,
        max_num_batched_tokens=max(filled.max_num_batched_tokens or 2048, seqs),
        max_model_len=engine.max_model_len,
        admits_whole_prompts=engine.admits_whole_prompts,
    )


def _ps(seconds: float) -> int:
    return round(seconds * PICOSECONDS)
