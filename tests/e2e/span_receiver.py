"""What a tracing backend is to a collector: a server that takes OTLP by gRPC and keeps what came."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from kubernetes import client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

NAMESPACE, SERVICE = "observability", "tempo"


@dataclass(frozen=True)
class Received:
    """A span as it came. `parent` is empty for the first one of its trace."""

    trace: str
    name: str
    parent: str
    service: str
    attributes: dict[str, Any]


@dataclass
class SpanReceiver(TraceServiceServicer):  # type: ignore[misc]
    """Listens on a free port of 127.0.0.1."""

    port: int = 0
    spans: list[Received] = field(default_factory=list)
    authorizations: set[str | None] = field(default_factory=set)
    """What each request had as its header `authorization`."""

    def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:
        self.authorizations.add(dict(context.invocation_metadata()).get("authorization"))
        for of_resource in request.resource_spans:
            resource = _plain(of_resource.resource.attributes)
            for of_scope in of_resource.scope_spans:
                self.spans += [
                    Received(
                        span.trace_id.hex(), span.name, span.parent_span_id.hex(),
                        str(resource.get("service.name", "")), _plain(span.attributes),
                    )
                    for span in of_scope.spans
                ]  # fmt: skip
        return ExportTraceServiceResponse()

    def of(self, trace: str, name: str = "llm_request") -> list[Received]:
        """The spans of a trace with this name."""
        return [span for span in self.spans if (span.trace, span.name) == (trace, name)]


def _plain(attributes: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}


@contextmanager
def span_receiver() -> Iterator[SpanReceiver]:
    """One that listens until the end of the block."""
    receiver, server = SpanReceiver(), grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(receiver, server)
    receiver.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield receiver
    finally:
        server.stop(None)


@contextmanager
def service_of_the_receiver(core: client.CoreV1Api) -> Iterator[None]:
    """The Service that a stack names for its spans; on the platform it is this machine (pod_network.py)."""
    core.create_namespace({"metadata": {"name": NAMESPACE}})
    spec = {"type": "ExternalName", "externalName": "localhost"}
    core.create_namespaced_service(NAMESPACE, {"metadata": {"name": SERVICE}, "spec": spec})
    try:
        yield
    finally:
        core.delete_namespace(NAMESPACE)


def traced_stack(settings: dict[str, Any], model: dict[str, Any], port: int, **tracing: Any) -> None:
    """One replica on one node, whose spans go to the receiver's Service."""
    endpoint = f"http://{SERVICE}.{NAMESPACE}.svc:{port}"
    settings["tracing"] = {"kind": "collector", "endpoint": endpoint, **tracing}
    settings["monitoring"] = {"enabled": False}
    settings["nodePools"][0] |= {"minNodes": 1, "maxNodes": 1}
    settings["nodeAutoscaling"] = {"kind": "none"}
    model |= {"autoscaling": {"kind": "none"}, "drain": {"preStopSeconds": 2}}
