"""What the stand-in for pulumi-aws needs of the Pulumi provider protocol.

A provider is a gRPC server that the engine starts (`pulumi-resource-NAME ENGINE_ADDRESS`), reads one port number
from, and calls (provider.proto of the Pulumi SDK). Ours subclasses `BaseProvider`, works on the plain trees of
`local.providers.wire`, raises `ProviderError` or `InitFailed`, and hands itself to `serve`. Why not the SDK's own
server (`pulumi.provider.experimental`): docs/adr/0007, and tests/local/providers/test_sdk_server.py shows it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, status_pb2
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import (
    ResourceProviderServicer,
    add_ResourceProviderServicer_to_server,
)

from local.providers.tree_diff import Kind, child_path, detailed_diff, diff_response
from local.providers.wire import (
    UNKNOWN,
    Secret,
    as_secret,
    contains_secret,
    contains_unknown,
    from_struct,
    mark_secrets_like,
    plain,
    to_struct,
)

__all__ = [
    "UNKNOWN",
    "BaseProvider",
    "InitFailed",
    "Kind",
    "ProviderError",
    "Secret",
    "as_secret",
    "child_path",
    "contains_secret",
    "contains_unknown",
    "detailed_diff",
    "diff_response",
    "from_struct",
    "mark_secrets_like",
    "plain",
    "serve",
    "to_struct",
]

_MESSAGE_LIMIT_BYTES: Final = 400 * 1024 * 1024  # what the engine and the SDKs allow
_GRPC_OPTIONS: Final = [
    ("grpc.max_receive_message_length", _MESSAGE_LIMIT_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_LIMIT_BYTES),
]
# Waiting for AWS blocks a thread per resource, and the engine works on many at once; threads start on demand.
_MAX_CALLS: Final = 256
_PARENT_POLL_SECONDS: Final = 1.0


class ProviderError(Exception):
    """An operation failed; its text is what the user of Pulumi reads."""


class InitFailed(ProviderError):
    """The object exists but did not become what was asked: it stays in state, with `reasons` as its initErrors."""

    def __init__(
        self, object_id: str, properties: Mapping[str, Any], inputs: Mapping[str, Any], reasons: Sequence[str]
    ) -> None:
        super().__init__("\n".join(reasons))
        self.object_id, self.properties, self.inputs = object_id, properties, inputs
        self.reasons = list(reasons)


class BaseProvider(ResourceProviderServicer):
    """The calls that say nothing of AWS."""

    def __init__(self, version: str = "") -> None:
        self.version = version
        self.config: dict[str, Any] = {}

    def Handshake(self, request: Any, context: Any) -> Any:
        return pb.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self.version)

    def GetSchema(self, request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "the local stand-in for this provider has no schema to offer")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return pb.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return diff_response(detailed_diff(from_struct(request.olds), from_struct(request.news)))

    def Configure(self, request: Any, context: Any) -> Any:
        self.config = from_struct(request.args)
        self.configure(plain(self.config))
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True)

    def configure(self, config: dict[str, Any]) -> None:
        """Takes the provider resource's inputs, secrets unwrapped. Nested values may still be JSON strings."""

    def Cancel(self, request: Any, context: Any) -> Any:
        return Empty()


class _ErrorsToStatus(grpc.ServerInterceptor):  # type: ignore[misc]  # grpc has no type hints here
    """Turns exceptions of handlers into the status that the engine understands."""

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        def call(request: Any, context: Any) -> Any:
            try:
                return handler.unary_unary(request, context)
            except ProviderError as error:
                _abort(context, error)
            except Exception as error:
                if context.code() is not None:  # the handler aborted by itself
                    raise
                traceback.print_exc()  # a bug of ours: the engine shows what a plugin writes there
                context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")

        return grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


def _abort(context: Any, error: ProviderError) -> NoReturn:
    if isinstance(error, InitFailed):
        detail = errors_init_failed(error)
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
        status.details.add().Pack(detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(error))
    raise AssertionError("abort always raises")


def errors_init_failed(error: InitFailed) -> Any:
    """The protocol's ErrorResourceInitFailed for `error`."""
    return pb.ErrorResourceInitFailed(
        id=error.object_id,
        properties=to_struct(error.properties),
        inputs=to_struct(error.inputs),
        reasons=error.reasons,
    )


def serve(provider_factory: Callable[[], BaseProvider]) -> None:
    """Serves a provider on 127.0.0.1, prints the port, returns on SIGTERM, SIGINT or when the parent is gone."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    provider = provider_factory()
    server = grpc.server(
        ThreadPoolExecutor(max_workers=_MAX_CALLS),
        options=_GRPC_OPTIONS,
        interceptors=[_ErrorsToStatus()],
    )
    add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    parent = os.getppid()
    while not ended.wait(_PARENT_POLL_SECONDS) and os.getppid() == parent:
        pass
    server.stop(grace=0.5).wait()
    sys.stdout.flush()
    os._exit(0)  # waiting calls hold threads that would keep the interpreter alive
