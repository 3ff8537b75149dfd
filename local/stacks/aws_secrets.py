"""Secrets of AWS Secrets Manager that a stack file names: in an account they exist before the stack.

Their values are made up and protect nothing: no token of the Hub is asked for here. What is there is left as
it is, so that a value written by hand, and its rotation, arrive.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RemoteToken:
    """A secret as models read it."""

    keys: frozenset[str] = frozenset()
    """Of its JSON; without keys the whole text is the value."""
    kms_key_arn: str | None = None
    """None: AWS' own key. The endpoint encrypts nothing, and takes the ARN of a key that is not there."""


def make(
    manager: Any, tokens: Mapping[str, RemoteToken], value: Callable[[], str] = lambda: secrets.token_urlsafe(24)
) -> None:
    """Makes those that are not there, with the key that the stack file says they have. `tokens`: by name."""
    for name, token in tokens.items():
        text = json.dumps({key: value() for key in sorted(token.keys)}) if token.keys else value()
        key = {"KmsKeyId": token.kms_key_arn} if token.kms_key_arn else {}
        try:
            manager.create_secret(Name=name, SecretString=text, **key)
        except manager.exceptions.ResourceExistsException:
            continue
