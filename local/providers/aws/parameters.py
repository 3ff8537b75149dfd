"""Parameters of the create and update operations from a resource's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.providers.aws.cloud import operation_model
from local.providers.aws.convert import Converter, find_member
from local.providers.aws.resource import LiveResource, named_in
from local.providers.aws.schema import Problem, resource_schema
from local.providers.aws.table import Call, Row, UpdateCall

_EVERYWHERE = ("region", "tags")


def create_parameters(row: Row, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Parameters of the create operation (empty for rows that a hook makes), and what is wrong with the inputs.

    `inputs` may hold UNKNOWN; such parts stay UNKNOWN in the parameters.
    """
    converter = Converter(row.names)
    values = {key: value for key, value in inputs.items() if _is_parameter(row, key) and value is not None}
    _check_tags(row, inputs.get("tags"), converter)
    if row.create is None:
        return {}, converter.problems
    shape = operation_model(row.service, row.create.operation).input_shape
    prepared = row.prepare(inputs) if row.prepare is not None else {}
    inside = {key: value for key, value in values.items() if _is_wrapped(row, shape, key)}
    outside = {key: value for key, value in values.items() if key not in inside}
    come_otherwise = {*row.create.params, *prepared, row.wrap}
    parameters = converter.structure(shape, outside, "", "", given=come_otherwise)
    if row.wrap:
        parameters[row.wrap] = converter.structure(shape.members[row.wrap], inside, "", "")
    parameters.update(prepared)
    return parameters, converter.problems


def _is_wrapped(row: Row, shape: Any, prop: str) -> bool:
    """Whether the property goes into the parameter that holds most of them (LaunchTemplateData)."""
    return bool(row.wrap) and row.names.get(prop) not in shape.members


def _is_parameter(row: Row, prop: str) -> bool:
    return prop not in _EVERYWHERE and not prop.startswith("__") and row.names.get(prop, "") is not None


def unsupported(token: str, row: Row) -> frozenset[str]:
    """Inputs that the SDK has and this table does not know what to do with."""
    schema = resource_schema(token)
    known = {"region", *row.names, *row.change_of, *row.updatable}
    if row.tagging is not None:
        known.add("tags")
    shapes = []
    if row.create is not None:
        shape = operation_model(row.service, row.create.operation).input_shape
        shapes = [shape, *([shape.members[row.wrap]] if row.wrap else [])]
    return frozenset(
        prop
        for prop in schema.inputs
        if prop not in known and not any(find_member(prop, shape.members) for shape in shapes)
    )


def with_call(resource: LiveResource, call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """`parameters` and the call's own, templates filled."""
    own = resource.fill(call.params)
    return {**parameters, **own}


def change_parameters(resource: LiveResource, change: UpdateCall, changed: set[str]) -> dict[str, Any]:
    """Parameters for `change`; raises nothing, as Check has seen the same inputs."""
    operation = change.call.operation
    shape = operation_model(resource.row.service, operation).input_shape
    named = named_in(change.call.params)
    props = [prop for prop in change.props if prop not in named and (change.together or prop in changed)]
    values = {}
    for prop in props:
        value = resource.inputs.get(prop)
        if value is None and prop in changed:
            value = resource.row.defaults.get(prop)
        if value is not None:
            values[prop] = value
    # What the create operation does not take (None) may well be a parameter here.
    converter = Converter({path: name for path, name in resource.row.names.items() if name is not None})
    if resource.row.wrap and resource.row.wrap in shape.members:
        inside = {key: value for key, value in values.items() if _is_wrapped(resource.row, shape, key)}
        outside = {key: value for key, value in values.items() if key not in inside}
        parameters = converter.structure(shape, outside, "", "", given=shape.members)
        parameters[resource.row.wrap] = converter.structure(shape.members[resource.row.wrap], inside, "", "")
    else:
        parameters = converter.structure(shape, values, "", "", given=shape.members)
    return with_call(resource, change.call, parameters)


# -- tags --------------------------------------------------------------------------------------------------------


def _check_tags(row: Row, tags: Any, converter: Converter) -> None:
    """EC2's limits hold for all services that we know: 128 and 256 characters, `aws:` is reserved."""
    if not isinstance(tags, dict) or row.tagging is None:
        return
    if len(tags) > 50:
        converter.problems.append(Problem("tags", f"AWS allows 50 tags, got {len(tags)}"))
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            converter.problems.append(Problem("tags", f'"{key}": keys with the prefix aws: are reserved'))
        if not 1 <= len(key) <= 128 or (isinstance(value, str) and len(value) > 256):
            converter.problems.append(Problem("tags", f'"{key}": a key has 1 to 128 characters, a value at most 256'))


def tags_as(shape: Any, tags: Mapping[str, str]) -> Any:
    """`tags` in the form of `shape`: a map, or a list of pairs whose member names differ by service."""
    if shape.type_name == "map":
        return dict(tags)
    members = list(shape.member.members)
    key = next(name for name in members if name.lower().endswith("key"))
    value = next(name for name in members if name.lower().endswith("value"))
    return [{key: name, value: text} for name, text in tags.items()]


def tags_for_create(row: Row, tags: Mapping[str, str]) -> dict[str, Any]:
    """The create parameter that carries the tags; empty where they are written afterwards."""
    if row.tagging is None or row.create is None or not row.tagging.create or not tags:
        return {}
    member, _, resource_type = row.tagging.create.partition(":")
    shape = operation_model(row.service, row.create.operation).input_shape.members[member]
    if resource_type:
        if resource_type.strip() == "":
            return {}
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {member: [{"ResourceType": resource_type, "Tags": pairs}]}
    return {member: tags_as(shape, tags)}


def change_tags(resource: LiveResource, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Writes what was added or changed, removes what is gone."""
    tagging = resource.row.tagging
    assert tagging is not None, "only called for rows with tags"
    if resource.row.change_tags is not None:
        resource.row.change_tags(resource, after)
        return
    written = {key: value for key, value in after.items() if before.get(key) != value}
    removed = [key for key in before if key not in after]
    target = resource.fill(tagging.target)
    if removed:
        shape = operation_model(resource.row.service, tagging.untag).input_shape
        member = next(name for name in shape.members if name.lower() in ("tags", "tagkeys", "resourcetagkeys"))
        keys = [{"Key": key} for key in removed] if member == "Tags" else removed
        resource.call(tagging.untag, {**target, member: keys})
    if written:
        shape = operation_model(resource.row.service, tagging.tag).input_shape
        member = next(name for name in shape.members if name.lower() in ("tags", "resourcetags"))
        resource.call(tagging.tag, {**target, member: tags_as(shape.members[member], written)})
