"""Engines and settings for tests of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import gpu
from simulation.engine_limits import PICOSECONDS, EngineModel, engine_model
from simulation.profiles import Lengths, generate, profile
from simulation.supply import Supply, fixed_cold_start
from simulation.traces import Requests
from simulation.world import Setting

MODEL = "meta-llama/Llama-3.1-8B-Instruct"


def engine(card: str = "l40s", **changes: int) -> EngineModel:
    """Llama 3.1 8B on one GPU."""
    return replace(engine_model(architecture(MODEL), EngineConfig(8192), gpu(card)), **changes)  # type: ignore[arg-type]


def setting(**changes: object) -> Setting:
    """An L40S per replica, 240 s cold start."""
    supply = Supply(fixed_cold_start(240, 30), usd_per_node_hour=1.86, idle_node_seconds=0)
    return replace(Setting(engine(), supply), **changes)  # type: ignore[arg-type]


def requests(count: int, rate: float, seed: int, mean_in: float, mean_out: float, most: int = 4000) -> Requests:
    """Poisson arrivals with geometric lengths."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(1 / rate, count) * PICOSECONDS).astype(np.int64)
    inputs = np.minimum(rng.geometric(1 / mean_in, count), most).astype(np.int64)
    outputs = np.minimum(rng.geometric(1 / mean_out, count), most).astype(np.int64)
    return Requests(times, inputs, outputs)


def generated(text: str, seed: int = 0, seconds: float | None = None) -> Callable[[], Iterator[Requests]]:
    """A profile that can be started again."""
    return lambda: generate(profile(text, seconds), Lengths(), seed)
