"""Field managers (metadata.managedFields): who owns which field, and taking over what kubectl and our own POST own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CREATE_MANAGER: Final = "pulumi-kubernetes"


def owns_by_apply(live: Mapping[str, Any], field_manager: str) -> bool:
    """Whether `field_manager` has applied to the object before."""
    return any(_is_apply_of(entry, field_manager) for entry in _entries(live))


def merged_entries(live: Mapping[str, Any], field_manager: str) -> list[dict[str, Any]] | None:
    """managedFields with the entries of kubectl and of our own create merged into ours; None when there are none.

    Without it a field that we created and later drop would stay (the create still owns it), and what somebody did
    with `kubectl edit` would conflict. Entries of subresources (status, scale) are left alone, as are all others'.
    """
    entries = _entries(live)
    taken = [entry for entry in entries if _is_taken_over(entry)]
    if not taken:
        return None
    ours = next((entry for entry in entries if _is_apply_of(entry, field_manager)), None)
    merged = dict(ours) if ours else {**taken[0], "manager": field_manager, "operation": "Apply"}
    fields: dict[str, Any] = {}
    for entry in ([ours] if ours else []) + taken:
        fields = _union(fields, entry.get("fieldsV1") or {})
    merged["fieldsV1"] = fields
    rest = [entry for entry in entries if entry not in taken and entry is not ours]
    return [merged, *rest]


def _entries(live: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((live.get("metadata") or {}).get("managedFields") or [])


def _is_apply_of(entry: Mapping[str, Any], field_manager: str) -> bool:
    return entry.get("manager") == field_manager and entry.get("operation") == "Apply" and not entry.get("subresource")


def _is_taken_over(entry: Mapping[str, Any]) -> bool:
    manager = str(entry.get("manager", ""))
    is_ours = manager == CREATE_MANAGER or manager == "before-first-apply" or manager.startswith("kubectl")
    return is_ours and entry.get("operation") == "Update" and not entry.get("subresource")


def _union(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """The union of two field sets (fieldsV1 is a tree of maps)."""
    keys = list(left) + [key for key in right if key not in left]
    return {key: _union(left.get(key) or {}, right.get(key) or {}) for key in keys}
