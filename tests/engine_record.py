"""What the recording engine keeps: one `Registration` per request, its inputs as readable Python values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format, struct_pb2

from preview.values import SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN_TEXT


class _Unknown:
    """Stands in recorded inputs for a value that is not known during a preview."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Secret:
    """Stands in recorded inputs for a value marked secret, exactly where the mark is; not in its repr."""

    value: Any = field(repr=False)


@dataclass(frozen=True)
class Registration:
    """One RegisterResource (or ReadResource, `read`) request. `parent`, `dependencies`, `urn` are URNs."""

    type: str
    name: str
    inputs: dict[str, Any]
    urn: str
    parent: str
    custom: bool
    read: bool = False
    provider: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, str] = field(default_factory=dict)
    import_id: str = ""
    deleted_with: str = ""

    @property
    def parent_name(self) -> str:
        """Logical name of the parent."""
        return name_of(self.parent)

    @property
    def dependency_names(self) -> set[str]:
        """Logical names of everything this waits for, by data or depends_on."""
        return {name_of(urn) for urn in self.dependencies}

    @property
    def depends_on(self) -> set[str]:
        """Names this waits for with no property saying so: the explicit `depends_on`."""
        by_data = {urn for urns in self.property_dependencies.values() for urn in urns}
        return {name_of(urn) for urn in self.dependencies if urn not in by_data}

    @property
    def plain_inputs(self) -> dict[str, Any]:
        """Inputs with secrets opened: for replays and for canary searches, not for goldens."""
        opened = _open(self.inputs)
        assert isinstance(opened, dict)
        return opened


def name_of(urn: str) -> str:
    """Logical name in a URN."""
    return urn.rsplit("::", 1)[-1]


def plain(message: struct_pb2.Struct) -> dict[str, Any]:
    """A wire value as plain Python: whole floats as ints, `Secret` and `UNKNOWN` where it marks them."""
    as_dict = _plain(json_format.MessageToDict(message))
    assert isinstance(as_dict, dict)
    return as_dict


def redacted(value: Any) -> Any:
    """Recorded inputs for a golden: secrets and unknowns as readable words."""
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, _Unknown):
        return "[unknown]"
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}
    return [redacted(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value == UNKNOWN_TEXT:
        return UNKNOWN
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            return Secret(_plain(value["value"]))
        return {key: _plain(value[key]) for key in sorted(value)}  # the wire has no order
    return value


def _open(value: Any) -> Any:
    if isinstance(value, Secret):
        return _open(value.value)
    if isinstance(value, dict):
        return {key: _open(item) for key, item in value.items()}
    return [_open(item) for item in value] if isinstance(value, list) else value


def registration(request: Any, urn: str) -> Registration:
    """A RegisterResource request as a record."""
    timeouts = {k: getattr(request.customTimeouts, k) for k in ("create", "update", "delete")}
    return Registration(
        type=request.type,
        name=request.name,
        inputs=plain(request.object),
        urn=urn,
        parent=request.parent,
        custom=request.custom,
        provider=request.provider,
        providers=dict(request.providers),
        dependencies=tuple(request.dependencies),
        property_dependencies={k: tuple(v.urns) for k, v in request.propertyDependencies.items() if v.urns},
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        aliases=tuple(request.aliasURNs)
        + tuple(alias.urn or f"{alias.spec.type} {alias.spec.name}".strip() for alias in request.aliases),
        custom_timeouts={k: v for k, v in timeouts.items() if v},
        import_id=request.importId,
        deleted_with=request.deletedWith,
    )


def read_registration(request: Any, urn: str) -> Registration:
    """A ReadResource request (`Resource.get`) as a record."""
    inputs = plain(request.properties)
    return Registration(
        request.type, request.name, inputs, urn, request.parent, True, read=True, provider=request.provider
    )
