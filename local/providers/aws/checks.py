"""Mistakes that neither botocore nor moto finds, and that real AWS answers minutes later: found before any call.

A rule sees the inputs with unknown values (UNKNOWN) in them, and speaks only of what it knows.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from local.providers.aws.schema import Problem
from local.providers.aws.table import CheckRule
from local.providers.rpc import contains_unknown

Inputs = Mapping[str, Any]


def known(inputs: Inputs, prop: str) -> Any:
    """The property's value where it is given and wholly known, else None."""
    value = inputs.get(prop)
    return None if value is None or contains_unknown(value) else value


def network_problem(text: str) -> str | None:
    """Why `text` is no network address in CIDR form, or None."""
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        return f'"{text}" is no network in CIDR form: {error}'
    return None if "/" in text else f'"{text}" has no prefix length; write for example {text}/32'


def cidr(prop: str, shortest: int, longest: int) -> CheckRule:
    """`prop` is an IPv4 network with a prefix of `shortest` to `longest` bits."""

    def check(inputs: Inputs) -> list[Problem]:
        text = known(inputs, prop)
        if text is None:
            return []
        message = network_problem(text)
        if message is None and not shortest <= ipaddress.ip_network(text).prefixlen <= longest:
            message = f'"{text}": the prefix length must be /{shortest} to /{longest}'
        return [Problem(prop, message)] if message else []

    return check


def exactly_one(props: tuple[str, ...]) -> CheckRule:
    def check(inputs: Inputs) -> list[Problem]:
        present = [prop for prop in props if inputs.get(prop) is not None]
        if len(present) == 1:
            return []
        return [Problem(present[-1] if present else props[0], f"give exactly one of {', '.join(props)}")]

    return check


def json_document(prop: str) -> CheckRule:
    """`prop` is a JSON object."""

    def check(inputs: Inputs) -> list[Problem]:
        return parsed_json(inputs, prop)[1]

    return check


def parsed_json(inputs: Inputs, prop: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    text = known(inputs, prop)
    if text is None:
        return None, []
    try:
        document = json.loads(text)
    except ValueError as error:
        return None, [Problem(prop, f"is not valid JSON: {error}")]
    if not isinstance(document, dict):
        return None, [Problem(prop, f"must be a JSON object, got {type(document).__name__}")]
    return document, []
