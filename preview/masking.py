"""The last look at a report before it is shown: what looks like a credential becomes `[secret]`, and an invisible
character its escape.

Values marked secret never get this far (`preview.values`). This is for a credential that was written in plain text: it
is an error of its own, and still must not be repeated in a pull request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from preview.values import SECRET, UNKNOWN
from settings.printable import lines
from settings.secrets import SECRET_NAMES, hidden

_FLAG = re.compile(r"--[\w-]*(?:api-key|token|password|secret)", re.IGNORECASE)


def masked(value: Any) -> Any:
    """The same document without credentials and hidden characters, in keys too."""
    if isinstance(value, str):
        return hidden(lines(value), SECRET)
    if isinstance(value, Mapping):
        made = {masked(key): masked(item) for key, item in value.items()}
        if isinstance(made.get("value"), str) and _names_a_secret(made.get("name")) and made["value"] != UNKNOWN:
            made["value"] = SECRET
        return made
    if not isinstance(value, list | tuple):
        return value
    # `--api-key VALUE` as two arguments.
    before = [None, *value][: len(value)]
    return [SECRET if _is_flag(flag) else masked(item) for flag, item in zip(before, value, strict=True)]


def _is_flag(value: Any) -> bool:
    return isinstance(value, str) and _FLAG.fullmatch(value) is not None


def _names_a_secret(name: Any) -> bool:
    return isinstance(name, str) and bool(SECRET_NAMES.search(name))
