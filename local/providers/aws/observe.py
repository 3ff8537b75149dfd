"""What AWS says about an object, as properties of the SDK and as inputs of a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jmespath

from local.providers.aws.cloud import AwsError
from local.providers.aws.convert import find_member
from local.providers.aws.project import reconcile, tags_to_map, to_property, with_live_fields
from local.providers.aws.resource import LiveResource, named_in
from local.providers.aws.schema import resource_schema
from local.providers.aws.table import Call, Row


def read(resource: LiveResource) -> dict[str, Any] | None:
    """The object's properties as the SDK names them, or None when it does not exist (any more)."""
    row = resource.row
    live = look(resource)
    if live is None:
        return None
    resource.live = live
    seen: dict[str, Any] = {}
    for prop, term in resource_schema(row.token).outputs.items():
        value = _live_property(resource, prop, term)
        if value is not None:
            seen[prop] = value
    if row.tagging is not None:
        seen["tags"] = _live_tags(resource)
    if row.observe:
        observed = row.observe(resource, seen)
        if observed is None:
            return None
        seen.update(observed)
    return _as_said(resource, {key: value for key, value in seen.items() if value is not None})


def _live_property(resource: LiveResource, prop: str, term: str) -> Any:
    row, live = resource.row, resource.live
    if prop in row.unread or prop in ("tags", "tagsAll", "region"):
        return None
    if prop in row.out:
        return resource.text(row.out[prop])
    if prop in row.more:
        return to_property(term, _ask(resource, row.more[prop]), row.names, prop)
    if prop in row.live:
        return to_property(term, jmespath.search(row.live[prop], live), row.names, prop)
    if not isinstance(live, dict):
        return None
    member = row.names.get(prop) or find_member(prop, live)
    return to_property(term, live.get(member or ""), row.names, prop)


def _ask(resource: LiveResource, call: Call) -> Any:
    try:
        answer = resource.call(call.operation, resource.fill(call.params))
    except AwsError as error:
        if error.is_not_found:
            return None
        raise
    return jmespath.search(resource.fill(call.at), answer)


def _live_tags(resource: LiveResource) -> dict[str, str]:
    tagging = resource.row.tagging
    assert tagging is not None, "only called for rows with tags"
    tags = _ask(resource, tagging.read) if tagging.read else jmespath.search(tagging.at, resource.live)
    return tags_to_map(tags)


def _as_said(resource: LiveResource, seen: dict[str, Any]) -> dict[str, Any]:
    """Live properties in the program's spelling where they mean the same; plus what AWS does not give back."""
    schema = resource_schema(resource.row.token)
    state = dict(seen)
    for prop, said in resource.inputs.items():
        if prop.startswith("__") or said is None:
            continue
        if prop in seen:
            state[prop] = with_live_fields(schema.outputs.get(prop, "any"), said, seen[prop])
        elif prop in resource.row.unread or said in ([], {}, "", False, 0):
            state[prop] = said
    for prop in lookup_props(resource.row):
        state.setdefault(prop, resource.value(prop))
    if "tagsAll" in schema.outputs:
        state["tagsAll"] = dict(state.get("tags") or {})
    if not state.get("tags"):
        state.pop("tags", None)
    state["region"] = resource.region
    return state


def lookup_props(row: Row) -> set[str]:
    """Properties that the read operation is asked by; AWS often does not repeat them in the answer."""
    return {
        name
        for name in named_in([row.read.params, row.read.at])
        if name in resource_schema(row.token).outputs and name != "id"
    }


def observed_inputs(resource: LiveResource, seen: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as the program would have to write them for the live object: drift shows, the rest is as it was."""
    schema = resource_schema(resource.row.token)
    inputs = {}
    for prop, said in resource.inputs.items():
        unreadable = prop.startswith("__") or prop in resource.row.unread or prop == "region"
        unreadable = unreadable or prop in lookup_props(resource.row)
        live = seen.get(prop)
        value = said if unreadable else reconcile(schema.inputs.get(prop, "any"), said, live)
        if value is not None:
            inputs[prop] = value
    return inputs


def imported_inputs(resource: LiveResource, seen: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs for an object that no program has described yet: all that is set to something."""
    row, schema = resource.row, resource_schema(resource.row.token)
    left_out = {"region", *row.filled_by_aws}
    return {
        prop: seen[prop]
        for prop in schema.inputs
        if seen.get(prop) not in (None, "", [], {}) and seen.get(prop) != row.defaults.get(prop)
        if prop not in left_out
    }


def look(resource: LiveResource) -> Any:
    """The read operation's answer for the object, or None when there is none."""
    row = resource.row
    try:
        answer = resource.call(row.read.operation, resource.fill(row.read.params))
    except AwsError as error:
        if error.is_not_found:
            return None
        raise
    live = jmespath.search(resource.fill(row.read.at), answer)
    if live in (None, [], {}):
        return None
    if row.gone and jmespath.search(row.gone.path, live) in row.gone.values:
        return None
    return live
