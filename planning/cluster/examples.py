"""Values of examples that were left in a stack file: accounts and addresses that do not exist."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import cache

from planning.facts import rows
from planning.findings import Findings
from planning.model import ExamplePlan, Finding, Severity
from settings.problems import path_text
from settings.secrets import leaves
from settings.stack import StackSettings

# Where an account's number stands in a text: in an ARN, and in the name of an ECR registry.
_IN_TEXT = re.compile(r"\barn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):|\b(\d{12})(?=\.dkr[.-]ecr[.-])")
_ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\d.]*\d)")
_MAIL = re.compile(r"[\w.%+-]+@([\w.-]+)")
ACCOUNT_RULE, ADDRESS_RULE, MAIL_RULE = "example-account", "example-address", "example-mail"


@cache
def _accounts() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(row["value"]) for row in rows("placeholders.csv") if row["kind"] == "account")


@cache
def _networks() -> tuple[ipaddress.IPv4Network, ...]:
    return tuple(ipaddress.IPv4Network(row["value"]) for row in rows("placeholders.csv") if row["kind"] == "network")


@cache
def _domains() -> tuple[str, ...]:
    return tuple(row["value"] for row in rows("placeholders.csv") if row["kind"] == "domain")


def check_examples(settings: StackSettings, findings: Findings) -> tuple[ExamplePlan, ...]:
    """Each of them, told as a warning here: without credentials a file may be looked at before it is anybody's."""
    written = settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
    examples = tuple(dict.fromkeys(_examples(written)))
    for example in examples:
        findings.add(example.finding)
    return examples


def _examples(written: object) -> Iterator[ExamplePlan]:
    for place, value in leaves(written):
        if not isinstance(value, str):
            continue
        path = path_text(place)
        for number in _named_accounts(path, value):
            if any(pattern.fullmatch(number) for pattern in _accounts()):
                words = f"{number} is an account of examples that belongs to no one: `pulumi up` refuses it"
                fix = "write your own"
                yield ExamplePlan(Finding(path, ACCOUNT_RULE, Severity.WARNING, words, fix), number)
        for text in _ADDRESS.findall(value):
            if _is_documentation(text):
                words = f"{text} is an address of documentation (RFC 5737), which no host has: `pulumi up` refuses it"
                fix = "write your own (`curl -s https://checkip.amazonaws.com` prints it)"
                yield ExamplePlan(Finding(path, ADDRESS_RULE, Severity.WARNING, words, fix))

        mail = _MAIL.fullmatch(value)
        if mail and any(f".{mail[1].lower()}".endswith(f".{domain}") for domain in _domains()):
            words = f"{value} is an address of documentation (RFC 2606) without a mailbox: `pulumi up` refuses it"
            yield ExamplePlan(Finding(path, MAIL_RULE, Severity.WARNING, words, "write your own"))


def _named_accounts(path: str, value: str) -> list[str]:
    if path == "account":
        return [value]
    return [arn or registry for arn, registry in _IN_TEXT.findall(value)]


def _is_documentation(text: str) -> bool:
    try:
        block = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return any(block.subnet_of(network) for network in _networks())
