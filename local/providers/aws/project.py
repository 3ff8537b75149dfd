"""What AWS answered -> Pulumi properties, and how it compares with what the program said.

AWS answers in its own spelling: sets in any order, policies with other white space, booleans for strings. Where a
live value means the same as the program's, the program's is kept, so that only real drift shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local.providers.aws.convert import find_member
from local.providers.aws.schema import object_fields


def to_property(term: str, live: Any, names: Mapping[str, str | None], path: str) -> Any:
    """`live` (a part of a botocore answer) in the terms of the SDK's schema; None where it says nothing."""
    if live is None:
        return None
    if term.startswith("#"):
        live = live[0] if isinstance(live, list) and live else live
        return _object(term, live, names, path) if isinstance(live, dict) else None
    if term.startswith("[]"):
        items = live if isinstance(live, list) else [live]
        return [to_property(term[2:], item, names, path) for item in items]
    if term.startswith("{}"):
        pairs = live if isinstance(live, dict) else tags_to_map(live)
        return {key: to_property(term[2:], item, names, path) for key, item in pairs.items()}
    return _scalar(term, live)


def _object(term: str, live: dict[str, Any], names: Mapping[str, str | None], path: str) -> dict[str, Any]:
    properties = {}
    for key, field_term in object_fields(term).items():
        name_path = f"{path}.{key}"
        member = (names.get(name_path) or "").rsplit(".", 1)[-1] or find_member(key, live)
        value = to_property(field_term, live.get(member or ""), names, name_path)
        if value is not None:
            properties[key] = value
    return properties


def _scalar(term: str, live: Any) -> Any:
    if isinstance(live, datetime):
        return live.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(live, dict | list):
        return json.dumps(live) if term == "str" else live
    if term == "str":
        return str(live).lower() if isinstance(live, bool) else str(live)
    if term == "bool":
        return str(live).lower() == "true"
    if term in ("int", "float"):
        number = float(live)
        return int(number) if number.is_integer() else number
    return live


def tags_to_map(tags: Any) -> dict[str, str]:
    """AWS's tag lists (Key/Value, key/value, TagKey/TagValue) or a map, without the reserved `aws:` tags."""
    if isinstance(tags, list):
        tags = {
            tag[next(k for k in tag if k.lower().endswith("key"))]: tag.get(
                next((k for k in tag if k.lower().endswith("value")), ""), ""
            )
            for tag in tags
        }
    return {key: value for key, value in (tags or {}).items() if not key.startswith("aws:")}


def same(term: str, said: Any, live: Any) -> bool:
    """Whether `live` means what the program `said`; of an object only the fields that it gave count."""
    return bool(reconcile(term, said, live) == said)


def reconcile(term: str, said: Any, live: Any) -> Any:
    """The program's value as it would have to be written for `live`; `said` itself where they mean the same.

    Maps (tags, labels) count whole, objects by the fields given. An empty value and an absent one are the same.
    """
    if live is None or said is None:
        return said if said in ("", False, 0, [], {}, None) else None
    if isinstance(said, dict) and isinstance(live, dict):
        if term.startswith("#"):
            fields = object_fields(term)
            return {key: reconcile(fields[key], item, live.get(key)) for key, item in said.items()}
        return said if said == live else live
    if isinstance(said, list) and isinstance(live, list):
        return _reconcile_lists(term.removeprefix("[]"), said, live)
    if said == live and isinstance(said, bool) == isinstance(live, bool):
        return said
    if isinstance(said, str) and isinstance(live, str):
        return said if same_json(said, live) else live
    return live


def _reconcile_lists(term: str, said: list[Any], live: list[Any]) -> list[Any]:
    """Lists are sets; an item that is still there keeps the program's spelling and place."""
    left = list(live)
    kept = []
    for item in said:
        match = next((i for i, candidate in enumerate(left) if same(term, item, candidate)), None)
        if match is not None:
            left.pop(match)
            kept.append(item)
    if len(said) == len(live) == 1 and left:  # a single block: show its difference by field
        return [reconcile(term, said[0], live[0])]
    return kept + left


def same_json(left: str, right: str) -> bool:
    """Whether two strings are equal, or JSON documents that say the same (a lone item equals a list of it)."""
    if left == right:
        return True
    if not (left.lstrip()[:1] in ("{", "[") and right.lstrip()[:1] in ("{", "[")):
        return False
    try:
        return bool(_canonical(json.loads(left)) == _canonical(json.loads(right)))
    except ValueError:
        return False


def _canonical(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _canonical(value) for key, value in document.items()}
    if isinstance(document, list):
        items = [_canonical(item) for item in document]
        return items[0] if len(items) == 1 else sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return document


def with_live_fields(term: str, said: Any, live: Any) -> Any:
    """The program's value plus what AWS filled in: outputs show nested fields that the program left to AWS."""
    if term.startswith("#") and isinstance(said, dict) and isinstance(live, dict):
        fields = object_fields(term)
        fields_said = {key: with_live_fields(fields[key], item, live.get(key)) for key, item in said.items()}
        return {**live, **fields_said}
    return reconcile(term, said, live)
