"""`--gpu-sharing` of fit and recommend says what the plan says of a pool with that gpuSharing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planning.__main__ import main
from tests.planning.stacks import model, planned, pool

SMALL = "Qwen/Qwen2.5-3B-Instruct"
QWEN = "Qwen/Qwen2.5-7B-Instruct"
ON_L4 = ["--instance", "g6.2xlarge", "--max-model-len", "4096"]
ON_A100 = ["--instance", "p4d.24xlarge", "--max-model-len", "4096"]
LOAD = ["--max-model-len", "4096", "--requests-per-second", "1", "--input-tokens", "300", "--output-tokens", "100"]


def asked(capsys: pytest.CaptureFixture[str], command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([command, *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("where", "options", "sharing"),
    [
        (ON_L4, ["mps", "--gpu-sharing-replicas", "2"], {"kind": "mps", "replicas": 2}),
        (ON_A100, ["mig", "--gpu-sharing-profile", "2g.10gb"], {"kind": "mig", "profile": "2g.10gb"}),
        (
            [*ON_L4, "--gpu-memory-utilization", "0.47"],
            ["timeSlicing", "--gpu-sharing-replicas", "2"],
            {"kind": "timeSlicing", "replicas": 2},
        ),
    ],
)
def test_fit_says_of_a_share_what_the_plan_says(
    where: list[str], options: list[str], sharing: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    as_stack_files = ["--max-num-seqs", "64", "--input-tokens", "1155", "--output-tokens", "211"]
    as_stack_files += ["--vllm-version", "0.33.0"]
    code, report = asked(capsys, "fit", SMALL, *where, *as_stack_files, "--gpu-sharing", *options)
    assert (code, report["fits"], report["gpu_sharing"]) == (0, True, sharing)
    more = {"gpuMemoryUtilization": 0.47} if sharing["kind"] == "timeSlicing" else {}
    plan = planned(
        nodePools=[pool(instanceTypes=[where[1]], gpuSharing=sharing)],
        models=[model(source=SMALL, maxModelLen=4096, **more)],
    )
    memory, throughput = plan.models[0].memory, plan.models[0].throughput
    assert memory is not None
    assert throughput is not None
    assert report["kv_cache_tokens"] == memory.kv_cache_tokens
    assert report["throughput"]["requests_per_second"] == throughput.requests_per_second
    assert report["replicas_per_gpu"] == plan.gpu_pools[0].sharing.pods_per_gpu


def test_a_whole_gpu_is_the_default_and_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    code, plain = asked(capsys, "fit", QWEN, *ON_L4)
    assert (code, plain["gpu_sharing"], plain["replicas_per_gpu"]) == (0, {"kind": "none"}, 1)
    assert asked(capsys, "fit", QWEN, *ON_L4, "--gpu-sharing", "none") == (0, plain)


def test_a_node_full_of_shares_shares_its_price(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = asked(capsys, "fit", SMALL, *ON_L4, "--gpu-sharing", "mps", "--gpu-sharing-replicas", "2")
    tokens_per_hour = 2 * report["throughput"]["total_tokens_per_second"] * 3600
    assert report["usd_per_million_tokens"] == pytest.approx(report["usd_per_hour"] / tokens_per_hour * 1e6, rel=1e-3)
    assert (report["gpu"], report["gpu_memory_gib"] < 12) == ("l4", True)


def test_time_slices_that_take_too_much_together_do_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = asked(capsys, "fit", SMALL, *ON_L4, "--gpu-sharing", "timeSlicing", "--gpu-sharing-replicas", "2")
    assert (code, report["fits"], report["throughput"]) == (1, False, None)
    assert "--gpu-memory-utilization 0.47 or less" in report["reasons"][0]


def test_a_replica_of_several_shares_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--gpu-sharing", "mps", "--gpu-sharing-replicas", "2", "--tensor-parallel", "2"]
    code, report = asked(capsys, "fit", SMALL, "--instance", "g6.12xlarge", "--max-model-len", "4096", *options)
    assert code == 1
    assert "--tensor-parallel 1" in report["reasons"][0]


def test_the_table_names_the_share(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", SMALL, *ON_L4, "--gpu-sharing", "mps", "--gpu-sharing-replicas", "2"]) == 0
    assert "l4 1/2" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["fit", "recommend"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["mps"], "--gpu-sharing mps needs --gpu-sharing-replicas"),
        (["timeSlicing", "--gpu-sharing-profile", "1g.5gb"], "needs --gpu-sharing-replicas"),
        (["mig", "--gpu-sharing-replicas", "2"], "--gpu-sharing mig needs --gpu-sharing-profile"),
        (["mps", "--gpu-sharing-replicas", "1"], "--gpu-sharing-replicas: 1 is less than 2"),
        (["mps", "--gpu-sharing-replicas", "49"], "49 is more than 48"),
        (["mps", "--gpu-sharing-replicas", "2", "--gpu-sharing-profile", "1g.5gb"], "--gpu-sharing-profile is for mig"),
        (["none", "--gpu-sharing-replicas", "2"], "--gpu-sharing-replicas is for mps and timeSlicing"),
    ],
)
def test_wrong_sharing_is_said_in_the_words_of_the_command_line(
    command: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = ON_L4 if command == "fit" else LOAD
    assert main([command, SMALL, *rest, "--gpu-sharing", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*ON_L4, "--gpu-sharing", "mig", "--gpu-sharing-profile", "1g.5gb"], "l4 has no MIG"),
        ([*ON_A100, "--gpu-sharing", "mig", "--gpu-sharing-profile", "2g.11gb"], "did you mean 2g.10gb"),
        (["--gpu-memory-gib", "24", "--gpu-sharing", "mps", "--gpu-sharing-replicas", "2"], "--instance or --gpu"),
    ],
)
def test_a_share_that_the_gpu_does_not_have_is_wrong_input(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", SMALL, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_recommend_packs_shares_on_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    asked_for = [SMALL, *LOAD[:2], "--requests-per-second", "20", *LOAD[4:]]
    code, report = asked(capsys, "recommend", *asked_for, "--gpu-sharing", "mps", "--gpu-sharing-replicas", "2")
    assert code == 0
    assert report["gpu_sharing"] == {"kind": "mps", "replicas": 2}
    offer = next(instance for instance in report["instances"] if instance["instance"] == "g6.xlarge")
    assert (offer["gpu"], offer["tensor_parallel"]) == ("l4 1/2", 1)
    assert offer["nodes"] == -(-offer["replicas"] // 2)
    assert all(instance["tensor_parallel"] == 1 for instance in report["instances"])


def test_recommend_gives_time_slices_what_they_may_take_together(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = asked(capsys, "recommend", SMALL, *LOAD, "--gpu-sharing", "timeSlicing", "--gpu-sharing-replicas", "2")
    assert {instance["gpu_memory_utilization"] for instance in report["instances"]} == {0.47}
    _, whole = asked(capsys, "recommend", SMALL, *LOAD)
    assert {instance["gpu_memory_utilization"] for instance in whole["instances"]} == {0.9}


def test_recommend_says_which_gpus_have_no_such_share(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--gpu-sharing", "mig", "--gpu-sharing-profile", "2g.10gb"]
    code, report = asked(capsys, "recommend", SMALL, *LOAD, *options)
    assert code == 0
    assert {instance["gpu"] for instance in report["instances"]} == {"a100-40gb 2g.10gb"}
    reasons = {other["instance"]: other["reason"] for other in report["others"]}
    assert reasons["g6.xlarge"] == "l4 has no MIG"
    assert "no MIG profile '2g.10gb'" in reasons["p5.48xlarge"]
