"""The PromQL that we record, computed by Prometheus' own promtool: skipped where that is not built."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from planning.model.demand import DEMAND_RULE, LOAD_RULE, Capacity, Demand
from planning.model.learning import LEARNED_RULE, STEP_TIME_RULE, StepTimes
from planning.scaling.policy import decide
from tests.components.promtool import find_promtool

CAPACITY = Capacity(concurrency=40.0, prompt_tokens_per_second=20_000.0, output_tokens_per_second=1_000.0)
TIMES = StepTimes(step=0.02, output_token=0.001, prompt_token=0.00005)


@pytest.fixture(scope="session")
def promtool() -> str:
    """The program of the platform's own build, or of PATH."""
    names = find_promtool()
    if names is None:
        pytest.skip("promtool is not built: `python -m local tools rules` builds it")
    return names


def _run(promtool: str, *arguments: str, cwd: Path) -> None:
    done = subprocess.run([promtool, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _rule_file(folder: Path, rules: list[dict[str, Any]]) -> None:
    group = {"name": "chat-demand", "interval": "15s", "rules": rules}
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [group]}), encoding="utf-8")


def _unit_test(promtool: str, folder: Path, series: dict[str, str], expected: list[tuple[str, str, float]]) -> None:
    """`expected`: PromQL, when (as `30m`), and the value it must have then."""
    asked = [
        {"expr": f"round({expr}, 1e-4)", "eval_time": when, "exp_samples": [{"labels": "{}", "value": round(value, 4)}]}
        for expr, when, value in expected
    ]
    test = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": asked,
    }
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "15s", "fuzzy_compare": True, "tests": [test]}
    (folder / "test.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    _run(promtool, "test", "rules", "test.yaml", cwd=folder)


def _demand_rules(demand: Demand, name: str) -> list[dict[str, Any]]:
    pods, own = f'namespace="models",job="models/{name}"', f'namespace="models",service="{name}"'
    labels = {"namespace": "models", "service": name}
    return [{"record": key, "expr": text, "labels": labels} for key, text in demand.rules(pods, own).items()]


def _load(name: str, pod: str, prompt: int, output: int, running: int, waiting: int) -> dict[str, str]:
    """Series of a pod: tokens per scrape of 15 s, and gauges, constant for two hours."""
    labels = f'{{namespace="models",job="models/{name}",pod="{pod}"}}'
    return {
        f"vllm:prompt_tokens_total{labels}": f"0+{prompt}x480",
        f"vllm:generation_tokens_total{labels}": f"0+{output}x480",
        f"vllm:num_requests_running{labels}": f"{running}x480",
        f"vllm:num_requests_waiting{labels}": f"{waiting}x480",
    }


def _number(record: str, name: str) -> str:
    return f'max({record}{{service="{name}"}})'


def test_prometheus_computes_the_demand_that_the_simulator_does(promtool: str, tmp_path: Path) -> None:
    demand = decide(CAPACITY, 240, 1, 9).demand
    _rule_file(tmp_path, _demand_rules(demand, "chat") + _demand_rules(demand, "chat-large"))
    series = _load("chat", "chat-1", 150_000, 3_000, 10, 0) | _load("chat", "chat-2", 150_000, 3_000, 10, 0)
    series |= _load("chat-large", "chat-large-1", 15, 15, 60, 20)
    tokens = demand.load(20_000, 400, 20)
    requests = demand.load(1, 1, 80)
    assert tokens == pytest.approx(1.4)
    assert requests == pytest.approx(2.0), "requests in flight say more than tokens"
    _unit_test(
        promtool,
        tmp_path,
        series,
        [
            (_number(LOAD_RULE, "chat"), "90m", tokens),
            (_number(LOAD_RULE, "chat-large"), "90m", requests),
            (_number(DEMAND_RULE, "chat"), "90m", demand.replicas(tokens)),
            (_number(DEMAND_RULE, "chat-large"), "90m", demand.replicas(requests)),
        ],
    )


def test_a_demand_without_pods_is_absent_not_zero(promtool: str, tmp_path: Path) -> None:
    """Absent: the HPA holds. Zero would take replicas away because Prometheus lost sight of them."""
    _rule_file(tmp_path, _demand_rules(decide(CAPACITY, 240, 1, 9).demand, "chat"))
    series = _load("other", "other-1", 15, 15, 1, 0)
    _unit_test(promtool, tmp_path, series, [(f"absent({DEMAND_RULE})", "30m", 1)])


def test_a_load_that_falls_for_a_moment_is_carried_as_it_usually_is(promtool: str, tmp_path: Path) -> None:
    """Half an hour at 40 in flight, then 4: the mean of the last quarter of an hour stands; without pods nothing."""
    demand = decide(CAPACITY, 240, 1, 9).demand
    _rule_file(tmp_path, _demand_rules(demand, "chat"))
    labels = '{namespace="models",job="models/chat",pod="chat-1"}'
    series = {f"vllm:num_requests_running{labels}": "40x120 4x20 _x400", f"vllm:num_requests_waiting{labels}": "0x140"}
    expected = "max(vllm_on_eks:expected:replicas)"
    now, before = demand.load(0, 0, 4), demand.load(0, 0, 40)
    between = f"({expected} > bool {2 * now:g}) * ({expected} < bool {before:g})"
    _unit_test(
        promtool, tmp_path, series, [(between, "33m", 1), ("absent(max(vllm_on_eks:expected:replicas))", "42m", 1)]
    )


def test_a_rise_counts_a_cold_start_ahead_and_less_while_it_has_few_samples(promtool: str, tmp_path: Path) -> None:
    demand = decide(CAPACITY, 240, 1, 9).demand
    assert demand.trend_samples == 60
    _rule_file(tmp_path, _demand_rules(demand, "chat"))
    labels = '{namespace="models",job="models/chat",pod="chat-1"}'
    rising = "0+1x400"  # one request in flight more every 15 s
    series = {f"vllm:num_requests_running{labels}": rising, f"vllm:num_requests_waiting{labels}": "0x400"}
    ahead = demand.load(0, 0, 1 / 15) * demand.lead_seconds
    _unit_test(
        promtool,
        tmp_path,
        series,
        [("max(vllm_on_eks:expected:replicas)", "60m", demand.load(0, 0, 239.5) + ahead)],
    )
    # Between two samples' all and a whole window's: at ten minutes 40 of 60 samples, 0.54 of the trend.
    now, trust = demand.load(0, 0, 39.5), demand.trust(40)
    assert trust == pytest.approx(0.544, abs=0.001)
    expected = f"abs(max(vllm_on_eks:expected:replicas) - {now + trust * ahead:.6f}) < bool {0.05 * ahead:.6f}"
    _unit_test(promtool, tmp_path, series, [(expected, "10m", 1)])


def _engines(steps: int, running: int = 10) -> dict[str, str]:
    """Two engines with so many steps, 10 answers in each, and 1,500 prompt tokens between two scrapes."""
    series: dict[str, str] = {}
    for pod in ("chat-1", "chat-2"):
        labels = f'{{namespace="models",job="models/chat",pod="{pod}"}}'
        series |= _load("chat", pod, 1_500, 10 * steps, running, 0)
        series[f"vllm:iteration_tokens_total_count{labels}"] = f"0+{steps}x480"
    return series


def test_prometheus_learns_from_steps_what_the_simulator_does(promtool: str, tmp_path: Path) -> None:
    """A scrape's 15 s hold 400 steps of 10 answers and 1,500 prompt tokens: 12.075 s by the plan."""
    demand = decide(replace(CAPACITY, step_times=TIMES), 240, 1, 9).demand
    assert demand.learning is not None
    planned = TIMES.work(400, 1_500, 4_000)
    assert planned == pytest.approx(12.075)
    ratio = 15 / planned
    factor = demand.learning.factor(ratio)
    assert 1.3 < factor < 1.9
    load = demand.load(2 * 100, 2 * 4_000 / 15, 20)
    _rule_file(tmp_path, _demand_rules(demand, "chat"))
    _unit_test(
        promtool,
        tmp_path,
        _engines(steps=400),
        [
            (f"absent(max({STEP_TIME_RULE}))", "29m", 1),
            (f"abs({_number(DEMAND_RULE, 'chat')} - {demand.replicas(load):.6f}) < bool 0.01", "29m", 1),
            (f"abs({_number(STEP_TIME_RULE, 'chat')} - {ratio:.6f}) < bool 0.02", "60m", 1),
            (f"abs({_number(LEARNED_RULE, 'chat')} - {factor:.6f}) < bool 0.05", "60m", 1),
            (f"abs({_number(DEMAND_RULE, 'chat')} - {demand.replicas(load * factor):.6f}) < bool 0.1", "60m", 1),
        ],
    )


@pytest.mark.parametrize(("steps", "bound"), [(20, 2.0), (6_000, 0.5)])
def test_what_prometheus_learns_is_bounded_as_the_simulator_bounds_it(
    promtool: str, tmp_path: Path, steps: int, bound: float
) -> None:
    demand = decide(replace(CAPACITY, step_times=TIMES), 240, 1, 9).demand
    _rule_file(tmp_path, _demand_rules(demand, "chat"))
    _unit_test(promtool, tmp_path, _engines(steps), [(_number(LEARNED_RULE, "chat"), "60m", bound)])


def test_without_the_series_of_steps_or_without_work_the_plans_word_stands(promtool: str, tmp_path: Path) -> None:
    demand = decide(replace(CAPACITY, step_times=TIMES), 240, 1, 9).demand
    _rule_file(tmp_path, _demand_rules(demand, "chat"))
    silent = {name: values for name, values in _engines(300).items() if "iteration_tokens" not in name}
    load = demand.load(2 * 100, 2 * 200, 20)
    absent = (f"absent(max({LEARNED_RULE}))", "90m", 1)
    _unit_test(promtool, tmp_path, silent, [absent, (_number(DEMAND_RULE, "chat"), "90m", demand.replicas(load))])
    _unit_test(promtool, tmp_path, _engines(300, running=0), [absent])
