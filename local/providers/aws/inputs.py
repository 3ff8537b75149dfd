"""Check and Diff: what the program says, completed and judged before any call, and compared with what it said."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.providers.aws.parameters import create_parameters, unsupported
from local.providers.aws.project import same
from local.providers.aws.schema import Problem, check_types, did_you_mean, resource_schema
from local.providers.aws.table import Row
from local.providers.rpc import UNKNOWN, Kind, Secret, contains_unknown, detailed_diff, plain

DEFAULTS_KEY = "__defaults"
_RANDOM_HEX_DIGITS = 7


@dataclass(frozen=True)
class Naming:
    """What the engine says about names: the resource's logical name, a seed, and its own proposal, if any."""

    logical_name: str
    seed: bytes = b""
    proposed: str | None = None
    disabled: bool = False


@dataclass(frozen=True)
class ProviderSettings:
    """Of the provider resource: tags for everything, and accounts that it may work in (empty: any)."""

    default_tags: Mapping[str, str] = field(default_factory=dict)
    allowed_account_ids: tuple[str, ...] = ()


def check(
    row: Row, olds: Mapping[str, Any], news: Mapping[str, Any], naming: Naming, settings: ProviderSettings
) -> tuple[dict[str, Any], list[Problem]]:
    """The inputs with defaults, names and default tags, and all that is wrong with them.

    Secrets stay marked in the inputs; problems never show a secret's value.
    """
    problems: list[Problem] = []
    inputs = _typed(row, news, problems)
    _fill_defaults(row, inputs, olds, naming)
    schema = resource_schema(row.token)
    problems += [Problem(prop, "is required and was not given") for prop in schema.required if inputs.get(prop) is None]
    if "tags" in schema.inputs and settings.default_tags:
        inputs["tags"] = _with_default_tags(inputs.get("tags"), settings.default_tags)
    if not problems:
        problems += _judge(row, plain(inputs))
    secret_values = secret_texts(inputs)
    return inputs, [Problem(p.path, _redacted(p.message, secret_values)) for p in problems]


def _typed(row: Row, news: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    schema = resource_schema(row.token)
    beyond = unsupported(row.token, row)
    inputs = {}
    for prop, value in news.items():
        if prop.startswith("__") or value is None:
            continue
        if prop not in schema.inputs:
            problems.append(Problem(prop, f'{row.token} has no property "{prop}".{did_you_mean(prop, schema.inputs)}'))
        elif prop in beyond:
            problems.append(
                Problem(prop, "is a property of the real provider that the local stand-in does not implement")
            )
        else:
            inputs[prop] = check_types(value, schema.inputs[prop], prop, problems)
    return inputs


def _fill_defaults(row: Row, inputs: dict[str, Any], olds: Mapping[str, Any], naming: Naming) -> None:
    filled = []
    for prop, value in row.fills.items():
        if inputs.get(prop) is None:
            inputs[prop] = value
            filled.append(prop)
    name = row.name_prop
    if name and inputs.get(name) is None:
        if name in (olds.get(DEFAULTS_KEY) or []) and olds.get(name):
            inputs[name] = olds[name]
            filled.append(name)
        elif not naming.disabled:
            inputs[name] = naming.proposed or _random_name(row, naming)
            filled.append(name)
    inputs[DEFAULTS_KEY] = sorted(filled)


def _random_name(row: Row, naming: Naming) -> str:
    """`<logical name>-<7 hex>`, as the real provider; the engine's seed makes preview and up agree."""
    digest = hashlib.sha256(naming.seed).hexdigest() if naming.seed else secrets.token_hex(16)
    prefix = "alias/" if row.service == "kms" else ""
    return f"{prefix}{naming.logical_name}-{digest[:_RANDOM_HEX_DIGITS]}"


def _with_default_tags(tags: Any, defaults: Mapping[str, str]) -> Any:
    if tags is UNKNOWN:
        return tags
    if isinstance(tags, Secret):
        return Secret(_with_default_tags(tags.value, defaults))
    return {**defaults, **(tags or {})}


def _judge(row: Row, inputs: dict[str, Any]) -> list[Problem]:
    _, problems = create_parameters(row, {**row.defaults, **inputs} if row.create is None else inputs)
    for rule in row.checks:
        problems += rule(inputs)
    return list(dict.fromkeys(problems))  # two rules may say the same


def secret_texts(value: Any, inside: bool = False) -> set[str]:
    """The texts of all secrets in the tree."""
    if isinstance(value, Secret):
        return secret_texts(value.value, True)
    if isinstance(value, Mapping):
        return {text for item in value.values() for text in secret_texts(item, inside)}
    if isinstance(value, list):
        return {text for item in value for text in secret_texts(item, inside)}
    return {str(value)} if inside and value not in (None, "", UNKNOWN) else set()


def _redacted(message: str, texts: set[str]) -> str:
    for text in sorted(texts, key=len, reverse=True):
        message = message.replace(text, "[secret]")
    return message


def compare(row: Row, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Kind]:
    """Paths that differ between two checked inputs. Sets in another order and equal JSON are no difference."""
    terms = resource_schema(row.token).inputs
    left, right = _comparable(old), _comparable(new)
    for prop in left.keys() & right.keys():
        if prop in row.ordered or contains_unknown(right[prop]):
            continue
        term = terms.get(prop, "any")
        if same(term, right[prop], left[prop]) and same(term, left[prop], right[prop]):
            right[prop] = left[prop]
    return detailed_diff(left, right)


def _comparable(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: plain(value) for key, value in inputs.items() if not key.startswith("__") and value is not None}


def replaces(row: Row, path: str) -> bool:
    """Whether a difference at `path` needs a new object."""
    return not row.can_change(path)


def delete_first(row: Row, old: Mapping[str, Any], new: Mapping[str, Any], changes: Mapping[str, Kind]) -> bool:
    """Whether AWS would refuse the new object beside the old one: the same explicit name, the same place."""
    touched = {path.split(".")[0].split("[")[0] for path in changes}
    if row.name_prop and row.name_prop not in touched and row.name_prop not in (new.get(DEFAULTS_KEY) or []):
        return True
    return bool(row.exclusive) and not touched.intersection(row.exclusive)
