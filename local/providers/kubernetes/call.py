"""One call of the engine about one resource, and the errors that users read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.providers.kubernetes.awaiting.verdict import Line
from local.providers.kubernetes.cluster import ApiError, Unreachable
from local.providers.rpc import ProviderError

_CONFLICT_GUIDE: Final = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/"
    "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources"
)
_EXISTS_HINTS: Final = (
    "\nThis object is already in the cluster and not managed by this stack. If it was renamed in the program, give it "
    "an alias; to change single fields of it, use the Patch resource of its kind; to take it over, import it or set "
    "upsertExistingObjects on the provider."
)


@dataclass(frozen=True)
class Call:
    """Which resource, how long at most (0 = not said), whether it is only a preview, where status lines go."""

    urn: str
    timeout_seconds: float
    is_preview: bool
    show: Callable[[Line], None]
    keep: Callable[[Line], None]  # a line that stays on the screen


def unreachable_text(error: Unreachable) -> str:
    """What users read when the server cannot be asked."""
    return (
        f"configured Kubernetes cluster is unreachable: unable to load schema information from the API server: {error}"
    )


def not_created(call: Call, error: ApiError) -> ProviderError:
    """The error of a create that the server refused."""
    hints = _EXISTS_HINTS if error.is_conflict and not call.is_preview else ""
    return ProviderError(
        f'resource "{call.urn}" was not successfully created by the Kubernetes API server: {error.message}{hints}'
    )


def not_updated(object_id: str, text: str) -> str:
    """The first line of a failed update."""
    return f'the Kubernetes API server reported that "{object_id}" failed to fully initialize or become live: {text}'


def created_not_ready(urn: str, text: str) -> str:
    """The first line of a create whose object did not become ready."""
    return (
        f'resource "{urn}" was successfully created, but the Kubernetes API server reported that it failed to fully '
        f"initialize or become live: {text}"
    )


def apply_refused(error: ApiError, field_manager: str) -> str:
    """The server's text for an apply; a field conflict says who applies and where help is."""
    if error.is_conflict and "conflict" in error.message.lower():
        return (
            f"server-side apply field conflict detected, see {_CONFLICT_GUIDE}. The resource managed by field manager "
            f'"{field_manager}" had an apply conflict: {error.message}'
        )
    return error.message


def missing_text(obj: Mapping[str, Any], plural: str, group: str) -> str:
    """`deployments.apps "web" not found; unable to get cluster state`"""
    kind = f"{plural}.{group}" if group else plural
    return f'{kind} "{obj["metadata"]["name"]}" not found; unable to get cluster state'
