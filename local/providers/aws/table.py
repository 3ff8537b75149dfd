"""The terms in which a resource type is described: which AWS operations make, read, change and delete it.

Templates (`params`, `identity`, `arn`): "$name" stands for the value of a property (inputs, then outputs), "$id" for
the resource's id, "$region", "$account"; anything else is taken as it is. A parameter whose value is missing is left
out. `at`, `live`, `ready`, `gone` are JMESPath over what the read operation answered.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.providers.aws.schema import Problem

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One operation of the service (in snake_case, as boto3 methods) with templates for its parameters."""

    operation: str
    params: Params = field(default_factory=dict)
    at: str = "@"


@dataclass(frozen=True)
class UpdateCall:
    """An operation that changes the properties `props` of a resource that exists.

    Properties that no template in `params` names are converted like inputs of the create operation. `on_create`:
    also called after creation when any of them is set (for what the create operation does not take).
    `cleared`: called instead when all of them are unset. `together`: send all of `props`, not only changed ones.
    """

    props: tuple[str, ...]
    call: Call
    on_create: bool = False
    cleared: Call | None = None
    together: bool = False


@dataclass(frozen=True)
class Tagging:
    """How a type carries tags. `create`: parameter of the create operation ("TagSpecifications:vpc" for EC2), or
    empty when tags are written afterwards. `target`: names the resource for `tag` and `untag`."""

    target: Params
    create: str = "Tags"
    tag: str = "tag_resource"
    untag: str = "untag_resource"
    read: Call | None = None
    at: str = "Tags"


@dataclass(frozen=True)
class Ready:
    """Wait after create and update until the JMESPath `path` over the live object says one of `values`."""

    path: str
    values: tuple[Any, ...]
    failed: tuple[Any, ...] = ()


CheckRule = Callable[[Mapping[str, Any]], list[Problem]]
# Functions of hooks.py for what no operation says by itself; each gets the engine's Resource first.
Hook = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """One resource type."""

    token: str
    service: str
    create: Call | None
    read: Call
    delete: tuple[Call, ...]
    id: str = ""
    """JMESPath over the create answer, or a template with {braces}; for an import it must be readable back."""
    id_is_template: bool = False
    names: Mapping[str, str | None] = field(default_factory=dict)
    """Property path (no indexes) -> parameter, where the rule of convert.py does not find it; None: no parameter."""
    wrap: str = ""
    """Parameter that holds all inputs whose name is not in `names` (LaunchTemplateData)."""
    name_prop: str | None = None
    """Property that is filled with `<logical name>-<7 hex>` when the program leaves it out."""
    fills: Mapping[str, Any] = field(default_factory=dict)
    """Inputs that the real provider fills in when the program leaves them out."""
    filled_by_aws: tuple[str, ...] = ()
    """Inputs that AWS fills in when the program leaves them out: of something imported they are no inputs."""
    import_id: str = ""
    """Template of the id that `pulumi import` takes, where it is another than the state's id."""
    recomputed: tuple[str, ...] = ()
    """Outputs that an update changes: unknown in its preview."""
    secret: tuple[str, ...] = ()
    """Properties that are secret whatever the program says."""
    changes: tuple[UpdateCall, ...] = ()
    updatable: tuple[str, ...] = ()
    """Properties that only steer the provider (forceDestroy, skipDestroy) or that a hook changes."""
    force_new: tuple[str, ...] = ()
    """Nested paths that force a replacement although their property can be changed."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Value that AWS has when a property is not given; used when a program drops it."""
    ordered: tuple[str, ...] = ()
    """Lists whose order counts; all others are sets, as most are in AWS."""
    exclusive: tuple[str, ...] = ()
    """When none of these changes, AWS refuses a second one: delete before the replacement is made."""
    tagging: Tagging | None = None
    live: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Call] = field(default_factory=dict)
    """Properties that need a read operation of their own."""
    out: Mapping[str, str] = field(default_factory=dict)
    """Outputs made of a template with {braces}."""
    ready: Ready | None = None
    gone: Ready | None = None
    """The live object that counts as deleted already."""
    unread: tuple[str, ...] = ()
    """Inputs that AWS does not give back: state keeps what the program said."""
    checks: tuple[CheckRule, ...] = ()
    prepare: Hook | None = None
    """Given the inputs, adds parameters to those of the create operation."""
    make: Hook | None = None
    """Creates instead of `create`; returns the id."""
    change_tags: Hook | None = None
    """Writes all tags, where the service has no operations to add and remove them."""
    after_create: Hook | None = None
    before_delete: Hook | None = None
    on_update: Hook | None = None
    observe: Hook | None = None
    """Adds to, or replaces, the properties seen by read; None when the object turns out to be gone."""

    @functools.cached_property
    def change_of(self) -> dict[str, UpdateCall]:
        """Property -> the change that covers it."""
        return {prop: change for change in self.changes for prop in change.props}

    def can_change(self, path: str) -> bool:
        """Whether a difference at `path` can be made in place; otherwise it forces a replacement."""
        top = path.split(".")[0].split("[")[0]
        if any(path == forced or path.startswith((f"{forced}.", f"{forced}[")) for forced in self.force_new):
            return False
        return top in self.change_of or top in self.updatable or (top == "tags" and self.tagging is not None)
