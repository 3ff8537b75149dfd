"""The command line: keys for machines, a table for people, wrong input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from planning.__main__ import main
from tests.planning.stacks import errors, model, refusal

REPO = Path(__file__).resolve().parents[2]
DOCUMENTED = {
    "fits", "weights_gib_per_gpu", "kv_cache_gib_per_gpu", "kv_cache_tokens", "max_concurrency", "longest_model_len",
    "reasons",
}  # fmt: skip
QWEN = "Qwen/Qwen2.5-7B-Instruct"


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["fit", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_documented_keys_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = run_json(capsys, QWEN, "--instance", "g6.xlarge", "--max-model-len", "8192")
    assert code == 0
    assert set(report) >= DOCUMENTED
    assert report["fits"] is True
    assert report["reasons"] == []
    assert report["gpu"] == "l4"
    assert report["usd_per_hour"] == 0.8048
    assert 14 < report["weights_gib_per_gpu"] < 14.5


def test_a_model_that_fits_has_a_throughput_and_a_price_per_token(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [QWEN, "--instance", "g6.xlarge", "--max-model-len", "8192"]
    report = run_json(capsys, *asked)[1]
    rates = report["throughput"]
    assert (rates["input_tokens"], rates["output_tokens"], rates["declared"]) == (1155, 211, False)
    assert 0 < rates["slo_requests_per_second"] < rates["requests_per_second"]
    tokens_per_hour = rates["total_tokens_per_second"] * 3600
    assert report["usd_per_million_tokens"] == pytest.approx(0.8048 / tokens_per_hour * 1e6, rel=1e-3)
    short = run_json(capsys, *asked, "--input-tokens", "100", "--output-tokens", "50")[1]["throughput"]
    assert short["declared"] is True
    assert short["requests_per_second"] > 3 * rates["requests_per_second"]


def test_four_replicas_on_a_node_make_its_tokens_cheaper_than_one_of_four_gpus(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = [QWEN, "--instance", "g6.12xlarge", "--max-model-len", "8192"]
    one, four = (run_json(capsys, *asked, "--tensor-parallel", size)[1] for size in ("1", "4"))
    assert one["usd_per_million_tokens"] < four["usd_per_million_tokens"]


@pytest.mark.parametrize("target", [["--gpu-memory-gib", "24"], ["--instance", "g4dn.xlarge"]])
def test_without_a_known_gpu_or_without_a_fit_there_is_no_throughput(
    target: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    report = run_json(capsys, QWEN, *target, "--max-model-len", "8192")[1]
    assert report["throughput"] is None
    assert report["usd_per_million_tokens"] is None


def test_requests_longer_than_the_model_takes_are_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", QWEN, "--gpu", "l4", "--max-model-len", "512", "--input-tokens", "600"]) == 2
    assert "shorter than the mean request" in capsys.readouterr().err


def test_every_option_of_the_engine_changes_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    base = [QWEN, "--instance", "g6.12xlarge", "--max-model-len", "8192"]
    plain = run_json(capsys, *base)[1]["kv_cache_tokens"]
    for option in (
        ["--quantization", "fp8"],
        ["--kv-cache-dtype", "fp8"],
        ["--tensor-parallel", "4"],
        ["--pipeline-parallel", "2"],
        ["--gpu-memory-utilization", "0.8"],
        ["--max-num-seqs", "8"],
        ["--max-num-batched-tokens", "16384"],
        ["--enforce-eager"],
        ["--vllm-version", "0.11.0"],
    ):
        assert run_json(capsys, *base, *option)[1]["kv_cache_tokens"] != plain, option


def test_names_of_vllm_s_log_mean_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    base = [QWEN, "--gpu", "l4", "--max-model-len", "8192"]
    plain = run_json(capsys, *base, "--quantization", "awq", "--dtype", "float16")
    assert run_json(capsys, *base, "--quantization", "awq_marlin", "--dtype", "fp16") == plain


def test_a_model_that_does_not_fit_answers_1_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = run_json(capsys, "meta-llama/Llama-3.1-70B", "--instance", "g5.xlarge", "--max-model-len", "4096")
    assert code == 1
    assert report["fits"] is False
    assert report["reasons"]


def test_more_gpus_than_the_instance_has_do_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = run_json(capsys, QWEN, "--instance", "g6.xlarge", "--tensor-parallel", "4")
    assert code == 1
    assert report["reasons"][0] == "the replica needs 4 GPUs, g6.xlarge has 1"


def test_a_gpu_may_be_named_or_only_sized(capsys: pytest.CaptureFixture[str]) -> None:
    named = run_json(capsys, QWEN, "--gpu", "A100", "--gpu-memory-gib", "80")[1]
    assert named["gpu"] == "a100-80gb"
    sized = run_json(capsys, QWEN, "--gpu-memory-gib", "22.03")[1]
    assert (sized["gpu"], sized["gpu_memory_gib"]) == (None, 22.03)
    unknown = run_json(capsys, QWEN, "--gpu", "some new card", "--gpu-memory-gib", "48.5")[1]
    assert unknown["gpu_memory_gib"] == 48.5


def test_a_config_json_describes_a_model_outside_the_catalogue(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps({
            "model_type": "llama", "num_hidden_layers": 16, "hidden_size": 2048, "intermediate_size": 8192,
            "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32000,
            "max_position_embeddings": 4096,
        })
    )  # fmt: skip
    code, report = run_json(capsys, "our/own", "--config", str(config), "--gpu", "t4")
    assert code == 0
    assert report["model"] == "our/own"
    assert report["max_model_len"] == 4096


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Qwen/Qwen2.5-7", "--gpu", "l4"], "did you mean Qwen/Qwen2.5-7B"),
        (["Qwen/Qwen2.5-7B-Instuct", "--gpu", "l4"], "did you mean Qwen/Qwen2.5-7B"),
        (["meta-lama/Llama-3.1-8B", "--gpu", "l4"], "did you mean meta-llama/Llama-3.1-8B"),
        ([QWEN, "--gpu", "l4", "--max-num-seqs", "-1"], "--max-num-seqs: -1 is not between 1"),
        ([QWEN, "--gpu", "l4", "--tensor-parallel", "0"], "--tensor-parallel: 0"),
        ([QWEN, "--gpu", "l4", "--pipeline-parallel", "-2"], "--pipeline-parallel: -2"),
        ([QWEN, "--gpu", "l4", "--max-model-len", "8k"], "--max-model-len: '8k' is no whole number"),
        ([QWEN, "--gpu", "l4", "--gpu-memory-utilization", "nan"], "--gpu-memory-utilization"),
        ([QWEN, "--gpu", "l4", "--input-tokens", "0"], "--input-tokens"),
        ([QWEN, "--gpu", "l4", "--output-tokens", "inf"], "--output-tokens"),
        (
            [QWEN, "--gpu", "l4", "--max-num-seqs", "256", "--max-num-batched-tokens", "128"],
            "--max-num-batched-tokens: 128 batched tokens are fewer than 256 sequences",
        ),
        ([QWEN, "--gpu", "l4", "--gpu-sharing", "mps", "--gpu-sharing-replicas", "0"], "--gpu-sharing-replicas"),
        ([QWEN, "--instance", "g6.xlarg"], "did you mean g6.xlarge"),
        ([QWEN, "--gpu", "l4s"], "did you mean"),
        ([QWEN, "--instance", "m7i.large"], "m7i.large has no GPU"),
        ([QWEN, "--gpu", "l4", "--quantization", "int3"], "known: none, fp8, int8, awq"),
        ([QWEN], "--instance TYPE, --gpu NAME or --gpu-memory-gib G"),
        (["--gpu", "l4"], "name a model"),
        ([QWEN, "--gpu", "l4", "--max-model-len", "0"], "--max-model-len: 0 is not between 1"),
        ([QWEN, "--gpu", "l4", "--gpu-memory-utilization", "1.5"], "--gpu-memory-utilization"),
        ([QWEN, "--gpu-memory-gib", "nan"], "--gpu-memory-gib"),
        ([QWEN, "--gpu", "l4", "--config", "/no/such/config.json"], "there is no file /no/such/config.json"),
    ],
)
def test_wrong_input_answers_2_and_says_what_to_write(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_the_table_for_people_shows_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", QWEN, "--instance", "g6.xlarge", "--max-model-len", "8192"]) == 0
    shown = capsys.readouterr().out
    for part in ("fits", "budget", "weights", "activation peak", "CUDA graphs", "KV cache"):
        assert part in shown


def test_it_imports_no_pulumi() -> None:
    code = (
        "import sys; from planning.__main__ import main; "
        f"main(['fit', '{QWEN}', '--gpu', 'l4', '--max-model-len', '4096', '--json']); "
        "sys.exit('pulumi' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPO, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "option", "sections"),
    [
        (["--tensor-parallel", "8", "--instance", "p5.48xlarge"], "--tensor-parallel", {"tensorParallel": 8}),
        (["--max-model-len", "200000", "--instance", "p5.48xlarge"], "--max-model-len", {"maxModelLen": 200000}),
        (["--dtype", "bfloat16", "--instance", "g4dn.xlarge"], "--dtype", {"dtype": "bfloat16"}),
        (["--kv-cache-dtype", "fp8", "--instance", "g4dn.xlarge"], "--kv-cache-dtype", {"kvCacheDtype": "fp8"}),
        (["--vllm-version", "0.9.2", "--instance", "g6.xlarge"], "--vllm-version", {"image": {"tag": "v0.9.2"}}),
    ],
)
def test_the_command_and_the_stack_file_have_one_list_of_checks(
    capsys: pytest.CaptureFixture[str], arguments: list[str], option: str, sections: dict[str, Any]
) -> None:
    code, report = run_json(
        capsys, QWEN, *(["--max-model-len", "4096"] if option != "--max-model-len" else []), *arguments
    )
    removeprefixes = [
        reason.removeprefix(f"{option}: ") for reason in report["reasons"] if reason.startswith(f"{option}: ")
    ]
    instance = arguments[arguments.index("--instance") + 1]
    pools = [{"name": "one", "instanceTypes": [instance], "diskGib": 800}]
    refused = errors(refusal(nodePools=pools, models=[model(**{"maxModelLen": 4096, **sections})]))
    assert code == 1
    assert report["fits"] is False
    assert removeprefixes
    assert set(removeprefixes) <= set(refused.values())


def test_an_instance_that_no_eks_image_serves_does_not_work(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = run_json(capsys, "Qwen/Qwen2.5-1.5B-Instruct", "--instance", "g5g.xlarge", "--max-model-len", "4096")
    assert code == 1
    assert any(reason.startswith("--instance: the driver of EKS") for reason in report["reasons"])


def test_what_works_and_is_worth_knowing_is_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["Qwen/Qwen2.5-7B-Instruct", "--quantization", "fp8", "--instance", "g5.xlarge", "--max-model-len", "4096"]
    code, report = run_json(capsys, *asked)
    assert code == 0
    assert "computes no fp8" in report["warnings"][0]


def test_a_burst_is_told_when_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    where = ["fit", QWEN, "--instance", "g6.xlarge", "--max-model-len", "8192", "--input-tokens", "500"]
    assert main([*where, "--output-tokens", "50", "--at-once", "40", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["burst"]
    assert (report["requests"], report["most_at_once"], report["preempted"]) == (40, 40, 0)
    assert report["output_tokens_per_second"] == pytest.approx(40 * 50 / report["seconds"], rel=1e-3)
    assert main([*where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["burst"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--gpu", "l4", "--instance", "g6.xlarge"), "say where once"),
        (("--instance", "g6.xlarge", "--gpu-memory-gib", "24"), "say where once"),
        (("--gpu", "l4", "--quantization", "fp9"), "--quantization: unknown quantization 'fp9'"),
        (("--gpu", "l4", "--vllm-version", "banana"), "--vllm-version: 'banana' names no vLLM version"),
        (("--gpu", "l4", "--kv-cache-dtype", "int3"), "--kv-cache-dtype: invalid choice: 'int3'"),
        (("--gpu", "l4", "--config", "/"), "/ is no file"),
        (("--gpu", "l4", "--limit-mm-per-prompt", "image=x"), "--limit-mm-per-prompt: image 'x' is no count"),
        (("--gpu", "l4", "--at-once", "0"), "--at-once: 0 is not between"),
    ],
)
def test_what_is_wrong_is_named_by_its_option(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", QWEN, *arguments]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["recommend", "simulate"])
@pytest.mark.parametrize(("option", "value"), [("--kv-cache-dtype", "int3"), ("--quantization", "fp9")])
def test_the_other_commands_refuse_the_same_words(
    command: str, option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    load = ["--max-model-len", "8192", "--requests-per-second", "1", "--input-tokens", "10", "--output-tokens", "10"]
    told = [QWEN, *load] if command == "recommend" else ["--model", QWEN, "--instance", "g6.xlarge"]
    assert main([command, *told, option, value]) == 2
    assert f"{option}: " in capsys.readouterr().err
