"""The default autoscaling, live and simulated: a recorded run on the platform (`python -m tests.simulation.live`).

Recording rules in the real Prometheus, prometheus-adapter, kube-controller-manager on one side; `DemandRule` and the
simulated HPA on the other. Engines are simulated on both, by two programs. Tolerance: as many replicas at every sync,
which may come two syncs earlier or later; a utilization that is 30 % lower or 20 % higher is outside of it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.model import ColdStartTerm, ScalingRulePlan
from planning.model.demand import Capacity, Demand
from planning.nodes.instances import instance_type
from simulation.engine_limits import PICOSECONDS, engine_model
from simulation.hpa import HpaMetric, HpaSpec, Policy, Rules
from simulation.scalers import HpaScaler, milli
from simulation.signals import DemandRule, Recorded
from simulation.supply import ColdStart, Supply
from simulation.traces import Requests
from simulation.world import Setting, World
from tests.simulation.test_against_platform import Curve, Run, at

FILE = Path(__file__).parent / "data" / "demand_run.json"
SYNCS_OF_SHIFT = 2


@pytest.fixture(scope="module")
def run() -> Run:
    document = json.loads(FILE.read_text(encoding="utf-8"))
    columns = np.array(document["requests"], dtype=float).T
    trace = Requests(np.round(columns[0] * PICOSECONDS).astype(np.int64), *columns[1:].astype(np.int64))
    return Run(document["conditions"], trace, [(since, int(count)) for since, count in document["wanted"]])


def demand_of(what: dict[str, Any]) -> Demand:
    written = what["demand"]
    assert written.get("learning") is None, "recorded before the rules learned: what is simulated is what ran"
    return Demand(**{**written, "capacity": Capacity(**written["capacity"])})


def rules(written: dict[str, Any]) -> Rules:
    rule = ScalingRulePlan(**written)
    policies = [Policy("Pods", rule.pods, rule.period_seconds)]
    if rule.percent is not None:
        policies.append(Policy("Percent", rule.percent, rule.period_seconds))
    return Rules(rule.window_seconds, tuple(policies))


def simulated(run: Run, demand: Demand) -> Curve:
    what, most = run.conditions, run.conditions["max_replicas"]
    gpu = instance_type(what["instance_type"]).gpu
    assert gpu is not None
    engine = EngineConfig(max_model_len=what["max_model_len"], max_num_seqs=what["max_num_seqs"])
    term = ColdStartTerm("configured cold start", what["cold_start_seconds"], what["cold_start_seconds"], "")
    supply = Supply(ColdStart((), (), (term,)), min_nodes=most, pre_stop_seconds=what["pre_stop_seconds"])
    metrics = (HpaMetric("demand", "external", milli(1)),)
    spec = HpaSpec(1, most, metrics, up=rules(what["up"]), down=rules(what["down"]))
    queries = {"demand": Recorded(DemandRule(demand), what["scrape_seconds"])}
    scaler = HpaScaler("recorded", spec, queries, 1, sync_seconds=run.sync_seconds)
    setting = Setting(
        engine_model(architecture(what["model"]), engine, gpu), supply, scrape_seconds=what["scrape_seconds"]
    )
    end = Requests(np.array([round(what["end_seconds"] * PICOSECONDS)]), np.array([16]), np.array([1]))
    return World(setting, scaler).run([run.trace, end]).replica_curve


def differences(run: Run, curve: Curve) -> list[str]:
    sync, replicas = run.sync_seconds, []
    for moment in np.arange(0.0, run.conditions["end_seconds"], sync):
        near = [at(curve, moment + shift * sync) for shift in range(-SYNCS_OF_SHIFT, SYNCS_OF_SHIFT + 1)]
        if at(run.wanted, moment) not in near:
            replicas.append(f"{moment:.0f} s: {at(run.wanted, moment)} recorded, {at(curve, moment)} simulated")
    return replicas


def test_the_recorded_run_scaled_up(run: Run) -> None:
    counts = [count for _, count in run.wanted]
    assert counts[0] == 1
    assert counts[-1] == max(counts) == 2
    assert run.trace.arrivals_ps.size > 100


def test_the_simulated_rules_want_what_the_rendered_ones_wanted(run: Run) -> None:
    curve = simulated(run, demand_of(run.conditions))
    assert differences(run, curve) == [], (curve, run.wanted)


@pytest.mark.parametrize("factor", [0.7, 1.2])
def test_another_share_of_a_replica_that_is_planned_to_be_busy_is_told_apart(run: Run, factor: float) -> None:
    demand = demand_of(run.conditions)
    other = replace(demand, utilization=demand.utilization * factor)
    assert differences(run, simulated(run, other)) != []
