"""What a decision about a live object says, and what it may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Json = Mapping[str, Any]
Line = tuple[Literal["info", "warning"], str]


@dataclass(frozen=True)
class Surroundings:
    """What a decision may look at besides the object itself; lists stay empty where a kind does not need them."""

    seconds: float = 0.0  # since the wait began
    is_update: bool = False
    pods: tuple[Json, ...] = ()
    services: tuple[Json, ...] = ()
    endpoints: tuple[Json, ...] = ()
    storage_class: Json | None = None


@dataclass(frozen=True)
class Verdict:
    """`failure` ends the wait at once; `problems` become errors when time runs out; `lines` are shown meanwhile."""

    is_done: bool = False
    lines: tuple[Line, ...] = ()
    failure: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


Decision = Callable[[Json, Surroundings], Verdict]
Need = Literal["pods", "services", "endpoints", "storage_class"]


@dataclass(frozen=True)
class Awaiter:
    """How one kind is waited for. `limit_seconds` None = no limit; a fixed limit ignores the user's."""

    decide: Decision
    limit_seconds: float | None
    needs: tuple[Need, ...] = ()
    is_limit_fixed: bool = False
    timeout_text: str = "'{name}' timed out waiting to be Ready"
    polls_seconds: tuple[float, ...] = field(default=(0.25, 0.25, 0.5, 0.5, 1.0))


POD_ERRORS_AFTER_SECONDS: Final = 10.0  # pods that fail at first often come right within this time


def condition(live: Json, kind: str) -> Json:
    """The status condition of a type; an empty map when it is not there."""
    for entry in (live.get("status") or {}).get("conditions") or []:
        if entry.get("type") == kind:
            return dict(entry)
    return {}


def is_observed(live: Json) -> bool:
    """Whether the kind's controller has seen the newest spec."""
    generation = (live.get("metadata") or {}).get("generation", 0)
    return int((live.get("status") or {}).get("observedGeneration", 0)) >= int(generation)


def name_of(live: Json) -> str:
    """metadata.name"""
    return str(live["metadata"]["name"])


def full_name(live: Json) -> str:
    """namespace/name"""
    return f"{live['metadata'].get('namespace', 'default')}/{name_of(live)}"


def pod_problems(pods: tuple[Json, ...]) -> tuple[str, ...]:
    """One line per pod whose containers cannot start, such as an image that cannot be pulled."""
    problems = []
    for pod in pods:
        statuses = (pod.get("status") or {}).get("containerStatuses") or []
        failing = [one for one in statuses if not one.get("ready") and _failure(one)]
        if failing:
            names = " ".join(one["name"] for one in failing)
            texts = "".join(_failure(one) for one in failing)
            problems.append(f"[Pod {full_name(pod)}]: containers with unready status: [{names}]{texts}")
    return tuple(problems)


def _failure(container: Json) -> str:
    state = container.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    if waiting.get("reason") and waiting["reason"] not in ("ContainerCreating", "PodInitializing"):
        return f"[{waiting['reason']}] {waiting.get('message', '')}".rstrip()
    if ended and ended.get("exitCode"):
        text = ended.get("message") or f"Container {container['name']!r} completed with exit code {ended['exitCode']}"
        return f"[{ended.get('reason', 'Error')}] {text}"
    return ""
