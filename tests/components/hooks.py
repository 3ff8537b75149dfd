"""The preStop hook of a rendered container."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def pre_stop_sleep_seconds(container: Mapping[str, Any]) -> float | None:
    """How long it sleeps before anything else; None without a hook."""
    hook = container.get("lifecycle", {}).get("preStop", {})
    if "exec" in hook:
        return float(json.loads(hook["exec"]["command"][-1])["sleep_seconds"])
    seconds = hook.get("sleep", {}).get("seconds")
    return None if seconds is None else float(seconds)
