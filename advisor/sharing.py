"""`--gpu-sharing` of the commands: what `nodePools[].gpuSharing` of a stack file says, as options.

Nothing of the stack file's modules is imported before a share is asked for: `fit` starts fast.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from math import floor
from typing import Any

from advisor import option_types
from planning.memory.engine import EngineConfig, with_defaults
from planning.model import GpuSharingPlan
from planning.nodes.instances import Gpu
from settings.spelling import did_you_mean

KINDS = ("none", "mig", "mps", "timeSlicing")
_NEEDED = {"mig": "profile", "mps": "replicas", "timeSlicing": "replicas"}
_OPTION = "--gpu-sharing"


@dataclass(frozen=True)
class WantedShare:
    """How GPUs are to be divided, whichever they are; `setting` as the stack file writes it."""

    setting: dict[str, Any]

    @property
    def is_whole(self) -> bool:
        """Nothing is divided."""
        return bool(self.setting["kind"] == "none")

    def on(self, gpu: Gpu) -> tuple[GpuSharingPlan, Gpu]:
        """The division of that GPU, and one share of it; raises NoSuchShare."""
        if self.is_whole:
            return GpuSharingPlan(), gpu
        from planning.nodes.sharing import mig_profiles, share_of

        plan = GpuSharingPlan(self.setting["kind"], self.setting.get("replicas", 1))
        if plan.kind == "mig":
            known, profile = mig_profiles(gpu.name), self.setting["profile"]
            if profile not in known:
                raise NoSuchShare(gpu.name, profile, tuple(known))
            plan = GpuSharingPlan("mig", known[profile].instances, profile)
        return plan, share_of(gpu, plan)


WHOLE = WantedShare({"kind": "none"})


class NoSuchShare(ValueError):
    """The GPU cannot be cut like that. `reason`: in a few words."""

    def __init__(self, gpu: str, profile: str, known: tuple[str, ...]) -> None:
        self.reason = f"{gpu} has no MIG profile {profile!r}" if known else f"{gpu} has no MIG"
        near = did_you_mean(profile, known)
        hint = f"{near and f'; {near}'}; it has {', '.join(known)}" if known else "; write mps or timeSlicing"
        super().__init__(f"{_OPTION}: {self.reason}{hint}")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Registers the options."""
    group = parser.add_argument_group(
        "one GPU for several replicas, as gpuSharing of a node pool (docs/gpu-sharing.md)"
    )
    group.add_argument(_OPTION, default="none", choices=KINDS, help="kind; default: none, a replica has whole GPUs")
    group.add_argument(
        f"{_OPTION}-replicas",
        type=option_types.whole(1, 10_000),
        metavar="N",
        help="of mps and timeSlicing: parts of each GPU",
    )
    group.add_argument(f"{_OPTION}-profile", metavar="NAME", help="of mig: for example 1g.10gb")


def wanted(arguments: argparse.Namespace) -> WantedShare:
    """What was asked for; raises ValueError in the words of the command line."""
    kind = arguments.gpu_sharing
    options = {"replicas": arguments.gpu_sharing_replicas, "profile": arguments.gpu_sharing_profile}
    needed = _NEEDED.get(kind)
    if needed is not None and options[needed] is None:
        raise ValueError(f"{_OPTION} {kind} needs {_OPTION}-{needed}")
    for name, value in options.items():
        if value is not None and name != needed:
            of = " and ".join(needed for needed, word in _NEEDED.items() if word == name)
            raise ValueError(f"{_OPTION}-{name} is for {of}, not for {kind}")
    setting = {"kind": kind, **({needed: options[needed]} if needed else {})}
    if needed is not None:
        _check(setting)
    return WantedShare(setting)


def _check(setting: dict[str, Any]) -> None:
    """The stack file's own limits."""
    from pydantic import TypeAdapter, ValidationError

    from settings.problems import SchemaWalker, problems_from
    from settings.sharing import GpuSharing

    adapter: TypeAdapter[Any] = TypeAdapter(GpuSharing)
    try:
        adapter.validate_python(setting)
    except ValidationError as failure:
        walker = SchemaWalker(adapter.json_schema())
        problems, _ = problems_from(failure.errors(include_url=False), setting, walker)
        raise ValueError("; ".join(f"{_OPTION}-{problem}" for problem in problems)) from None


def utilization_together(plan: GpuSharingPlan, utilization: float) -> float:
    """What each replica may take of its share when its neighbours take as much: less only where nothing isolates."""
    if plan.kind != "timeSlicing":
        return utilization
    from planning.nodes.sharing import TOGETHER

    return min(utilization, floor(TOGETHER / plan.pods_per_gpu * 100) / 100)


def as_started(plan: GpuSharingPlan, engine: EngineConfig, whole_gpu: Gpu | None) -> EngineConfig:
    """vLLM chooses its batch by the whole GPU, which is what CUDA's properties show under MPS."""
    if plan.kind != "mps" or whole_gpu is None:
        return engine
    return with_defaults(engine, whole_gpu.usable_memory_bytes, whole_gpu)


def trouble(plan: GpuSharingPlan, engine: EngineConfig) -> str | None:
    """Why replicas started like this cannot share a GPU full of their like; None where they can."""
    if plan.kind == "none":
        return None
    if engine.world_size > 1:
        return f"a replica of {engine.world_size} shares cannot be: write --tensor-parallel 1, or {_OPTION} none"
    utilization = engine.gpu_memory_utilization
    together = utilization * plan.pods_per_gpu
    if plan.kind == "timeSlicing" and together > 1 + 1e-9:
        return (
            f"{plan.pods_per_gpu} replicas on one GPU would take {together:.2f} of its memory, and time slicing "
            f"keeps none of them apart: write --gpu-memory-utilization {utilization_together(plan, utilization):g} or "
            f"less, or {_OPTION} mps"
        )
    return None
