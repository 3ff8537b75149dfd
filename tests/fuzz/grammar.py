"""docs/stack.schema.json as a grammar: what may stand at a place of a stack file, and values for it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tests.conftest import REPO

Schema = Mapping[str, Any]
ANYTHING: Schema = {}
DEEPEST = 4  # levels of one made value; below, only what must be there
# For texts with a pattern: one of each kind that the patterns of this schema take, so that many cases are valid.
WORDS = (
    "a", "models", "x-1", "us-east-1", "us-west-2", "eu-central-1", "g6.xlarge", "g6.12xlarge", "g5.2xlarge",
    "p5.48xlarge", "g7e.2xlarge", "m7i.large",
    "10.0.0.0/16", "10.64.0.0/18", "203.0.113.0/24", "1Gi", "500m", "16Gi", "200Gi", "v0.33.0", "v0.31.0", "1.35",
    "1.34", "Qwen/Qwen2.5-7B-Instruct",
    "meta-llama/Llama-3.1-8B-Instruct", "subnet-0123456789abcdef0", "vpc-0123456789abcdef0", "sg-0123456789abcdef0",
    "hfToken", "s3://bucket/key",
    "arn:aws:iam::210987654321:role/admin", "arn:aws:kms:us-east-1:210987654321:key/0123", "Europe/Berlin", "UTC",
    "0 8 * * 1-5", "2026-12-31",
    "https://hooks.company.org/x", "registry.company.org/mirror", "nvidia.com/gpu", "ON_DEMAND", "SPOT", "gp3",
    "sum(rate(x[1m]))", "--seed=1", "60s",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One value of a document, and what the schema says of it."""

    holder: Any
    key: str | int
    schema: Schema

    @property
    def value(self) -> Any:
        """What stands there; None where an earlier change took it away."""
        try:
            return self.holder[self.key]
        except (KeyError, IndexError):
            return None

    def put(self, value: Any) -> None:
        """Writes there."""
        if isinstance(self.holder, dict) or self.key < len(self.holder):  # type: ignore[operator]
            self.holder[self.key] = value


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((REPO / "docs" / "stack.schema.json").read_text(encoding="utf-8"))
    return loaded


def places(document: Any) -> Iterator[Place]:
    """Every value of a stack file below `config`."""
    config = document.get("config") if isinstance(document, dict) else None
    if isinstance(config, dict):
        yield from _below(config, _schema()["properties"]["config"])
    if not config:
        yield Place(document, "config", _schema()["properties"]["config"])


def _below(value: Any, schema: Schema) -> Iterator[Place]:
    if isinstance(value, dict):
        known = properties(schema, value)
        for key in value:
            place = Place(value, key, known.get(key, schema.get("additionalProperties") or ANYTHING))
            place = Place(value, key, place.schema if isinstance(place.schema, Mapping) else ANYTHING)
            yield place
            yield from _below(place.value, place.schema)
    elif isinstance(value, list):
        items = _chosen(schema, value).get("items", ANYTHING)
        for index, item in enumerate(value):
            yield Place(value, index, items)
            yield from _below(item, items)


def properties(schema: Schema, value: Any) -> Mapping[str, Schema]:
    """The keys that the mapping `value` may have here."""
    known: Mapping[str, Schema] = _chosen(schema, value).get("properties", {})
    return known


def _resolved(schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _alternatives(schema: Schema) -> list[Schema]:
    schema = _resolved(schema)
    branches = schema.get("oneOf") or schema.get("anyOf")
    return [alternative for option in branches for alternative in _alternatives(option)] if branches else [schema]


def _chosen(schema: Schema, value: Any) -> Schema:
    """The alternative that a value means by its `kind`, else the first that is of its type."""
    options = _alternatives(schema)
    wanted = "object" if isinstance(value, dict) else "array"
    options = [option for option in options if option.get("type") == wanted] or options
    if isinstance(value, dict) and isinstance(value.get("kind"), str):
        named = [
            option for option in options if option.get("properties", {}).get("kind", {}).get("const") == value["kind"]
        ]
        return (named or options)[0]
    return options[0]


def value_for(schema: Schema, chance: random.Random, depth: int = 0) -> Any:
    """A value that the schema takes, or one just beyond a limit of it."""
    schema = chance.choice(_alternatives(schema))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return chance.choice(schema["enum"])
    if "default" in schema and chance.random() < 0.1:
        return schema["default"]
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return _number(schema, chance, whole=kind == "integer")
    if kind == "string":
        return _text(schema, chance)
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "array":
        few = range(chance.choice((0, 1, 1, 2, 3)) if depth < DEEPEST else schema.get("minItems", 0))
        return [value_for(schema.get("items", ANYTHING), chance, depth + 1) for _ in few]
    if kind == "object":
        return _mapping(schema, chance, depth)
    return None if kind == "null" else chance.choice((1, "a", True, None))


def _mapping(schema: Schema, chance: random.Random, depth: int) -> dict[str, Any]:
    must = set(schema.get("required", ()))
    share = 0.4 if depth < DEEPEST else 0.0
    made = {
        key: value_for(property_, chance, depth + 1)
        for key, property_ in schema.get("properties", {}).items()
        if key in must or "const" in _resolved(property_) or chance.random() < share
    }
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        made |= {chance.choice(WORDS): value_for(more, chance, depth + 1) for _ in range(chance.choice((0, 1, 2)))}
    return made


def _number(schema: Schema, chance: random.Random, *, whole: bool) -> float:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    most = schema.get("maximum", schema.get("exclusiveMaximum", max(1000, least * 10)))
    step = 1 if whole else (most - least) / 1e6
    edges = (least - step, least, least + step, most - step, most, most + step)
    if chance.random() < 0.4:
        return chance.choice(edges)
    top = min(most, max(least, chance.choice((4, 64, 10_000, most))))
    return chance.randint(int(least), max(int(least), int(top))) if whole else chance.uniform(least, top)


def _text(schema: Schema, chance: random.Random) -> str:
    if schema.get("default") and chance.random() < 0.3:
        return str(schema["default"])
    word = chance.choice(WORDS)
    limit = schema.get("maxLength", 0)
    longest = (word * (limit // len(word) + 1))[: limit + chance.randint(0, 1)]
    return longest if limit and chance.random() < 0.02 else word
