"""Secrets of AWS Secrets Manager that a stack file names: in an account they exist before the stack.

Their values are made up and protect nothing: no token of the Hub is asked for here. What is there is left as
it is, so that a value written by hand, and its rotation, arrive.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any


def make(
    manager: Any, keys_by_name: Mapping[str, set[str]], value: Callable[[], str] = lambda: secrets.token_urlsafe(24)
) -> None:
    """Makes those that are not there. `keys_by_name`: keys of the JSON; without keys the whole text is the value."""
    for name, keys in keys_by_name.items():
        text = json.dumps({key: value() for key in sorted(keys)}) if keys else value()
        try:
            manager.create_secret(Name=name, SecretString=text)
        except manager.exceptions.ResourceExistsException:
            continue
