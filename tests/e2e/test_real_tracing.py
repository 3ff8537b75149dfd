"""Spans of the real vLLM through the real OpenTelemetry Collector, on the platform: `make up ENGINE=vllm`.

Needs both programs: `make engine`, `python -m local tools collector`; without one of them: skipped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.commands.completion import models, service_url
from local.host.paths import platform_paths
from local.vllm_cpu.environment import installed
from tests.e2e.cluster import Cluster, eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.loading import changed_stack
from tests.e2e.span_receiver import SpanReceiver, service_of_the_receiver, span_receiver, traced_stack

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(installed(platform_paths()) is None, reason="vLLM is not installed; run: make engine"),
]

SAMPLING_PERCENT = 25
# Of so many requests 25 % ± 5 standard deviations are between 30 and 95: outside of it once in two million runs.
REQUESTS, FEWEST, MOST = 250, 28, 97
TOKENS = 3


@dataclass(frozen=True)
class Traced:
    """A model that sends spans, and where they end."""

    cluster: Cluster
    receiver: SpanReceiver
    url: str

    def ask(self, *headers: dict[str, str]) -> list[int]:
        """Statuses of one completion with each of these headers; four at a time."""
        return asyncio.run(self._ask(headers))

    async def _ask(self, headers: tuple[dict[str, str], ...]) -> list[int]:
        body = {"model": "qwen", "prompt": "Count.", "max_tokens": TOKENS, "ignore_eos": True}
        connector, timeout = aiohttp.TCPConnector(limit=4), aiohttp.ClientTimeout(total=300)

        async def one(own: dict[str, str]) -> int:
            async with session.post(f"{self.url}/v1/completions", json=body, headers=own) as answer:
                assert answer.status != 200 or (await answer.json())["usage"]["completion_tokens"] == TOKENS
                return answer.status

        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
            return await asyncio.gather(*(one(own) for own in headers))


@pytest.fixture(scope="module")
def traced(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    skip_unless_built("collector")
    cluster = Cluster(platform)
    for above in (platform.paths.state, *platform.paths.state.parents[:3]):
        above.chmod(0o755)  # pytest's folders are its user's only, and servers are another one
    with span_receiver() as receiver, service_of_the_receiver(cluster.core):

        def settings(config: dict[str, Any], model: dict[str, Any]) -> None:
            traced_stack(config, model, receiver.port, samplingPercent=SAMPLING_PERCENT)
            model |= {"servedName": "qwen", "maxModelLen": 2048, "maxNumSeqs": 8, "enforceEager": True}

        file: Path = changed_stack(tmp_path_factory.mktemp("traced"), settings)
        platform.run("up", "--engine", "vllm", "--stack-file", str(file))
        (model,) = models(platform.paths)
        yield Traced(cluster, receiver, service_url(platform.paths, model))
        platform.run("down", "--stack", "local")


def _ids(decision: str) -> tuple[str, str, dict[str, str]]:
    """Trace, span, and the header of a caller that decided; `01`: it samples, `00`: it does not."""
    trace, parent = os.urandom(16).hex(), os.urandom(8).hex()
    return trace, parent, {"traceparent": f"00-{trace}-{parent}-{decision}"}


def test_a_callers_span_is_the_parent_of_the_servers_and_its_decision_holds(traced: Traced) -> None:
    sampled, left_out = [_ids("01") for _ in range(8)], [_ids("00") for _ in range(8)]
    assert set(traced.ask(*(header for _, _, header in (*sampled, *left_out)))) == {200}
    for trace, parent, _ in sampled:
        (span,) = eventually("the span arrives", lambda trace=trace: traced.receiver.of(trace))
        assert (span.parent, span.service) == (parent, "qwen")
        assert span.attributes["gen_ai.usage.completion_tokens"] == TOKENS
        assert span.attributes["gen_ai.latency.time_to_first_token"] > 0
        assert not [key for key, value in span.attributes.items() if "Count." in str(value)], "no prompts"
    last, _, header = _ids("01")
    assert traced.ask(header) == [200]
    eventually("a later span arrives", lambda: traced.receiver.of(last))
    assert not [trace for trace, _, _ in left_out if traced.receiver.of(trace)]


def test_of_requests_without_a_decision_the_share_that_the_stack_names_is_traced(traced: Traced) -> None:
    before = len(traced.receiver.spans)
    assert set(traced.ask(*({} for _ in range(REQUESTS)))) == {200}
    last, _, header = _ids("01")
    assert traced.ask(header) == [200]
    eventually("the last span arrives", lambda: traced.receiver.of(last))
    spans = [span for span in traced.receiver.spans[before:] if span.name == "llm_request" and span.trace != last]
    print(f"{len(spans)} of {REQUESTS} requests were traced at {SAMPLING_PERCENT} %")
    assert {span.parent for span in spans} == {""}, "each is the first span of a trace of its own"
    assert len({span.trace for span in spans}) == len(spans)
    assert FEWEST <= len(spans) <= MOST
    # opentelemetry.sdk.trace.sampling.TraceIdRatioBased: by the lower half of the id.
    bound = round(SAMPLING_PERCENT / 100 * 2**64)
    assert [span.trace for span in spans if int(span.trace[16:], 16) >= bound] == []


def test_requests_are_answered_while_there_is_no_collector_and_traced_when_it_is_back(traced: Traced) -> None:
    (deployment,) = traced.cluster.apps.list_namespaced_deployment("tracing").items
    name = deployment.metadata.name
    traced.cluster.scale(name, 0, "tracing")
    processes = traced.cluster.platform.processes
    eventually("no collector", lambda: not processes.is_alive("otel-collector"))
    assert set(traced.ask(*(_ids("01")[2] for _ in range(20)))) == {200}
    traced.cluster.scale(name, 1, "tracing")
    eventually("a collector", lambda: processes.is_alive("otel-collector"))
    trace, _, header = _ids("01")
    assert traced.ask(header) == [200]
    eventually("the span arrives", lambda: traced.receiver.of(trace), patience_seconds=300)
