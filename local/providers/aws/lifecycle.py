"""Create, read, update and delete of any row of the table, with the waits that AWS's eventual ways need."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import jmespath

from local.providers.aws.cloud import AwsError
from local.providers.aws.observe import look, read
from local.providers.aws.parameters import (
    change_parameters,
    change_tags,
    create_parameters,
    tags_for_create,
    with_call,
)
from local.providers.aws.resource import LiveResource
from local.providers.aws.table import Call, Ready
from local.providers.aws.waiting import Clock, poll
from local.providers.rpc import InitFailed, ProviderError

# The real provider waits up to 45 minutes for what AWS does slowly; here nothing is slow, so a wait that does not
# end soon is a mistake that should show.
DEFAULT_TIMEOUT_SECONDS: Final = 120.0


def create(resource: LiveResource, timeout_seconds: float = 0) -> None:
    """Makes the object; sets `resource.id` and `resource.state`.

    Raises ProviderError when nothing was made, InitFailed when the object exists but a later step failed.
    """
    row = resource.row
    resource.timeout_seconds = timeout_seconds
    tags = resource.inputs.get("tags") or {}
    tagged = tags_for_create(row, tags)
    if row.make is not None:
        resource.id = row.make(resource, tagged)
    else:
        assert row.create is not None, f"{row.token} has neither create nor make"
        parameters, problems = create_parameters(row, resource.inputs)
        if problems:
            raise ProviderError("; ".join(f"{p.path}: {p.message}" for p in problems))
        answer = resource.call(row.create.operation, {**with_call(resource, row.create, parameters), **tagged})
        if not row.id_is_template:
            resource.id = str(jmespath.search(row.id, answer))
    if row.id_is_template:
        resource.id = resource.text(row.id)
    try:
        _finish_creation(resource, tags if not tagged else {}, timeout_seconds)
    except ProviderError as error:
        seen = read(resource) if not isinstance(error, InitFailed) else None
        raise InitFailed(resource.id, seen or resource.inputs, resource.inputs, [str(error)]) from error


def _finish_creation(resource: LiveResource, tags: Mapping[str, str], timeout_seconds: float) -> None:
    row = resource.row
    if row.ready:
        await_ready(resource, row.ready, timeout_seconds)
    if tags and row.tagging is not None:
        resource.state = read(resource) or {}  # some are tagged by an ARN that only the answer holds
        change_tags(resource, {}, tags)
    for change in row.changes:
        asked = {prop for prop in change.props if resource.inputs.get(prop) is not None}
        if change.on_create and asked:
            resource.call(change.call.operation, change_parameters(resource, change, asked))
    if row.after_create:
        row.after_create(resource)
    resource.state = read(resource) or {}
    if not resource.state:
        raise ProviderError(f"{resource.id} was created but cannot be read back")


def update(
    resource: LiveResource, old_inputs: Mapping[str, Any], changed: set[str], timeout_seconds: float = 0
) -> None:
    """Brings the object from `old_inputs` to `resource.inputs`; `changed` holds the properties that differ."""
    row = resource.row
    resource.timeout_seconds = timeout_seconds
    for change in row.changes:
        affected = changed.intersection(change.props)
        if not affected:
            continue
        unset = all(resource.inputs.get(prop) is None for prop in change.props)
        if unset and change.cleared:
            resource.call(change.cleared.operation, resource.fill(change.cleared.params))
        else:
            resource.call(change.call.operation, change_parameters(resource, change, affected))
    if row.on_update:
        row.on_update(resource, old_inputs, changed)
    if "tags" in changed and row.tagging is not None:
        change_tags(resource, old_inputs.get("tags") or {}, resource.inputs.get("tags") or {})
    if row.ready:
        await_ready(resource, row.ready, timeout_seconds)
    seen = read(resource)
    if seen is None:
        raise ProviderError(f"{row.token} {resource.id} is gone; run `pulumi refresh`")
    resource.state = seen


def await_ready(resource: LiveResource, ready: Ready, timeout_seconds: float) -> None:
    """Waits until the object says it is ready; ProviderError when it failed, is gone or takes too long."""
    state: Any = None

    def is_ready() -> bool:
        nonlocal state
        live = look(resource)
        if live is None:
            raise ProviderError(f"{resource.row.token} {resource.id} vanished while waiting for it")
        state = jmespath.search(ready.path, live)
        if state in ready.failed:
            raise ProviderError(f"{resource.row.token} {resource.id} is {state}: {live.get('health', '')}")
        return state in ready.values

    if not poll_patiently(is_ready, timeout_seconds):
        raise ProviderError(
            f"timeout while waiting for {resource.row.token} {resource.id}: state {state}, wanted {ready.values}"
        )


def delete(resource: LiveResource, timeout_seconds: float = 0, pause: Clock = time.sleep) -> None:
    """Deletes the object and waits until it is gone. An object that is not there is deleted already."""
    row = resource.row
    if resource.inputs.get("skipDestroy") is True:
        return
    resource.live = look(resource)
    if resource.live is None:
        return
    if row.before_delete:
        row.before_delete(resource)
    for call in row.delete:
        _delete_when_free(resource, call, timeout_seconds, pause)
    if row.delete and not poll_patiently(lambda: look(resource) is None, timeout_seconds, pause):
        raise ProviderError(f"timeout while waiting for {row.token} {resource.id} to be deleted")


def _delete_when_free(resource: LiveResource, call: Call, timeout_seconds: float, pause: Clock) -> None:
    """Tries again while AWS says that something still depends on the object."""
    refusal: AwsError | None = None

    def is_deleted() -> bool:
        nonlocal refusal
        try:
            resource.call(call.operation, resource.fill(call.params))
        except AwsError as error:
            if error.is_not_found:
                return True
            if not error.is_still_used:
                raise
            refusal = error
            return False
        return True

    if not poll_patiently(is_deleted, timeout_seconds, pause):
        raise ProviderError(f"deleting {resource.row.token} {resource.id}: {refusal}")


def poll_patiently(done: Callable[[], bool], timeout_seconds: float, pause: Clock = time.sleep) -> bool:
    return poll(done, timeout_seconds or DEFAULT_TIMEOUT_SECONDS, pause)
