"""EFS: throughput, where mount targets may be, and what holds a file system that is to go."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import Asked, Checks, Effects

SINCE = "2026-11-28"
DAY_SECONDS = 24 * 3600
# RootDirectory.Path: 1 to 100 characters (API_RootDirectory).
LONGEST_PATH = 100
# When its throughput was last changed or taken down, on moto's file system.
CHANGED = "_local_throughput_changed"


def _known(asked: Asked) -> Any | None:
    return asked.world.efs.file_systems_by_id.get(asked.given.get("FileSystemId"))


def _changes(asked: Asked) -> bool:
    """Whether the call changes the mode, or provisions less."""
    known = _known(asked)
    if known is None:
        return False
    mode = asked.given.get("ThroughputMode") or known.throughput_mode
    less = (asked.given.get("ProvisionedThroughputInMibps") or 0) < (known.provisioned_throughput_in_mibps or 0)
    return bool(mode != known.throughput_mode or (mode == "provisioned" and less))


def _too_soon(asked: Asked) -> Mapping[str, Any] | None:
    known = _known(asked)
    last = getattr(known, CHANGED, None)
    return {} if _changes(asked) and last is not None and time.time() - last < DAY_SECONDS else None


def _remember(asked: Asked) -> None:
    """After the call moto's file system is the new one: what was changed is not seen any more, so any call counts that
    names the mode."""
    known = _known(asked)
    if known is not None and asked.given.get("ThroughputMode"):
        setattr(known, CHANGED, time.time())


def _other_zone(asked: Asked) -> Mapping[str, Any] | None:
    known, subnets = _known(asked), asked.world.subnets([asked.given.get("SubnetId") or ""])
    wanted = known.availability_zone_name if known is not None else None
    if not wanted or not subnets or subnets[0].availability_zone == wanted:
        return None
    return {"zone": subnets[0].availability_zone, "wanted": wanted}


def _no_policy(asked: Asked) -> Mapping[str, Any] | None:
    try:
        document = json.loads(asked.given.get("Policy") or "")
    except ValueError:
        return {}
    return None if isinstance(document, dict) and document.get("Statement") else {}


def _deep(asked: Asked) -> Mapping[str, Any] | None:
    path = (asked.given.get("RootDirectory") or {}).get("Path") or "/"
    folders = len([part for part in path.split("/") if part])
    return {} if not path.startswith("/") or folders > 4 or len(path) > LONGEST_PATH else None


CHECKS: Checks = {
    "file-system-changes": _too_soon,
    "file-system-policy": _no_policy,
    "mount-target-zone": _other_zone,
    "access-point-path": _deep,
}

EFFECTS: Effects = {
    "file-system-changes": _remember,
}
