"""/metrics: the names, labels, types and buckets of the pinned vLLM, and numbers that add up."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from local.engine import metric_table
from local.engine.engine import Engine
from local.engine.metrics import EngineMetrics, length_buckets
from planning.versions import vllm_versions
from tests.local.engine.simulated import client_of, engine, run

# Families that exist only with a feature that is not simulated; see metric_table.
FEATURE_GATED = {
    "vllm:corrupted_requests",
    "vllm:watermark_requests",
    "vllm:spec_decode_num_accepted_tokens_per_pos",
    "vllm:lora_requests_info",
    "vllm:num_requests_kv_fetch_by_stage",
    "vllm:kv_block_idle_before_evict_seconds",
    "vllm:kv_block_lifetime_seconds",
    "vllm:kv_block_reuse_gap_seconds",
}
GONE = ("gpu_cache_usage_perc", "gpu_prefix_cache", "vllm:time_per_output_token_seconds", "num_requests_swapped")


def _families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def _value(text: str, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and all(sample.labels.get(k) == v for k, v in labels.items()):
                return sample.value
    raise AssertionError(f"no sample {name} {labels}")


@pytest.mark.parametrize("kind", ["gauge", "counter", "histogram"])
def test_the_table_has_what_the_planner_says_of_the_pinned_version(kind: str) -> None:
    planned = vllm_versions.names(kind, (0, 33, 0))
    ours = {spec.name for spec in metric_table.METRICS if spec.kind == kind}
    assert planned - ours == FEATURE_GATED & planned
    assert ours - planned == set()


def test_the_exposition_has_the_table_and_nothing_that_is_gone() -> None:
    text = engine().metrics.exposition().decode()
    families = _families(text)
    for spec in metric_table.METRICS:
        assert families[spec.name].type == spec.kind, spec.name
        labels = {name for sample in families[spec.name].samples for name in sample.labels} - {"le"}
        assert labels == {*spec.labels, *([spec.extra[0]] if spec.extra else [])}, spec.name
    assert not any(gone in text for gone in GONE)
    assert re.search(r'^vllm:cache_config_info\{.*num_gpu_blocks="4096".*\} 1\.0$', text, re.M)


def test_an_older_version_shows_what_it_had() -> None:
    text = EngineMetrics("m", 4096, (0, 19, 0), {"block_size": "16"}).exposition().decode()
    assert "vllm:num_requests_waiting_by_reason" not in text
    assert "vllm:num_requests_waiting{" in text


def test_histograms_have_vllms_buckets() -> None:
    families = _families(engine(max_model_len=100).metrics.exposition().decode())

    def bounds(name: str) -> list[str]:
        return [s.labels["le"] for s in families[name].samples if s.name.endswith("_bucket")]

    assert bounds("vllm:time_to_first_token_seconds")[:3] == ["0.001", "0.005", "0.01"]
    assert bounds("vllm:time_to_first_token_seconds")[-2:] == ["2560.0", "+Inf"]
    assert bounds("vllm:e2e_request_latency_seconds")[:2] == ["0.3", "0.5"]
    assert bounds("vllm:request_prompt_tokens") == ["1.0", "2.0", "5.0", "10.0", "20.0", "50.0", "100.0", "+Inf"]
    assert length_buckets(100) == (1, 2, 5, 10, 20, 50, 100)


def test_what_was_asked_for_is_what_the_metrics_count() -> None:
    served = engine("--served-model-name=q")

    async def work() -> None:
        async with client_of(served) as client:
            for tokens in (3, 4):
                body = {"model": "q", "prompt": [1] * 10, "max_tokens": tokens, "ignore_eos": True}
                assert (await client.post("/v1/completions", json=body)).status == 200
            answer = await client.get("/metrics")
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            _check(await answer.text())

    run(work)


def _check(text: str) -> None:
    series = {"model_name": "q", "engine": "0"}
    assert _value(text, "vllm:prompt_tokens_total", **series) == 20
    assert _value(text, "vllm:prompt_tokens_by_source_total", source="local_compute") == 20
    assert _value(text, "vllm:generation_tokens_total", **series) == 7
    assert _value(text, "vllm:request_success_total", finished_reason="length") == 2
    assert _value(text, "vllm:request_success_total", finished_reason="stop") == 0
    assert _value(text, "vllm:time_to_first_token_seconds_count") == 2
    assert _value(text, "vllm:inter_token_latency_seconds_count") == 5
    assert _value(text, "vllm:request_generation_tokens_sum") == 7
    assert _value(text, "vllm:e2e_request_latency_seconds_count") == 2
    assert _value(text, "vllm:request_queue_time_seconds_count") == 2
    assert _value(text, "vllm:num_requests_running") == 0
    assert _value(text, "vllm:kv_cache_usage_perc") == 0


def test_every_metric_the_engine_writes_is_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """`EngineMetrics` passes over names that an old version lacks, so a misspelt one would go unseen."""
    written: set[str] = set()
    for method in ("set", "increment", "observe"):
        monkeypatch.setattr(EngineMetrics, method, lambda self, name, *_, **__: written.add(f"vllm:{name}"))
    served = engine("--max-num-queued-reqs=1")

    async def work() -> None:
        async with client_of(served) as client:
            body = {"prompt": "x", "max_tokens": 3}
            await client.post("/v1/completions", json=body)
            await client.post("/v1/completions", json={**body, "n": 2})
        served.batcher.observer.on_preemption(None)  # type: ignore[arg-type]

    run(work)
    assert len(written) > 15
    assert written <= {spec.name for spec in metric_table.METRICS}


def test_two_engines_do_not_share_a_registry() -> None:
    first, second = engine(), engine()
    first.metrics.increment("generation_tokens", 5)

    def generated(of: Engine) -> float:
        return _value(of.metrics.exposition().decode(), "vllm:generation_tokens_total")

    assert (generated(first), generated(second)) == (5, 0)
