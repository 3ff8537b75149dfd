from __future__ import annotations

from typing import Any

import pytest

from planning.model import Severity
from tests.planning.stacks import QWEN, REVISION, errors, model, planned, refusal, rules


def args(**changes: Any) -> tuple[str, ...]:
    return planned(models=[model(**changes)]).models[0].args


def test_the_model_is_named_by_id_and_pinned_by_revision() -> None:
    arguments = args()
    assert arguments[0] == QWEN
    assert f"--revision={REVISION}" in arguments
    assert f"--tokenizer-revision={REVISION}" in arguments
    assert f"--served-model-name={QWEN}" in arguments
    assert planned().models[0].env["HF_HUB_OFFLINE"] == "1"


def test_every_planned_number_is_an_argument() -> None:
    arguments = args(maxModelLen=4096, maxNumSeqs=32, gpuMemoryUtilization=0.85, enforceEager=True, servedName="chat")
    assert {
        "--max-model-len=4096",
        "--max-num-seqs=32",
        "--gpu-memory-utilization=0.85",
        "--enforce-eager",
        "--served-model-name=chat",
        "--port=8000",
        "--shutdown-timeout=120",
        "--disable-access-log-for-endpoints=/health,/metrics,/ping",
    } <= set(arguments)


def test_an_argument_of_the_user_comes_last_and_unchanged() -> None:
    assert args(extraArgs=["--enable-prefix-caching", "--seed=7"])[-2:] == ("--enable-prefix-caching", "--seed=7")


def test_the_password_of_the_api_is_never_an_argument() -> None:
    refused = errors(refusal(models=[model(extraArgs=["--api-key=s3cr3t-canary"])]))
    assert "plain text" in refused["models[0].extraArgs[0]"]
    assert "s3cr3t-canary" not in str(refused)


@pytest.mark.parametrize(
    ("argument", "setting"),
    [
        ("--max-model-len=4096", "write maxModelLen instead"),
        ("--max_model_len=4096", "write maxModelLen instead"),
        ("-tp=2", "write tensorParallel instead"),
        ("--quantization=fp8", "write quantization instead"),
        ("--shutdown-timeout=9", "write drain.shutdownTimeoutSeconds instead"),
        ("--no-enforce-eager", "write enforceEager instead"),
        ("--port=80", "port 8000"),
        ("--pipeline-parallel-size=2", "write pipelineParallel instead"),
        ("--node-rank=1", "write nodes instead"),
        ("--disable-log-stats", "autoscaler reads"),
    ],
)
def test_arguments_of_the_plan_are_refused_with_the_setting_to_use(argument: str, setting: str) -> None:
    assert setting in errors(refusal(models=[model(extraArgs=[argument])]))["models[0].extraArgs[0]"]


def test_malformed_and_doubled_arguments_are_refused() -> None:
    refused = errors(refusal(models=[model(extraArgs=["--seed 7", "seed=7", "--seed=7", "--seed=8"])]))
    assert "--name=value" in refused["models[0].extraArgs[0]"]
    assert "--name=value" in refused["models[0].extraArgs[1]"]
    assert "already in extraArgs[2]" in refused["models[0].extraArgs[3]"]


def test_a_value_that_stands_alone_may_be_a_token_and_is_not_repeated() -> None:
    findings = refusal(
        models=[model(extraArgs=["--hf-token", "hf_canary", "--api-key hf_canary", "--hf-token=hf_canary"])]
    )
    assert len(errors(findings)) >= 3
    assert "hf_canary" not in str(findings)


def test_an_argument_the_version_does_not_know_is_refused_with_the_nearest() -> None:
    told = errors(refusal(models=[model(extraArgs=["--enable-prefix-cache", "--swap-space=4"])]))
    assert "did you mean --enable-prefix-caching" in told["models[0].extraArgs[0]"]
    assert "last seen in vLLM 0.17.0" in told["models[0].extraArgs[1]"]


def test_an_argument_may_have_come_with_a_version_that_the_table_does_not_have() -> None:
    plan = planned(models=[model(image={"tag": "v0.40.0"}, extraArgs=["--brand-new"])])
    assert "unknown-argument" in rules(plan.findings, Severity.WARNING)


@pytest.mark.parametrize(
    "argument",
    ["--allowed-local-media-path=/", "--allowed_local_media_path=/data", "--allowed-local=/", "--tool-server=demo"],
)
def test_what_opens_files_or_a_way_out_to_clients_is_refused(argument: str) -> None:
    assert "models[0].extraArgs[0]" in errors(refusal(models=[model(extraArgs=[argument])]))


@pytest.mark.parametrize("argument", ["--worker-cls=os.system", "--middleware=a.b", "--tool-parser-plugin=/tmp/x.py"])
def test_what_imports_code_is_refused_and_warned_of_in_an_image_of_ones_own(argument: str) -> None:
    assert "models[0].extraArgs[0]" in errors(refusal(models=[model(extraArgs=[argument])]))
    own = model(extraArgs=[argument], image={"repository": "registry.example/vllm", "tag": "v0.33.0"})
    assert "argument-risk" in rules(planned(models=[own]).findings, Severity.WARNING)


def test_remote_code_and_draft_models_are_warned_of() -> None:
    plan = planned(models=[model(extraArgs=["--trust-remote-code", '--speculative-config={"method": "mtp"}'])])
    assert [finding.rule for finding in plan.findings].count("argument-risk") == 2


def test_an_older_image_gets_only_flags_it_knows() -> None:
    arguments = args(image={"tag": "v0.16.0"})
    assert not any(argument.startswith("--shutdown-timeout") for argument in arguments)
    assert "--disable-access-log-for-endpoints=/health,/metrics,/ping" in arguments


def test_an_image_older_than_the_table_is_refused_and_a_newer_one_doubted() -> None:
    refused = errors(refusal(models=[model(image={"tag": "v0.8.3"})]))
    assert "write v0.33.0" in refused["models[0].image.tag"]
    assert "image-too-new" in rules(planned(models=[model(image={"tag": "v0.40.0"})]).findings, Severity.WARNING)
