"""What a managed group's updateConfig says of an update, and how long EKS is patient: for the endpoint, which plays it
without nodes, and for the node watcher, which does it to nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EVICTION_SECONDS = 15 * 60
"""https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html, upgrade phase."""
MOST_AT_ONCE = 100
"""https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupUpdateConfig.html; how a percentage is rounded is
written nowhere: down, and one at least."""


def at_once(config: Mapping[str, Any], desired: int) -> int:
    """Nodes that an update may take away at the same time."""
    share = config.get("maxUnavailablePercentage")
    count = desired * int(share) // 100 if share else int(config.get("maxUnavailable") or 1)
    return max(1, min(count, MOST_AT_ONCE))


def surge(config: Mapping[str, Any], zones: int, desired: int) -> int:
    """Nodes that an update starts before it ends one; `zones`: how many the group has."""
    return 0 if config.get("updateStrategy") == "MINIMAL" else max(2 * zones, at_once(config, desired))
