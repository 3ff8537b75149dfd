"""What is kept in state of an object, and the names that Pulumi and the server know it by."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from local.providers.rpc import Secret, as_secret, mark_secrets_like, plain

INPUTS: Final = "__inputs"
API_VERSION: Final = "__initialApiVersion"
FIELD_MANAGER: Final = "__fieldManager"


def new_field_manager() -> str:
    """One per resource, for its life: so two resources never share the fields that they own."""
    return f"pulumi-kubernetes-{secrets.token_hex(4)}"


def object_id(obj: Mapping[str, Any]) -> str:
    """`namespace/name`, or `name` outside of namespaces."""
    metadata = obj.get("metadata") or {}
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])


def reference(api_version: str, kind: str, resource_id: str) -> dict[str, Any]:
    """The bare object that an id names."""
    namespace, _, name = resource_id.rpartition("/")
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def outputs(live: Mapping[str, Any], inputs: Mapping[str, Any], field_manager: str) -> dict[str, Any]:
    """The state of an object: all of the live object, secret where the inputs are, and what we need to go on."""
    visible = mark_secrets_like(dict(live), inputs)
    if visible.get("apiVersion") == "v1" and visible.get("kind") == "Secret" and "data" in visible:
        visible["data"] = as_secret(plain(visible["data"]))
    return {
        **visible,
        INPUTS: inputs,
        API_VERSION: inputs.get("apiVersion", live.get("apiVersion")),
        FIELD_MANAGER: field_manager,
    }


def live_part(state: Mapping[str, Any]) -> dict[str, Any]:
    """The object inside a state, without what `outputs` added."""
    return {key: plain(value) for key, value in state.items() if not key.startswith("__")}


def inputs_part(state: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that a state remembers (an older state may hold them as one secret)."""
    inputs = state.get(INPUTS) or {}
    return dict(inputs.value if isinstance(inputs, Secret) else inputs)


def for_server(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as a request body: secrets revealed, nothing that is None."""
    body: dict[str, Any] = _without_none(plain(inputs))
    return body


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
