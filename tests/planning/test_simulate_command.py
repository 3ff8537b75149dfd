from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from planning.__main__ import main
from planning.simulation.policies import POLICIES

REPO = Path(__file__).resolve().parent.parent.parent
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
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_json_has_the_documented_keys_and_repeats_byte_for_byte(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [*WHERE, "--json", "--profile", "poisson:3", "--duration", "600", "--policy", "hpa-queue,default"]
    assert main(asked) == 0
    first = capsys.readouterr().out
    assert main(asked) == 0
    assert capsys.readouterr().out == first
    found = json.loads(first)
    assert [row["name"] for row in found["policies"]] == ["hpa-queue", "default"]
    for row in found["policies"]:
        assert list(row)[: len(KEYS)] == KEYS
    assert found["requests"] > 1500


def test_without_a_policy_all_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    found = simulated(capsys, "--profile", "poisson:1", "--duration", "120", "--cold-start", "60")
    rows = found["policies"]
    assert isinstance(rows, list)
    assert [row["name"] for row in rows] == list(POLICIES)


def test_a_trace_file_is_simulated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace = tmp_path / "requests.jsonl"
    lines = [json.dumps({"timestamp": 500 * n, "input_length": 900, "output_length": 60}) for n in range(200)]
    trace.write_text("\n".join(lines), encoding="utf-8")
    found = simulated(capsys, "--trace", str(trace), "--policy", "fixed-maximum")
    assert found["requests"] == 200
    assert found["mean_input_tokens"] == 900


def test_a_models_stack_file_gives_bounds_and_replica(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["simulate", "--stack", "dev", "--profile", "poisson:0.3", "--duration", "300", "--policy", "default"]
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["min_replicas"], found["max_replicas"]) == (1, 2)
    assert "Qwen/Qwen2.5-7B-Instruct on g6.2xlarge" in found["serving"]


def test_the_table_names_every_policy_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WHERE, "--profile", "poisson:1", "--duration", "60", "--policy", "concurrency"]) == 0
    text = capsys.readouterr().out
    assert "concurrency" in text
    assert "simulated" in text


WRONG = [
    (["--profile", "poisson:1", "--policy", "hpa-queu"], "did you mean hpa-queue"),
    (["--profile", "sine:1"], "poisson:RATE"),
    ([], "--trace FILE or --profile"),
    (["--profile", "poisson:1", "--trace", "x.csv"], "--trace FILE or --profile"),
    (["--trace", "no-such-file.csv"], "no-such-file.csv"),
    (["--profile", "poisson:1", "--launch-failure", "1"], "probability"),
    (["--profile", "poisson:1", "--cold-start", "nan"], "--cold-start"),
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
    code = "import sys, planning.__main__; sys.exit(bool({'numpy', 'numba', 'pulumi', 'rich'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPO, check=False).returncode == 0
