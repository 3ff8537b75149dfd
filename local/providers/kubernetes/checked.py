"""Check: the program's object as it goes into state and to the server."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from local.providers.rpc import UNKNOWN, ProviderError, Secret, plain

AUTONAMED: Final = "pulumi.com/autonamed"
_SUFFIX_HEX_DIGITS: Final = 8


def checked_inputs(
    news: Mapping[str, Any],
    olds: Mapping[str, Any],
    *,
    propose_name: Callable[[], str],
    is_namespaced: Callable[[Mapping[str, Any]], bool],
    default_namespace: str,
) -> dict[str, Any]:
    """The inputs of an object: named, with a namespace where its kind has one, Secrets in `data` and secret.

    Raises ProviderError for what cannot be asked for (generateName). `propose_name` is called only when the object
    has no name of its own and no earlier one.
    """
    inputs = dict(news)
    metadata = dict(inputs.get("metadata") or {}) if inputs.get("metadata") is not UNKNOWN else {}
    if metadata.get("generateName"):
        raise ProviderError("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
    if metadata.get("name") in (None, ""):
        _autoname(metadata, olds, propose_name)
    inputs["metadata"] = metadata
    if not metadata.get("namespace"):
        metadata.pop("namespace", None)
        if is_namespaced(inputs):
            metadata["namespace"] = default_namespace
    if inputs.get("apiVersion") == "v1" and inputs.get("kind") == "Secret":
        _normalise_secret(inputs)
    return inputs


def _autoname(metadata: dict[str, Any], olds: Mapping[str, Any], propose_name: Callable[[], str]) -> None:
    old = plain(olds.get("metadata") or {})
    was_autonamed = (old.get("annotations") or {}).get(AUTONAMED) == "true"
    metadata["name"] = old["name"] if was_autonamed and old.get("name") else propose_name()
    annotations = metadata.get("annotations")
    if annotations is not UNKNOWN:
        metadata["annotations"] = {**plain_map(annotations), AUTONAMED: "true"}


def plain_map(value: Any) -> dict[str, Any]:
    """A map's own items (a secret map's too); empty for none."""
    if isinstance(value, Secret):
        value = value.value
    return dict(value) if isinstance(value, Mapping) else {}


def autoname(logical_name: str, seed: bytes) -> str:
    """`<logical name>-<8 hex>`; the logical name is not made fit for the server, which says so itself."""
    generator = random.Random(seed) if seed else random.Random()
    return f"{logical_name}-{generator.getrandbits(4 * _SUFFIX_HEX_DIGITS):0{_SUFFIX_HEX_DIGITS}x}"


def _normalise_secret(inputs: dict[str, Any]) -> None:
    """stringData becomes data as the server would do it, so that nothing plain is kept and no diff remains."""
    if UNKNOWN in (plain(inputs.get("stringData")), plain(inputs.get("data"))):
        inputs.pop("stringData", None)
        inputs["data"] = UNKNOWN
        return
    data = {key: plain(value) for key, value in plain_map(inputs.get("data")).items()}
    for key, value in plain_map(inputs.pop("stringData", None)).items():
        text = plain(value)
        data[key] = text if text is UNKNOWN else base64.b64encode(str(text).encode()).decode()
    if data or "data" in inputs:
        inputs["data"] = Secret(data)
