"""Instance profiles, event rules and queues: what a controller that buys nodes is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import Asked, Checks


def _policy(asked: Asked) -> Mapping[str, Any] | None:
    """An empty text takes the policy away."""
    text = (asked.given.get("Attributes") or {}).get("Policy")
    if not text:
        return None
    try:
        return None if isinstance(json.loads(text), dict) else {}
    except ValueError:
        return {}


CHECKS: Checks = {
    "queue-policy": _policy,
}
