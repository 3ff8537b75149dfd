"""The last look at a report before anybody reads it: what looks like a credential becomes `[secret]`.

Values marked secret never get this far (`preview.values`). This is for a credential that somebody wrote in the open: it
is an error of its own, and still must not be repeated in a pull request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from policies.workloads import SECRET_NAMES, SECRET_SHAPES
from preview.values import SECRET, UNKNOWN

_FLAG = re.compile(r"(--[\w-]*(?:api-key|token|password|secret))(=\S+)?", re.IGNORECASE)


def masked(value: Any) -> Any:
    """The same document without credentials."""
    if isinstance(value, str):
        return _FLAG.sub(_without_value, SECRET_SHAPES.sub(SECRET, value)) if len(value) > 8 else value
    if isinstance(value, Mapping):
        made = {key: masked(item) for key, item in value.items()}
        if isinstance(made.get("value"), str) and _names_a_secret(made.get("name")) and made["value"] != UNKNOWN:
            made["value"] = SECRET
        return made
    if not isinstance(value, list | tuple):
        return value
    # `--api-key VALUE` as two arguments.
    before = [None, *value][: len(value)]
    return [SECRET if _is_flag(flag) else masked(item) for flag, item in zip(before, value, strict=True)]


def _without_value(flag: re.Match[str]) -> str:
    return f"{flag[1]}={SECRET}" if flag[2] else flag[1]


def _is_flag(value: Any) -> bool:
    found = _FLAG.fullmatch(value) if isinstance(value, str) else None
    return found is not None and not found[2]


def _names_a_secret(name: Any) -> bool:
    return isinstance(name, str) and bool(SECRET_NAMES.search(name))
