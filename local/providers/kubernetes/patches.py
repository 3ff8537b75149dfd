"""Patch resources (ConfigMapPatch, ...): some fields of an object that somebody else made, under an own manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.providers.kubernetes.call import Call, apply_refused, not_updated, unreachable_text
from local.providers.kubernetes.cluster import ApiError, Unreachable
from local.providers.kubernetes.lifecycle import Objects
from local.providers.kubernetes.state import FIELD_MANAGER, for_server, live_part, object_id, outputs
from local.providers.rpc import ProviderError, plain


def apply_patch(objects: Objects, call: Call, inputs: Mapping[str, Any], manager: str) -> dict[str, Any]:
    """Applies the given fields (and creates the object if it is not there). No server call in a preview."""
    if call.is_preview:
        return dict(inputs)
    body = for_server(inputs)
    try:
        live = objects.apply(body, manager, force=objects.is_forced(body), is_dry_run=False)
    except Unreachable as error:
        raise ProviderError(unreachable_text(error)) from None
    except ApiError as error:
        raise ProviderError(not_updated(object_id(body), apply_refused(error, manager))) from None
    return outputs(live, inputs, manager)


def release_patch(objects: Objects, state: Mapping[str, Any]) -> None:
    """Gives the fields back: an apply of nothing but the name. They vanish; the object and others' fields stay."""
    obj = live_part(state)
    metadata = {key: obj["metadata"][key] for key in ("name", "namespace") if key in obj["metadata"]}
    bare = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
    if objects.cluster.find(bare) is None:  # an apply would create it
        return
    try:
        objects.apply(bare, str(plain(state.get(FIELD_MANAGER))), force=False, is_dry_run=False)
    except ApiError as error:
        raise ProviderError(error.message) from None
