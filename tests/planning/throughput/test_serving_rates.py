"""One place for a replica's costs and bounds: the lengths it takes, and what it does where a model does not fit."""

from __future__ import annotations

import pytest

from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.memory.fit import fit
from planning.nodes.instances import gpu
from planning.throughput.roofline import Traffic, most_concurrent
from planning.throughput.serving_rates import lengths, replica_rates, serving_rates
from settings.demand import DeclaredTraffic as Declared
from settings.lengths import USUAL_INPUT_TOKENS, USUAL_OUTPUT_TOKENS
from settings.models import Model
from tests.planning.stacks import QWEN, REVISION

KNOWN = architecture(QWEN)
ENGINE = EngineConfig(8192, max_num_seqs=64)
L4 = gpu("l4")


def asked(**changes: object) -> Model:
    return Model.model_validate({"name": "chat", "source": QWEN, "revision": REVISION, **changes})


def test_declared_lengths_are_taken_as_they_are() -> None:
    rates = serving_rates(asked(traffic={"requestsPerSecond": 2, "inputTokens": 300, "outputTokens": 40}),
                          KNOWN, ENGINE, L4)  # fmt: skip
    assert rates.traffic == Traffic(300, 40)
    assert rates.declared


def test_without_declared_traffic_the_usual_lengths_count_and_it_is_said() -> None:
    rates = serving_rates(asked(), KNOWN, ENGINE, L4)
    assert rates.traffic == Traffic(USUAL_INPUT_TOKENS, USUAL_OUTPUT_TOKENS)
    assert not rates.declared


def test_the_settings_have_the_same_usual_lengths() -> None:
    declared = Declared(requests_per_second=1)
    assert (declared.input_tokens, declared.output_tokens) == (USUAL_INPUT_TOKENS, USUAL_OUTPUT_TOKENS)


def test_a_short_model_gets_shorter_usual_requests_of_the_same_proportion() -> None:
    short = lengths(None, 512)
    assert short.input_tokens + short.output_tokens == pytest.approx(512)
    assert short.input_tokens / short.output_tokens == pytest.approx(USUAL_INPUT_TOKENS / USUAL_OUTPUT_TOKENS)


def test_the_cache_of_the_memory_plan_bounds_what_runs_at_once() -> None:
    planned = fit(KNOWN, ENGINE, L4.usable_memory_bytes, L4).kv_cache_tokens
    own, given = replica_rates(KNOWN, ENGINE, L4, Traffic(1000, 200)), 20_000
    assert own.kv_cache_tokens == planned
    smaller = replica_rates(KNOWN, ENGINE, L4, Traffic(1000, 200), given)
    assert smaller.most_concurrent == most_concurrent(given, 64, Traffic(1000, 200)) < own.most_concurrent


def test_what_does_not_fit_runs_one_request_at_a_time() -> None:
    large = architecture("meta-llama/Llama-3.3-70B-Instruct")
    assert replica_rates(large, ENGINE, L4, Traffic(1000, 200)).most_concurrent == 1.0


def test_limits_left_open_are_vllms_own() -> None:
    rates = replica_rates(KNOWN, EngineConfig(8192), L4, Traffic(1000, 200))
    assert (rates.max_num_seqs, rates.max_num_batched_tokens) == (256, 2048)
