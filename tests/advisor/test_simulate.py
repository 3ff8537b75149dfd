from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.simulate import add_to
from advisor.simulate_inputs import setting
from planning.__main__ import main
from simulation.policies import POLICIES
from tests.planning.stacks import REACHED

REPO = Path(__file__).resolve().parents[2]
WHERE = ["simulate", "--model", "meta-llama/Llama-3.1-8B-Instruct", "--instance", "g6e.xlarge"]
KEYS = [
    "name",
    "slo_attainment",
    "ttft_p50_s",
    "ttft_p95_s",
    "ttft_p99_s",
    "e2e_p99_s",
    "gpu_hours",
    "usd",
    "scale_events",
    "rejected",
    "lost",
]


def simulated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main([*WHERE, "--json", *arguments]) == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_json_has_the_documented_keys_and_repeats_byte_for_byte(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [*WHERE, "--json", "--profile", "poisson:3", "--duration", "600", "--policy", "hpa-queue,default"]
    assert main(asked) == 0
    first = capsys.readouterr().out
    assert main(asked) == 0
    assert capsys.readouterr().out == first
    report = json.loads(first)
    assert [row["name"] for row in report["policies"]] == ["hpa-queue", "default"]
    for row in report["policies"]:
        assert list(row)[: len(KEYS)] == KEYS
    assert report["requests"] > 1500


def test_without_a_policy_all_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    report = simulated(capsys, "--profile", "poisson:1", "--duration", "120", "--cold-start", "60")
    rows = report["policies"]
    assert isinstance(rows, list)
    assert [row["name"] for row in rows] == [name for name in POLICIES if name != "oracle"]
    assert {row["gpu_hours_to_oracle"] for row in rows} == {None}
    assert report["oracle_bound_gpu_hours"] is None


def test_the_oracle_is_searched_only_when_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = ["--profile", "poisson:2", "--duration", "900", "--cold-start", "60", "--policy", "default"]
    with_it = simulated(capsys, *load, "--oracle")
    assert [row["name"] for row in with_it["policies"]] == ["default", "oracle"]  # type: ignore[attr-defined]
    assert with_it["oracle_bound_gpu_hours"]
    monkeypatch.setattr("simulation.compare.misses", lambda *_: pytest.fail("searched"))
    without = simulated(capsys, *load)
    assert [row["name"] for row in without["policies"]] == ["default"]  # type: ignore[attr-defined]
    assert without["max_replicas"] == with_it["max_replicas"] == 1


def test_a_trace_file_is_simulated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace = tmp_path / "requests.jsonl"
    lines = [json.dumps({"timestamp": 500 * n, "input_length": 900, "output_length": 60}) for n in range(200)]
    trace.write_text("\n".join(lines), encoding="utf-8")
    report = simulated(capsys, "--trace", str(trace), "--policy", "fixed-maximum")
    assert report["requests"] == 200
    assert report["mean_input_tokens"] == 900


def test_a_models_stack_file_gives_bounds_and_replica(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["simulate", "--stack", "dev", "--profile", "poisson:0.3", "--duration", "300", "--policy", "default"]
    assert main([*asked, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["min_replicas"], report["max_replicas"]) == (1, 2)
    assert "Qwen/Qwen2.5-7B-Instruct on g6.2xlarge" in report["serving"]


def stack_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nodes: dict[str, object] | None = None, **changes: object
) -> None:
    """A stack `lab` of one model, beside no other; `nodes`: what its pool has instead."""
    model = {
        "name": "chat",
        "source": "Qwen/Qwen2.5-7B-Instruct",
        "revision": "a09a35458c702b33eeacc393d103063234e8bc28",
        "autoscaling": {"minReplicas": 1, "maxReplicas": 3},
        "traffic": {"requestsPerSecond": 0.5, "inputTokens": 400, "outputTokens": 100, "shape": "steady"},
        "slo": {"timeToFirstTokenSeconds": 3, "timePerOutputTokenSeconds": 0.2, "share": 0.95},
        **changes,
    }
    pool = {"name": "l4", "instanceTypes": ["g6.2xlarge"], "maxNodes": 3, **(nodes or {})}
    config = {"vllm-on-eks:nodePools": [pool], "vllm-on-eks:models": [model]}
    config["vllm-on-eks:cluster"] = REACHED  # type: ignore[assignment]
    (tmp_path / "Pulumi.lab.yaml").write_text(json.dumps({"config": config}), encoding="utf-8")
    monkeypatch.setattr("advisor.simulate_inputs.REPO", tmp_path)


LAB = ["simulate", "--stack", "lab", "--json"]


def test_a_stacks_declared_traffic_slo_and_autoscaling_are_what_is_simulated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_file(tmp_path, monkeypatch)
    assert main([*LAB, "--duration", "900"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["load"] == "poisson:0.5"
    assert report["requests"] == pytest.approx(450, rel=0.15)
    assert report["mean_input_tokens"] == pytest.approx(400, rel=0.1)
    assert report["mean_output_tokens"] == pytest.approx(100, rel=0.2)
    assert report["slo"] == {"ttft_s": 3.0, "tpot_s": 0.2, "share": 0.95}
    assert [row["name"] for row in report["policies"]] == ["stack", *(n for n in POLICIES if n != "oracle")]


@pytest.mark.parametrize(("cpu", "per_node", "fewest"), [("11", 4, 2), ("20", 2, 3)])
def test_a_node_holds_the_pods_that_the_plan_packs_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpu: str, per_node: int, fewest: int
) -> None:
    nodes = {"instanceTypes": ["g6.12xlarge"], "diskGib": 500, "maxNodes": 4, "spareNodes": 1}
    bounds = {"minReplicas": 3, "maxReplicas": 4}
    stack_file(tmp_path, monkeypatch, nodes, resources={"cpu": cpu}, autoscaling=bounds)
    commands = argparse.ArgumentParser()
    add_to(commands.add_subparsers())
    supply = setting(commands.parse_args(["simulate", "--stack", "lab"])).setting.supply
    assert (supply.pods_per_node, supply.min_nodes) == (per_node, fewest)


def test_the_command_line_outranks_what_the_stack_declares(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_file(tmp_path, monkeypatch)
    given = ["--profile", "poisson:0.2", "--duration", "900", "--input-tokens", "900", "--slo-ttft", "1"]
    assert main([*LAB, *given, "--policy", "stack"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["load"] == "poisson:0.2"
    assert report["mean_input_tokens"] == pytest.approx(900, rel=0.1)
    assert report["slo"] == {"ttft_s": 1.0, "tpot_s": 0.2, "share": 0.95}


@pytest.mark.parametrize(
    ("shape", "profile"), [("diurnal", "diurnal:0.25"), ("burst", "burst:0.394737,1.97368,900,60")]
)
def test_the_shape_of_declared_traffic_is_kept(
    shape: str, profile: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_file(tmp_path, monkeypatch, traffic={"requestsPerSecond": 0.5, "shape": shape})
    assert main([*LAB, "--duration", "900", "--policy", "fixed-minimum"]) == 0
    assert json.loads(capsys.readouterr().out)["load"] == profile


def test_another_autoscaling_of_the_stack_moves_differently(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = []
    cheap, dear = {"kind": "queueDepth", "target": 50}, {"kind": "timeToFirstToken", "target": 0.05}
    for metric in (cheap, {"kind": "inFlight", "target": 1}, dear):
        scaling = {"minReplicas": 1, "maxReplicas": 3, "metrics": [metric]}
        stack_file(tmp_path, monkeypatch, autoscaling=scaling)
        assert main([*LAB, "--duration", "1800", "--policy", "stack"]) == 0
        hours.append(json.loads(capsys.readouterr().out)["policies"][0]["gpu_hours"])
    assert hours[0] < hours[1]
    assert hours[0] < hours[2]


def test_what_of_a_stacks_autoscaling_is_not_simulated_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = {"start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "minReplicas": 2}
    scaling = {"minReplicas": 1, "maxReplicas": 3, "schedules": [office]}
    stack_file(tmp_path, monkeypatch, autoscaling=scaling)
    assert main([*LAB, "--policy", "stack"]) == 2
    assert "schedules are not simulated" in capsys.readouterr().err
    assert main([*LAB, "--duration", "60"]) == 0
    said = capsys.readouterr()
    assert "left out: schedules are not simulated" in said.err
    assert [row["name"] for row in json.loads(said.out)["policies"]] == [name for name in POLICIES if name != "oracle"]


def test_a_stack_without_declared_traffic_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_file(tmp_path, monkeypatch, traffic=None)
    assert main(LAB) == 2
    assert "or declare the model's traffic in the stack file" in capsys.readouterr().err


def test_the_table_names_every_policy_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WHERE, "--profile", "poisson:1", "--duration", "60", "--policy", "concurrency"]) == 0
    text = capsys.readouterr().out
    assert "concurrency" in text
    assert "simulated" in text


WRONG = [
    (["--profile", "poisson:1", "--policy", "hpa-queu"], "did you mean hpa-queue"),
    (["--profile", "sine:1"], "poisson:RATE"),
    ([], "--trace FILE or --profile poisson:2"),
    (["--profile", "poisson:1", "--trace", "x.csv"], "--trace FILE or --profile"),
    (["--trace", "no-such-file.csv"], "no-such-file.csv"),
    (["--profile", "poisson:1", "--launch-failure", "1"], "--launch-failure: 1 is not from 0 to below 1"),
    (["--profile", "poisson:1", "--min-replicas", "5", "--max-replicas", "2"], "--min-replicas 5 is more than"),
    (["--profile", "poisson:1", "--min-replicas", "-1"], "--min-replicas: -1"),
    (["--profile", "poisson:1", "--max-replicas", "0"], "--max-replicas: 0"),
    (["--profile", "poisson:1", "--start-replicas", "9", "--max-replicas", "2"], "--start-replicas 9 is more than"),
    (["--profile", "poisson:1", "--start-replicas", "-3"], "--start-replicas: -3"),
    (["--profile", "poisson:1", "--seed", "soon"], "--seed: 'soon' is no whole number"),
    (["--profile", "poisson:1", "--seed", "-1"], "--seed: -1"),
    (["--profile", "poisson:1", "--seed", "1.5"], "--seed: '1.5'"),
    (["--profile", "poisson:1", "--duration", "an hour"], "--duration: 'an hour' is no number"),
    (["--profile", "poisson:1", "--duration", "-5"], "--duration: -5"),
    (["--profile", "poisson:1", "--duration", "nan"], "--duration: nan"),
    (["--profile", "poisson:1", "--duration", "1e12"], "--duration: 1e12"),
    (["--profile", "poisson:1", "--scrape-interval", "0"], "--scrape-interval: 0"),
    (["--profile", "poisson:1", "--max-num-seqs", "0"], "--max-num-seqs: 0"),
    (["--profile", "poisson:1", "--tensor-parallel", "-1"], "--tensor-parallel: -1"),
    (["--profile", "poisson:1", "--input-tokens", "-10"], "--input-tokens: -10"),
    (
        ["--profile", "poisson:1", "--max-num-seqs", "512", "--max-num-batched-tokens", "256"],
        "--max-num-batched-tokens: 256 batched tokens are fewer than 512 sequences",
    ),
    (["--profile", "poisson:1", "--cold-start", "nan"], "--cold-start"),
    (["--profile", "poisson:1", "--slo-ttft", "0"], "--slo-ttft"),
    (["--profile", "poisson:1", "--policy", "stack"], "--stack"),
    (["--profile", "poisson:1", "--quantization", "int3"], "int3"),
    (["--profile", "poisson:1", "--max-model-len", "10000000"], "does not fit"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_input_is_one_line_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WHERE, *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulate", "--stack", "deb", "--profile", "poisson:1"], "stacks: dev"),
        (["simulate", "--stack", "prod", "--profile", "poisson:1"], "qwen, llama"),
        (["simulate", "--model", "meta-llama/Llama-3.1-8B-Instruct", "--profile", "poisson:1"], "--instance"),
        (["simulate", "--model", "x/y", "--instance", "g6e.xlarge", "--profile", "poisson:1"], "no model 'x/y'"),
        (
            ["simulate", "--model", "Qwen/Qwen2.5-7B-Instruct", "--instance", "g6e.xlarg", "--profile", "poisson:1"],
            "did you mean",
        ),
    ],
)
def test_a_wrong_place_names_the_right_ones(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_command_line_imports_no_numpy_before_it_is_needed() -> None:
    code = (
        "import sys, planning.__main__ as command\n"
        "try: command.main(['simulate', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'pulumi', 'rich', 'pydantic', 'advisor.fit'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
