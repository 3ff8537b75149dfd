"""The HPA model answers as Kubernetes' own controller did, step by step.

The vectors are made by `tools/hpa-vectors`: the real controller of the version named in their first line, on a clock of
its own, with numbers through prometheus-adapter's conversion.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulation.hpa import (
    DEFAULT_DOWN,
    DEFAULT_UP,
    SYNC_SECONDS,
    Hpa,
    HpaMetric,
    HpaSpec,
    Phase,
    PodState,
    Policy,
    Reading,
    Rules,
)
from simulation.scalers import milli

FILE = Path(__file__).parent / "data" / "hpa_vectors.jsonl"
LINES = FILE.read_text(encoding="utf-8").splitlines()
VECTORS = [json.loads(line) for line in LINES[1:]]
LONG_AGO = -3600.0
CPU_REQUEST_MILLI = 2000
LETTERS = {
    "R": (Phase.RUNNING, True),
    "U": (Phase.RUNNING, False),
    "P": (Phase.PENDING, False),
    "T": (Phase.TERMINATING, True),
    "t": (Phase.TERMINATING, False),
    "F": (Phase.FAILED, False),
}
KINDS = {"object": "external", "object-value": "external-value"}


def rules(given: dict[str, Any] | None, usual: Rules) -> Rules | None:
    if given is None:
        return None
    policies = tuple(Policy(*policy) for policy in given.get("policies", ())) or usual.policies
    return Rules(given.get("window", usual.window_seconds), policies, given.get("select", "Max"))


def spec(vector: dict[str, Any]) -> HpaSpec:
    up, down = vector.get("up"), vector.get("down")
    return HpaSpec(
        vector["min"],
        vector["max"],
        tuple(HpaMetric(f"metric-{place}", KINDS.get(kind, kind), target) for place, (kind, target) in metrics(vector)),
        rules(up, DEFAULT_UP),
        rules(down, DEFAULT_DOWN),
        float((up or {}).get("tolerance", 0.1)),
        float((down or {}).get("tolerance", 0.1)),
    )


def metrics(vector: dict[str, Any]) -> Iterator[tuple[int, list[Any]]]:
    yield from enumerate(vector["metrics"])


def pods(letters: str, ages: list[list[int]]) -> list[PodState]:
    pods = []
    for place, letter in enumerate(letters):
        phase, ready = LETTERS[letter]
        started, changed = ages[place] if ages else (LONG_AGO, LONG_AGO)
        pods.append(PodState(f"pod-{place}", phase, ready, started, changed))
    return pods


def reading(given: Any, kind: str) -> Reading:
    if given is None:
        return Reading()
    if not isinstance(given, list):
        return Reading(value=milli(given))
    levels = {f"pod-{place}": value for place, value in enumerate(given) if value is not None}
    return Reading(by_pod={name: int(value) if kind == "cpu" else milli(value) for name, value in levels.items()})


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{place} {vector['name']}" for place, vector in enumerate(VECTORS)])
def test_the_controller_and_the_model_answer_the_same(vector: dict[str, Any]) -> None:
    hpa = Hpa(spec(vector))
    for place, (replicas, letters, given, wanted, *ages) in enumerate(vector["steps"]):
        now = SYNC_SECONDS * (place + 1)
        readings = {f"metric-{n}": reading(given[n], kind) for n, (kind, _) in metrics(vector)}
        seen = pods(letters, ages[0] if ages else [])
        requests = dict.fromkeys((pod.name for pod in seen), CPU_REQUEST_MILLI)
        assert hpa.sync(now, replicas, seen, readings, requests) == wanted, f"step {place}: {letters} {given}"


def test_the_vectors_are_of_the_version_they_name_and_move_replicas_both_ways() -> None:
    document = json.loads(LINES[0])
    assert document["source"].startswith("k8s.io/kubernetes v1.36.2 pkg/controller/podautoscaler")
    assert len(VECTORS) >= 200
    moves = [wanted - replicas for vector in VECTORS for replicas, _, _, wanted, *_ in vector["steps"]]
    assert min(sum(move > 0 for move in moves), sum(move < 0 for move in moves), moves.count(0)) >= 100
