"""What the settings look like from outside: the committed JSON Schema and the table in docs/settings.md.

`python -m settings.document` writes both again; a test keeps them current.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from settings.read import PROJECT
from settings.schema import SCHEMA_FILE, json_schema

TABLE_FILE = Path("docs/settings.md")
TABLE_BEGIN = "<!-- settings table: python -m settings.document -->"
TABLE_END = "<!-- end of settings table -->"


def stack_file_schema() -> dict[str, Any]:
    """The JSON Schema of a whole `Pulumi.<stack>.yaml`, for editors: our sections under `config:`."""
    sections = json_schema()
    ours = {f"{PROJECT}:{key}": value for key, value in sections["properties"].items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Pulumi stack file of {PROJECT}",
        "type": "object",
        "properties": {"config": {"type": "object", "properties": ours}},
        "$defs": sections["$defs"],
    }


def settings_table() -> str:
    """Every key with its default and what it means, as a Markdown table."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    rows += [f"| `{path}` | {default} | {meaning} |" for path, default, meaning in _rows()]
    return "\n".join(rows)


def with_table(page: str) -> str:
    """The page with the table between its two markers."""
    pattern = re.compile(re.escape(TABLE_BEGIN) + ".*?" + re.escape(TABLE_END), re.DOTALL)
    return pattern.sub(lambda _: f"{TABLE_BEGIN}\n{settings_table()}\n{TABLE_END}", page)


def _rows() -> Iterator[tuple[str, str, str]]:
    root = json_schema()
    yield from _rows_below(root, "", root["$defs"])


def _rows_below(node: Mapping[str, Any], prefix: str, definitions: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key, field in node.get("properties", {}).items():
        if key == "kind" and "const" in field:  # shown as a mark beside the paths of its branch
            continue
        path = f"{prefix}{key}"
        needed = key in node.get("required", ())
        default = "required" if needed else f"`{json.dumps(field['default'])}`" if "default" in field else ""
        branches = list(_branches(field, definitions))
        meaning = field.get("description", "")
        if choices := _choices(field, definitions):
            meaning += f" ({', '.join(choices)})"
        if len(default) > 60:
            default = "see below" if branches else "`" + default.strip("`")[:50] + "...`"
        yield path + ("[]" if _is_list_of(field, definitions) else ""), "" if branches else default, meaning
        for branch in branches:
            kind = branch["properties"].get("kind", {}).get("const")
            mark = f"({kind})" if kind else ""
            list_mark = "[]" if _is_list_of(field, definitions) else ""
            yield from _rows_below(branch, f"{path}{list_mark}{mark}.", definitions)


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    return definitions[reference.rsplit("/", 1)[1]] if reference else node


def _branches(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    items = field.get("items") or {}
    optional = field.get("anyOf", ())
    inside = (branch for option in optional for branch in option.get("oneOf", ()))  # a choice that may be left out
    for option in (*field.get("oneOf", ()), *optional, *inside, field, *items.get("oneOf", ()), items):
        resolved = _resolved(option, definitions)
        if "properties" in resolved:
            yield resolved


def _is_list_of(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    items = field.get("items") or {}
    return "oneOf" in items or "properties" in _resolved(items, definitions)


def _choices(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[str]:
    for option in (field, field.get("items") or {}, *field.get("anyOf", ())):
        if choices := _resolved(option, definitions).get("enum"):
            return [str(value) for value in choices]
    return []


def main() -> None:
    """Writes the schema and the table."""
    SCHEMA_FILE.write_text(json.dumps(stack_file_schema(), indent=2) + "\n", encoding="utf-8")
    TABLE_FILE.write_text(with_table(TABLE_FILE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
