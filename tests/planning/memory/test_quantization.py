from __future__ import annotations

from typing import Any

import pytest

from planning.model import Severity
from tests.planning.stacks import errors, model, planned, pool, refusal, rules

AWQ = "Qwen/Qwen2.5-7B-Instruct-AWQ"
FP8 = "RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8-dynamic"
A10G = pool(name="a10g", instanceTypes=["g5.xlarge"])
T4 = pool(name="t4", instanceTypes=["g4dn.xlarge"])


def flag(**changes: Any) -> str | None:
    arguments = planned(models=[model(**changes)]).models[0].args
    return next((argument.split("=")[1] for argument in arguments if argument.startswith("--quantization=")), None)


def test_16_bit_weights_are_quantized_while_loading_by_the_name_the_version_knows() -> None:
    # Fp8Config of 0.33 refuses `--quantization fp8` for 16-bit weights.
    assert flag(quantization="fp8") == "fp8_per_tensor"
    assert flag(quantization="fp8", image={"tag": "v0.19.0"}) == "fp8"
    assert flag(quantization="int8") == "int8_per_channel_weight_only"


@pytest.mark.parametrize(("source", "quantization"), [(AWQ, "awq"), (FP8, "fp8"), (AWQ, "none")])
def test_weights_that_are_stored_so_need_no_flag(source: str, quantization: str) -> None:
    assert flag(source=source, quantization=quantization) is None


def test_a_method_that_does_not_match_the_source_is_refused() -> None:
    refused = errors(refusal(models=[model(source=AWQ, quantization="gptq")]))
    assert "write quantization: awq" in refused["models[0].quantization"]
    refused = errors(refusal(models=[model(quantization="awq")]))
    assert "write source: Qwen/Qwen2.5-7B-Instruct-AWQ" in refused["models[0].quantization"]


def test_a_source_that_is_not_in_the_table_is_believed_with_a_warning() -> None:
    plan = planned(models=[model(source="nobody/private-7B", quantization="awq")])
    assert "quantization-mismatch" in rules(plan.findings, Severity.WARNING)


def test_a_method_that_left_vllm_is_refused() -> None:
    refused = errors(refusal(models=[model(quantization="bitsandbytes")]))
    assert "vLLM 0.33.0 has no bitsandbytes for 16-bit weights" in refused["models[0].quantization"]
    assert flag(quantization="bitsandbytes", image={"tag": "v0.27.0"}) == "bitsandbytes"


def test_fp8_on_ampere_is_weight_only() -> None:
    plan = planned(nodePools=[A10G], models=[model(quantization="fp8")])
    assert "fp8-weight-only" in rules(plan.findings, Severity.WARNING)
    assert "fp8-weight-only" not in rules(planned(models=[model(quantization="fp8")]).findings, Severity.WARNING)


def test_an_fp8_cache_is_warned_of_on_ampere_and_refused_on_turing() -> None:
    plan = planned(nodePools=[A10G], models=[model(kvCacheDtype="fp8")])
    assert "kv-cache-gpu" in rules(plan.findings, Severity.WARNING)
    small = model(source="Qwen/Qwen2.5-1.5B-Instruct", kvCacheDtype="fp8")
    assert "write auto" in errors(refusal(nodePools=[T4], models=[small]))["models[0].kvCacheDtype"]


def test_turing_has_no_bfloat16() -> None:
    small = model(source="Qwen/Qwen2.5-1.5B-Instruct", dtype="bfloat16")
    assert "write float16" in errors(refusal(nodePools=[T4], models=[small]))["models[0].dtype"]


def test_mxfp4_needs_ampere() -> None:
    refused = errors(refusal(nodePools=[T4], models=[model(source="openai/gpt-oss-20b")]))
    assert "mxfp4 needs compute capability 8.0" in refused["models[0].quantization"]
