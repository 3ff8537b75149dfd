"""The PromQL that we record, computed by Prometheus' own promtool: skipped where that is not built."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from planning.model import AutoscalingPlan
from planning.model.demand import DEMAND_RULE, LOAD_RULE, Capacity, Demand
from planning.scaling.policy import decide
from planning.scaling.schedule import schedule_expr, weekly_window
from tests.components.promtool import find_promtool
from tests.planning.stacks import model, planned, pool

CAPACITY = Capacity(concurrency=40.0, prompt_tokens_per_second=20_000.0, output_tokens_per_second=1_000.0)
EVERYTHING = ["demand", "queueDepth", "inFlight", "running", "kvCacheUsage", "timeToFirstToken", "tokensPerSecond"]


@pytest.fixture(scope="session")
def promtool() -> str:
    """The program of the platform's own build, or of PATH."""
    found = find_promtool()
    if found is None:
        pytest.skip("promtool is not built: `python -m local tools rules` builds it")
    return found


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


def test_the_load_of_yesterday_counts_a_cold_start_ahead(promtool: str, tmp_path: Path) -> None:
    demand = decide(CAPACITY, 240, 1, 9).demand
    _rule_file(tmp_path, _demand_rules(demand, "chat"))
    labels = '{namespace="models",job="models/chat",pod="chat-1"}'
    per_day = 86_400 // 15
    busy = f"2x{per_day // 2 - 1} 80x239 2x{per_day // 2 - 241} 2x{per_day}"  # an hour from noon, on the first day
    series = {f"vllm:num_requests_running{labels}": busy, f"vllm:num_requests_waiting{labels}": f"0x{2 * per_day}"}
    before = f"{24 * 60 + 12 * 60 - 1}m"  # a minute before noon of the second day
    quiet = f"{24 * 60 + 6 * 60}m"
    _unit_test(
        promtool,
        tmp_path,
        series,
        [
            ("max(vllm_on_eks:expected:replicas)", before, demand.load(0, 0, 80)),
            ("max(vllm_on_eks:expected:replicas)", quiet, demand.load(0, 0, 2)),
        ],
    )


def test_without_a_request_the_time_to_first_token_is_zero_and_not_a_number(promtool: str, tmp_path: Path) -> None:
    rules = _recorded({"metrics": [{"kind": "timeToFirstToken"}], "maxReplicas": 2})
    _rule_file(tmp_path, rules)
    labels = 'namespace="models",job="models/chat",pod="chat-1"'
    bucket = "vllm:time_to_first_token_seconds_bucket"
    series = {
        f'{bucket}{{{labels},le="1.0"}}': "0x240 0+10x240",
        f'{bucket}{{{labels},le="2.5"}}': "0x240 0+20x240",
        f'{bucket}{{{labels},le="+Inf"}}': "0x240 0+20x240",
        f"vllm:num_requests_running{{{labels}}}": "0x480",
    }
    record = "max(vllm_on_eks:time_to_first_token:seconds)"
    _unit_test(promtool, tmp_path, series, [(record, "30m", 0.0), (record, "100m", 1.0 + 1.5 * 0.9)])


def test_a_schedule_is_its_floor_inside_and_zero_outside(promtool: str, tmp_path: Path) -> None:
    """promtool's time begins on a Thursday, 1970-01-01 00:00 UTC."""
    windows = [
        (weekly_window("UTC", "30 8 * * MON-FRI", "0 18 * * MON-FRI"), 3),
        (weekly_window("UTC", "0 22 * * FRI", "0 4 * * SAT"), 5),
    ]
    _rule_file(tmp_path, [{"record": "vllm_on_eks:schedule:replicas", "expr": schedule_expr(windows)}])
    day = 24 * 60
    moments = {
        8 * 60 + 29: 0, 8 * 60 + 30: 3, 17 * 60 + 59: 3, 18 * 60: 0,
        day + 12 * 60: 3, day + 22 * 60: 5, 2 * day + 3 * 60 + 59: 5, 2 * day + 4 * 60: 0, 2 * day + 12 * 60: 0,
        2 * day + 22 * 60: 0, 4 * day + 12 * 60: 3,
    }  # fmt: skip
    expected = [("vllm_on_eks:schedule:replicas", f"{minute}m", float(value)) for minute, value in moments.items()]
    _unit_test(promtool, tmp_path, {"up": "1x10"}, expected)


def test_every_rule_and_query_is_promql(promtool: str, tmp_path: Path) -> None:
    office = {"start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "minReplicas": 2}
    metrics = [{"kind": kind} for kind in [*EVERYTHING, "gpuUtilization"]]
    scaling = _scaling({"maxReplicas": 2, "metrics": metrics, "schedules": [office]})
    rules = _recorded_of(scaling)
    asked = {metric.kind: metric.query for metric in scaling.metrics}
    filled = {
        metric.kind: metric.rule.query.replace("<<.GroupBy>>", "pod")
        .replace("<<.LabelMatchers>>", 'pod="a"')
        .replace("<<.Series>>", metric.rule.series)
        for metric in scaling.metrics
    }
    for index, text in enumerate((*asked.values(), *filled.values())):
        rules.append({"record": f"asked:{index}", "expr": text})
    _rule_file(tmp_path, rules)
    _run(promtool, "check", "rules", "rules.yaml", cwd=tmp_path)


def _scaling(autoscaling: dict[str, Any]) -> AutoscalingPlan:
    return planned(models=[model(autoscaling=autoscaling)], nodePools=[pool(minNodes=2)]).models[0].autoscaling


def _recorded(autoscaling: dict[str, Any]) -> list[dict[str, Any]]:
    return _recorded_of(_scaling(autoscaling))


def _recorded_of(scaling: AutoscalingPlan) -> list[dict[str, Any]]:
    return [{"record": r.record, "expr": r.expr, "labels": dict(r.labels)} for r in scaling.recordings]
