"""An oracle that was kept is the one that was found, and is asked for again only under what it followed from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.foresight import oracles
from simulation.compare import Oracle
from simulation.outcome import Outcome
from simulation.scalers import Scheduled
from tests.simulation.engines import setting

OUTCOME = Outcome(
    name="oracle", slo_attainment=0.99, ttft_p50_s=0.2, ttft_p95_s=0.9, ttft_p99_s=None, e2e_p99_s=8.0, gpu_hours=12.5,
    booting_gpu_hours=0.5, usd=None, usd_per_million_tokens=None, scale_events=3, rejected=0, lost=1, requests=1000,
    mean_replicas=2.5, most_replicas=4, most_queue=17, replica_curve=((0.0, 2), (300.0, 4)),
)  # fmt: skip
FOUND = Oracle(Scheduled("oracle", [0.0, 300.0], [2, 4]), OUTCOME, 11.75)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_what_is_kept_comes_back_whole() -> None:
    path = oracles.path_of(setting(), "a day")
    assert oracles.kept(path) is None
    oracles.keep(path, FOUND)
    assert oracles.kept(path) == FOUND
    assert [file.name for file in path.parent.iterdir()] == [path.name], "no half-written file is left"


def test_another_trace_supply_or_slo_is_another_oracle() -> None:
    one = setting()
    slower = replace(one, engine=replace(one.engine, costs=replace(one.engine.costs, host_seconds=0.1)))
    others = [
        oracles.path_of(one, "a day"),
        oracles.path_of(one, "another day"),
        oracles.path_of(replace(one, seed=7), "a day"),
        oracles.path_of(replace(one, slo=replace(one.slo, ttft_seconds=9.0)), "a day"),
        oracles.path_of(replace(one, supply=replace(one.supply, pods_per_node=2)), "a day"),
        oracles.path_of(slower, "a day"),
    ]
    assert len(set(others)) == len(others)
    assert oracles.path_of(setting(), "a day") == others[0]


def test_a_changed_simulator_searches_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = oracles.path_of(setting(), "a day")
    monkeypatch.setattr(oracles, "_SOURCES", ("world.py",))
    assert oracles.path_of(setting(), "a day") != before
