from __future__ import annotations

import pytest

from planning.model import PlanRefused, Severity
from planning.plan import plan
from tests.planning.stacks import LLAMA, errors, model, planned, pool, refusal, stack

TOKEN = {"kind": "pulumiConfig"}
LONG = model(source=LLAMA, tokenSecret=TOKEN, maxModelLen=131072)


def test_a_context_that_does_not_fit_says_the_longest_that_does() -> None:
    message = errors(refusal(models=[LONG]))["models[0].maxModelLen"]
    longest = int(message.split("write maxModelLen: ")[1].split(" ")[0].rstrip(";"))
    assert 25_000 < longest < 45_000
    fitting = planned(models=[{**LONG, "maxModelLen": longest}])
    assert fitting.models[0].memory is not None
    with pytest.raises(PlanRefused):
        plan(stack(models=[{**LONG, "maxModelLen": longest + 1024}]), "dev")


def test_a_model_that_does_not_fit_says_what_would_with_prices() -> None:
    message = errors(refusal(models=[model(source="Qwen/Qwen2.5-32B-Instruct")]))["models[0].source"]
    assert "does not fit 1 × l4" in message
    assert "instances that fit: " in message
    assert "$4.6016/h" in message
    assert "g6.12xlarge (l4, tensorParallel: 4" in message


def test_a_larger_group_on_the_same_node_is_offered_first() -> None:
    findings = refusal(
        nodePools=[pool(instanceTypes=["g6.12xlarge"])], models=[model(source="Qwen/Qwen2.5-14B-Instruct")]
    )
    assert "write tensorParallel: 2 or quantization: fp8" in errors(findings)["models[0].source"]


def test_an_accepted_memory_risk_is_a_warning() -> None:
    accepted = {**LONG, "acceptedRisks": {"memoryFit": "measured on our own cluster"}}
    findings = planned(models=[accepted]).findings
    risk = next(finding for finding in findings if finding.rule == "memory-fit")
    assert risk.severity is Severity.WARNING
    assert "measured on our own cluster" in risk.text


def test_a_larger_context_than_the_models_is_refused_whatever_the_memory() -> None:
    refused = errors(refusal(models=[model(source="Qwen/Qwen2.5-0.5B-Instruct", maxModelLen=65536)]))
    assert "more than the 32768 positions" in refused["models[0].maxModelLen"]
    overridden = model(source="Qwen/Qwen2.5-0.5B-Instruct", maxModelLen=65536, extraArgs=["--hf-overrides={}"])
    assert planned(models=[overridden]).models[0].args[-1] == "--hf-overrides={}"


def test_a_group_that_does_not_divide_the_heads_is_refused() -> None:
    findings = refusal(
        nodePools=[pool(instanceTypes=["g6.48xlarge"], diskGib=800)],
        models=[model(source="Qwen/Qwen2.5-0.5B-Instruct", tensorParallel=4)],
    )
    assert "does not divide the 14 attention heads" in errors(findings)["models[0].tensorParallel"]


def test_a_group_larger_than_the_node_is_refused_with_the_node_that_has_it() -> None:
    refused = errors(refusal(models=[model(tensorParallel=4)]))
    message = refused["models[0].tensorParallel"]
    assert "(g6.xlarge) has 1" in message
    assert "g6.12xlarge (4 GPUs, $4.6016/h)" in message


def test_a_model_outside_the_table_is_planned_by_its_name_and_says_so() -> None:
    stack_plan = planned(models=[model(source="nobody/secret-sauce-7B")])
    assert stack_plan.models[0].memory is None
    warning = next(finding for finding in stack_plan.findings if finding.rule == "unknown-model")
    assert "memory is not checked" in warning.text
    assert 14 <= stack_plan.models[0].cache.size_gib <= 18


def test_memory_of_a_batch_the_user_enlarged_is_counted() -> None:
    plain = planned(models=[model()]).models[0].memory
    larger = planned(models=[model(extraArgs=["--max-num-batched-tokens=16384"])]).models[0].memory
    assert plain is not None
    assert larger is not None
    assert larger.kv_cache_tokens < plain.kv_cache_tokens
