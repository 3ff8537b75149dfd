"""What KubeAI's proxy reads of a request before it sends it on, and what it refuses (internal/apiutils/request.go)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.engine.operators.kubeai.balance import PREFIX_HASH, prefix_of

Object = dict[str, Any]
JSON_PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")
# Served there, by other engines than vLLM.
AUDIO = "/v1/audio/transcriptions"
FEATURE_DOMAIN = "features.kubeai.org"
ADAPTER_SEPARATOR = "_"


class BadRequest(ValueError):
    """Answered with 400."""


class ModelNotFound(LookupError):
    """Answered with 404."""


@dataclass(frozen=True)
class ProxyRequest:
    """`requested`: the name as it was asked for, by which it is counted; `body`: as it is sent on."""

    requested: str
    model: str
    body: bytes
    balancing: Mapping[str, Any]
    prefix: str


def read(
    path: str, media_type: str, body: bytes, selectors: Iterable[str], models: Mapping[str, Object]
) -> ProxyRequest:
    """What a request asks for. Raises BadRequest or ModelNotFound.

    Left out: the types of known fields, which KubeAI checks, and forms with files (multipart/form-data).
    """
    if media_type == "multipart/form-data":
        raise BadRequest("bad request: reading multipart form data: the stand-in reads none")
    if path not in JSON_PATHS:
        raise BadRequest(f'bad request: reading model from body: unknown path: "{path}"')
    try:
        asked = json.loads(body)
        if not isinstance(asked, dict):
            raise ValueError(f"{type(asked).__name__} is no object")
    except ValueError as error:
        raise BadRequest(f"bad request: reading model from body: decoding: {error}") from error
    requested = asked.get("model") or ""
    if not isinstance(requested, str) or not requested:
        raise BadRequest("bad request: reading model from body: missing 'model' field")
    name, _, adapter = requested.partition(ADAPTER_SEPARATOR)
    model = _looked_up(models, name, adapter, selectors)
    if model is None:
        raise ModelNotFound(f"model not found: {json.dumps(requested)}")
    balancing = model["spec"]["loadBalancing"]
    characters = balancing["prefixHash"]["prefixCharLength"]
    by_prefix = balancing["strategy"] == PREFIX_HASH and path != "/v1/embeddings"
    return ProxyRequest(
        requested,
        name,
        # vLLM expects the adapter in the model's place.
        json.dumps({**asked, "model": adapter or requested}).encode(),
        balancing,
        adapter + prefix_of(asked, characters) if by_prefix else adapter,
    )


def _looked_up(models: Mapping[str, Object], name: str, adapter: str, selectors: Iterable[str]) -> Object | None:
    """modelclient/client.go, LookupModel."""
    model = models.get(name)
    if model is None or not all(selects(each, model["metadata"].get("labels") or {}) for each in selectors):
        return None
    adapters = {each["name"] for each in model["spec"].get("adapters") or ()}
    return model if not adapter or adapter in adapters else None


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """A selector of equalities, as `kubectl -l`. Raises BadRequest for others, which the stand-in does not read."""
    for part in filter(None, (part.strip() for part in selector.split(","))):
        match = re.fullmatch(r"([\w./-]+)\s*(==?|!=)\s*([\w.-]*)", part)
        if match is None:
            raise BadRequest(f"failed to parse label selector: {part!r}: the stand-in knows equalities")
        key, sign, value = match.groups()
        if (labels.get(key) == value) != (sign != "!="):
            return False
    return True


def listing(models: Iterable[Object], features: Iterable[str], selectors: Iterable[str]) -> Object:
    """/v1/models (openaiserver/models.go): by feature, those that generate text where none is named."""
    asked = list(features) or ["TextGeneration"]
    chosen: dict[str, Object] = {}
    for feature in asked:
        for model in models:
            labels = model["metadata"].get("labels") or {}
            if labels.get(f"{FEATURE_DOMAIN}/{feature}") == "true" and all(selects(each, labels) for each in selectors):
                chosen.setdefault(model["metadata"]["name"], model)
    cards = []
    for name, model in sorted(chosen.items()):
        spec = model["spec"]
        names = [name, *(f"{name}{ADAPTER_SEPARATOR}{each['name']}" for each in spec.get("adapters") or ())]
        card = {"object": "model", "owned_by": spec.get("owner", ""), "features": spec["features"]}
        cards += [{"id": each, "created": 0, **card} for each in names]
    return {"object": "list", "data": cards}
