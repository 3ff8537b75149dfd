"""Oracles found once: searching one takes seconds to minutes, and no policy changes it.

Each is kept in a file whose name is the hash of what it follows from: the workload's row, the engine, the supply, the
SLO, and the source of what searches and runs it. A broken-off run goes on where it was.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path

from simulation.compare import Oracle
from simulation.outcome import Outcome
from simulation.scalers import Scheduled
from simulation.world import Setting

_SIMULATION = Path(__file__).parents[2] / "simulation"
_SOURCES = (
    "best_plan.py",
    "compare.py",
    "engine_limits.py",
    "fleet.py",
    "kernel.py",
    "kernel_state.py",
    "lifelike.py",
    "oracle.py",
    "supply.py",
    "world.py",
)


def folder() -> Path:
    """Where they are kept; made if need be."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(cache).expanduser() / "vllm-on-eks" / "foresight"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def path_of(setting: Setting, described: str) -> Path:
    """Its file; `described` says all of the trace."""
    sources = b"".join((_SIMULATION / name).read_bytes() for name in _SOURCES)
    content = f"{described} {setting!r}".encode() + sources
    return folder() / f"{sha256(content).hexdigest()[:20]}.json"


def kept(path: Path) -> Oracle | None:
    """The oracle of that file; None where it was not searched yet."""
    if not path.exists():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    outcome = {field.name: document["outcome"][field.name] for field in fields(Outcome)}
    curve = tuple((at, count) for at, count in outcome.pop("replica_curve"))
    return Oracle(Scheduled(**document["scaler"]), Outcome(**outcome, replica_curve=curve), document["bound_gpu_hours"])


def keep(path: Path, oracle: Oracle) -> None:
    """Written whole or not at all."""
    plan = {
        "name": oracle.scaler.name,
        "from_seconds": [*oracle.scaler.from_seconds],
        "replicas": [*oracle.scaler.replicas],
    }
    document = {"scaler": plan, "outcome": asdict(oracle.outcome), "bound_gpu_hours": oracle.bound_gpu_hours}
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(document), encoding="utf-8")
    part.replace(path)
