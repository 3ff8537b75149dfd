"""Spans through the real OpenTelemetry Collector, as the release configures it: in and out by OTLP/gRPC.

The simulated engine sends none, so the test sends what a server does; the real vLLM: test_real_tracing.py.
Its program is built only for a stack that asks for it (`python -m local tools collector`); without it: skipped.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from components.cluster.operators.collector import collector_values
from tests.components.plans import COLLECTOR
from tests.e2e.cluster import Cluster, eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.loading import changed_stack
from tests.e2e.span_receiver import SpanReceiver, service_of_the_receiver, span_receiver, traced_stack

pytestmark = pytest.mark.e2e

HEADER = "Bearer of-this-test"


@pytest.fixture(scope="module")
def receiver() -> Iterator[SpanReceiver]:
    with span_receiver() as made:
        yield made


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory, receiver: SpanReceiver) -> Path:
    def traced(settings: dict[str, Any], model: dict[str, Any]) -> None:
        traced_stack(settings, model, receiver.port, headersSecret="otlp")

    return changed_stack(tmp_path_factory.mktemp("tracing"), traced)


@pytest.fixture(scope="module")
def cluster(platform: Platform, stack_file: Path) -> Iterator[Cluster]:
    skip_unless_built("collector")
    made = Cluster(platform)
    with service_of_the_receiver(made.core):
        output = platform.run("up", "--stack-file", str(stack_file))
        assert "says:" in output, "a model answers through its Service"
        yield made
        platform.run("down", "--stack", "local")


def span(trace: bytes) -> ExportTraceServiceRequest:
    """One span of a server, as an exporter sends it."""
    of_server = Span(trace_id=trace, span_id=os.urandom(8), name="llm_request", start_time_unix_nano=1)
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[of_server])])])


def sent(cluster: Cluster, trace: bytes) -> bool:
    """Whether the collector took a span of that trace."""
    with grpc.insecure_channel(f"127.0.0.1:{cluster.platform.ports['collector-otlp']}") as channel:
        try:
            TraceServiceStub(channel).Export(span(trace), timeout=5)
        except grpc.RpcError:
            return False
    return True


def collector_log(cluster: Cluster, name: str) -> str:
    file = cluster.platform.processes.log_file(name)
    return file.read_text() if file.exists() else ""


def test_it_waits_for_the_secret_that_its_header_is_in(cluster: Cluster) -> None:
    waits = "otel-collector: waits for secrets tracing/otlp, key authorization"
    eventually("it waits", lambda: waits in collector_log(cluster, "supervisor"))
    assert not sent(cluster, os.urandom(16))
    body = {"metadata": {"name": "otlp"}, "stringData": {"authorization": HEADER}}
    cluster.core.create_namespaced_secret("tracing", body)
    eventually("the collector takes spans", lambda: sent(cluster, os.urandom(16)))


def test_a_span_goes_in_by_grpc_and_out_to_the_service_that_the_stack_names_with_its_header(
    cluster: Cluster, receiver: SpanReceiver
) -> None:
    trace = os.urandom(16)
    assert sent(cluster, trace)
    eventually("the span arrives", lambda: receiver.of(trace.hex()), lambda: collector_log(cluster, "otel-collector"))
    assert receiver.authorizations == {HEADER}
    assert HEADER not in collector_log(cluster, "otel-collector") + collector_log(cluster, "supervisor")


def test_no_part_of_our_configuration_is_called_by_a_name_that_goes(cluster: Cluster) -> None:
    """`otlp` and `otlphttp` were accepted until now, with a warning in the log."""
    assert "deprecated" not in collector_log(cluster, "otel-collector").lower()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_the_real_collector_takes_what_is_rendered(cluster: Cluster, tmp_path: Path, protocol: str) -> None:
    assert COLLECTOR.tracing is not None
    plan = replace(COLLECTOR, tracing=replace(COLLECTOR.tracing, protocol=protocol))
    file = tmp_path / "relay.yaml"
    file.write_text(yaml.safe_dump(collector_values(plan)["alternateConfig"]))
    program = cluster.platform.paths.tools_bin / "otel-collector"
    variables = {"MY_POD_IP": "127.0.0.1", "OTLP_AUTHORIZATION": HEADER}
    done = subprocess.run(
        [program, "validate", f"--config={file}"], env=variables, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_without_a_ready_pod_there_is_no_collector_and_with_one_there_is_again(
    cluster: Cluster, receiver: SpanReceiver
) -> None:
    trace = os.urandom(16)
    (deployment,) = cluster.apps.list_namespaced_deployment("tracing").items
    cluster.scale(deployment.metadata.name, 0, "tracing")
    eventually("no collector", lambda: not sent(cluster, os.urandom(16)))
    cluster.scale(deployment.metadata.name, 1, "tracing")
    eventually("the collector takes spans again", lambda: sent(cluster, trace))
    eventually("the span arrives", lambda: receiver.of(trace.hex()))


def test_a_second_up_changes_nothing(cluster: Cluster, stack_file: Path) -> None:
    assert "pulumi: 0 changes" in cluster.platform.run("up", "--stack-file", str(stack_file))
