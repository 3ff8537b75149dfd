"""When the plan advises a smaller chunk of prompts per step, and when it keeps quiet."""

from __future__ import annotations

from dataclasses import replace

from planning.architectures.table import architecture
from planning.findings import Findings
from planning.memory.engine import EngineConfig
from planning.nodes.instances import gpu
from planning.scaling.chunk_advice import check_chunk, chunk_advice
from planning.throughput.roofline import Traffic
from planning.throughput.serving_rates import ServingRates, replica_rates
from planning.throughput.slo_load import Promise
from settings.models import Model
from tests.planning.stacks import REVISION

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
USUAL = Traffic(1155.0, 211.0)
TRAFFIC = {"requestsPerSecond": 2}


def rates_of(card: str, traffic: Traffic = USUAL, max_num_seqs: int = 64) -> ServingRates:
    engine = EngineConfig(8192, max_num_seqs=max_num_seqs)
    return replica_rates(architecture(MODEL), engine, gpu(card), traffic)


def model(**more: object) -> Model:
    return Model.model_validate({"name": "llama", "source": MODEL, "revision": REVISION, **more})


def warned(asked: Model, rates: ServingRates | None) -> list[str]:
    findings = Findings()
    check_chunk(asked, rates, "models[0]", findings)
    return [f"{each.path} {each.rule}: {each.text}" for each in findings.all()]


def test_an_l4_is_told_a_chunk_that_makes_it_hold_more() -> None:
    (message,) = warned(model(traffic=TRAFFIC), rates_of("l4"))
    assert message.startswith("models[0].extraArgs prompt-chunk: a step with 2048 prompt tokens takes about 0.45 s")
    assert "extraArgs: [--max-num-batched-tokens=256]" in message


def test_what_is_advised_brings_what_it_says_and_is_not_advised_again() -> None:
    rates = rates_of("l4")
    advice = chunk_advice(rates, Promise())
    assert advice is not None
    assert advice.advised_requests_per_second > 1.25 * advice.requests_per_second
    followed = replace(rates, max_num_batched_tokens=advice.tokens)
    assert chunk_advice(followed, Promise()) is None


def test_a_chunk_is_never_smaller_than_the_batch() -> None:
    """vLLM refuses max_num_batched_tokens below max_num_seqs."""
    advice = chunk_advice(rates_of("l4", Traffic(2500.0, 150.0), max_num_seqs=400), Promise())
    assert advice is not None
    assert advice.tokens >= 400


def test_fast_gpus_and_lax_promises_are_left_alone() -> None:
    assert chunk_advice(rates_of("h100"), Promise()) is None
    assert chunk_advice(rates_of("l4"), Promise(10.0, 1.0)) is None


def test_short_answers_to_long_prompts_are_advised_on_a_faster_gpu_too() -> None:
    advice = chunk_advice(rates_of("l40s", Traffic(2048.0, 28.0)), Promise())
    assert advice is not None
    assert advice.tokens < 2048


def test_nothing_is_said_without_traffic_or_slo_or_of_an_unknown_model() -> None:
    assert warned(model(), rates_of("l4")) == []
    assert warned(model(traffic=TRAFFIC), None) == []
    assert len(warned(model(slo={"timePerOutputTokenSeconds": 0.1}), rates_of("l4"))) == 1
