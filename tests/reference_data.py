"""Readers of tests/reference: charts' default values, definitions of custom resources, published samples and traces."""

from __future__ import annotations

import csv
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

REFERENCE = Path(__file__).parent / "reference"
DATA = REFERENCE / "data"
"""CSV files: AWS' instance types, model architectures, start-up logs and throughput figures of vLLM."""


@cache
def chart(name: str) -> dict[str, Any]:
    """`values`, perhaps `schema` and `subCharts` of a chart (tests/reference/README.md)."""
    content: dict[str, Any] = json.loads((REFERENCE / "charts" / f"{name}.json").read_text(encoding="utf-8"))
    return content


def chart_versions() -> dict[str, tuple[str, str]]:
    """Chart -> version and repository of what is kept of it."""
    with (REFERENCE / "charts" / "versions.csv").open(encoding="utf-8", newline="") as rows:
        return {row["chart"]: (row["version"], row["repository"]) for row in csv.DictReader(rows)}


def chart_values(name: str) -> dict[str, Any]:
    """A chart's default values, with those of the sub-charts that are kept below their names."""
    content = chart(name)
    values = dict(content["values"])
    for sub_chart, inside in content.get("subCharts", {}).items():
        values[sub_chart] = _merged(inside["values"], values.get(sub_chart, {}))
    return values


@cache
def custom_resource_validator(api_version: str, kind: str) -> jsonschema.Draft202012Validator:
    """Validates a custom resource less its metadata; a field that the definition does not know is an error."""
    schema = _closed(json.loads((REFERENCE / "crds" / api_version / f"{kind}.json").read_text(encoding="utf-8")))
    schema["properties"] |= {"apiVersion": {}, "kind": {}}
    return jsonschema.Draft202012Validator(schema)


def trace(name: str, folder: Path) -> Path:
    """A published trace, unpacked into `folder`."""
    file = folder / name
    file.write_bytes(gzip.decompress((REFERENCE / "traces" / f"{name}.gz").read_bytes()))
    return file


def _merged(defaults: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(defaults)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _closed(schema: Any) -> Any:
    """The schema with unknown fields refused, as the API server's strict field validation does."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed
