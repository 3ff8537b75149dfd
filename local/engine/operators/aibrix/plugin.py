"""What AIBrix' gateway plugin reads of a request and refuses of it (pkg/plugins/gateway: gateway_req_body.go, util.go).

Left out: images, video, reranking, classification, forms of audio (answered 501), users and their limits in Redis,
profiles in annotations, and estimates of an embedding's tokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.engine.operators.aibrix.names import MODEL, Object, is_ready, labels_of

TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "invalid_request_error",
         429: "rate_limit_error", 503: "overloaded_error"}  # fmt: skip
STRATEGY = "routing-strategy"
CHAT = ("/v1/chat/completions", "/v1/messages")
AUDIO = ("/v1/audio/transcriptions", "/v1/audio/translations")
UNREAD = ("/v1/images/generations", "/v1/video/generations", "/v1/rerank", "/v1/classify", "/v1/responses")
# algorithms/*.go, Register. Those that can be several at once (types.PodScorer) are not told apart here.
STRATEGIES = frozenset(
    {
        "least-busy-time", "least-gpu-cache", "least-kv-cache", "least-latency", "least-request", "least-utilization",
        "pd", "power-of-two", "prefix-cache", "prefix-cache-preble", "random", "session-affinity", "slo",
        "slo-pack-load", "slo-least-load", "slo-least-load-pulling", "throughput", "vtc-basic",
    }
)  # fmt: skip
MOST_WEIGHT = 1_000_000
BODY_HEADER, ROUTING_HEADER = "x-error-request-body-processing", "x-error-routing"
BACKENDS_HEADER = "x-error-no-model-backends"


@dataclass(eq=False)
class PluginRefusal(Exception):
    """An answer of the plugin's own, in OpenAI's form (util.go, generateErrorMessageWithHTTPCode)."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    header: tuple[str, str] = (BODY_HEADER, "true")

    @property
    def body(self) -> Object:
        kind = TYPES.get(self.status, "api_error")
        return {"error": {"message": self.message, "type": kind, "code": self.code, "param": self.param}}


def model_of(path: str, body: bytes) -> str:
    """The model that a request names; `path` with its query, as Envoy tells it. Raises PluginRefusal."""
    if path in AUDIO:
        raise PluginRefusal(400, "audio requests must use multipart/form-data content-type")
    if path in UNREAD:
        raise PluginRefusal(501, "the stand-in of AIBrix reads no such request")
    if path not in (*CHAT, "/v1/completions", "/v1/embeddings"):
        raise PluginRefusal(501, "unknown request path")
    asked = _object(body)
    model = _typed(asked, "model", str, "")
    if path in CHAT:
        messages = _typed(asked, "messages", list, [])
        if not messages:
            raise PluginRefusal(400, "no messages in the request body", param="messages")
        if not all(isinstance(each, dict) for each in messages):
            raise _unreadable()
        _typed(asked, "stream", bool, False)
    elif path == "/v1/completions":
        _typed(asked, "prompt", str, "")  # so neither several prompts nor token ids
        _typed(asked, "stream", bool, False)
    else:
        _check_embedding(asked)
    return str(model)


def _unreadable() -> PluginRefusal:
    return PluginRefusal(400, "error processing request body")


def _object(body: bytes) -> Object:
    try:
        asked = json.loads(body)
    except ValueError as error:
        raise _unreadable() from error
    if not isinstance(asked, dict):
        raise _unreadable()
    return asked


def _typed(asked: Mapping[str, Any], key: str, kind: type, missing: Any) -> Any:
    value = asked.get(key)
    if value is None:
        return missing
    if not isinstance(value, kind):
        raise _unreadable()
    return value


def _check_embedding(asked: Mapping[str, Any]) -> None:
    inputs = asked.get("input")
    if isinstance(inputs, str):
        inputs = [inputs]
    if isinstance(inputs, list):
        if not inputs:
            raise PluginRefusal(400, "input array cannot be empty", param="input")
        empty = next((number for number, each in enumerate(inputs) if each in ("", [])), None)
        if empty is not None:
            what, why = ("input", "an empty string") if inputs[empty] == "" else ("token array", "empty")
            where = what if len(inputs) == 1 else f"{what} at index {empty}"
            raise PluginRefusal(400, f"{where} cannot be {why}", param="input")
    if "stream" in asked and asked["stream"] is not False:
        raise PluginRefusal(400, "stream not supported for embeddings", param="stream")


def strategy_of(headers: Mapping[str, str]) -> str:
    """The algorithm of the header; empty: none is asked for. Raises PluginRefusal."""
    told = headers.get(STRATEGY, "")
    if not told.strip():
        return ""
    if not all(map(_is_known, told.split(","))) or not any(not part.strip().endswith(":0") for part in told.split(",")):
        raise PluginRefusal(400, f"incorrect routing strategy {told}", header=(ROUTING_HEADER, "true"))
    return told


def _is_known(part: str) -> bool:
    """router.go, ParseMultiRouterConfig: NAME or NAME:WEIGHT."""
    name, colon, weight = part.strip().partition(":")
    if name.strip() not in STRATEGIES:
        return False
    return not colon or (weight.strip().isdigit() and int(weight) <= MOST_WEIGHT)


def ready_servers(model: str, pods: Sequence[Object]) -> list[Object]:
    """The model's pods that may be asked. Raises PluginRefusal where it has none, or is not known."""
    own = [pod for pod in pods if labels_of(pod).get(MODEL) == model]
    if not own:
        raise PluginRefusal(400, f"model {model} does not exist", "model_not_found", "model", (BACKENDS_HEADER, model))
    ready = [pod for pod in own if is_ready(pod)]
    if not ready:
        why = f"error on getting pods for model {model}"
        raise PluginRefusal(503, why, "service_unavailable", header=(BACKENDS_HEADER, "true"))
    return ready
