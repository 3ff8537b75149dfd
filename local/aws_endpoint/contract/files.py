"""EFS: throughput, where mount targets may be, and what holds a file system that is to go."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import MOTO, Asked, ContractRule
from local.aws_endpoint.contract.sources import efs_api

SINCE = "2026-11-28"
DAY_SECONDS = 24 * 3600
MOST_PROVISIONED_MIBPS = 3414
# When its throughput was last changed or taken down, on moto's file system.
CHANGED = "_local_throughput_changed"
_MADE_OR_CHANGED = ("efs:CreateFileSystem", "efs:UpdateFileSystem")


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
    return {} if not path.startswith("/") or len([part for part in path.split("/") if part]) > 4 else None


RULES = (
    ContractRule(
        id="file-system-throughput",
        operations=_MADE_OR_CHANGED,
        condition="throughputMode is provisioned and no throughput is named, or one is named with another mode",
        code="BadRequest",
        words="ProvisionedThroughputInMibps is required for, and belongs to, throughput mode provisioned",
        source=f"{efs_api('CreateFileSystem')} (the words are not AWS' own)",
        since=SINCE,
        check="(ThroughputMode == 'provisioned' && !ProvisionedThroughputInMibps) || "
        "(ThroughputMode && ThroughputMode != 'provisioned' && ProvisionedThroughputInMibps)",
    ),
    ContractRule(
        id="file-system-throughput-limit",
        operations=_MADE_OR_CHANGED,
        condition=f"more than {MOST_PROVISIONED_MIBPS} MiB/s",
        code="ThroughputLimitExceeded",
        words="the throughput limit has been reached",
        source=f"{efs_api('UpdateFileSystem')} (the words are not AWS' own)",
        since=SINCE,
        check=f"not_null(ProvisionedThroughputInMibps, `0`) > `{MOST_PROVISIONED_MIBPS}`",
    ),
    ContractRule(
        id="file-system-changes",
        operations=("efs:UpdateFileSystem",),
        condition="the throughput mode was changed, or less provisioned, less than 24 hours ago",
        code="TooManyRequests",
        words="You have reached the maximum number of throughput mode changes or provisioned throughput value "
        "decreases.",
        source="https://www.repost.aws/knowledge-center/efs-max-throughput-mode-changes",
        since=SINCE,
        check=_too_soon,
        effect=_remember,
    ),
    ContractRule(
        id="file-system-key",
        operations=("efs:CreateFileSystem",),
        condition="a KMS key without encryption",
        code="BadRequest",
        words='If kms_key_id given, "encrypted" must be True.',
        source=efs_api("CreateFileSystem"),
        since=SINCE,
        by=MOTO,
    ),
    ContractRule(
        id="file-system-held",
        operations=("efs:DeleteFileSystem",),
        condition="mount targets are left",
        code="FileSystemInUse",
        words="Must delete all mount targets before deleting file system.",
        source=efs_api("DeleteFileSystem"),
        since=SINCE,
        by=MOTO,
    ),
    ContractRule(
        id="file-system-policy",
        operations=("efs:PutFileSystemPolicy",),
        condition="the policy is no JSON with statements",
        code="InvalidPolicyException",
        words="The policy document is malformed",
        source=f"{efs_api('PutFileSystemPolicy')} (the words are not AWS' own)",
        since=SINCE,
        check=_no_policy,
    ),
    ContractRule(
        id="mount-target-twice",
        operations=("efs:CreateMountTarget",),
        condition="the file system has a mount target in the subnet's zone",
        code="MountTargetConflict",
        words="mount target already exists in this AZ",
        source=efs_api("CreateMountTarget"),
        since=SINCE,
        by=MOTO,
    ),
    ContractRule(
        id="mount-target-zone",
        operations=("efs:CreateMountTarget",),
        condition="One Zone storage, and the subnet is in another zone",
        code="AvailabilityZonesMismatch",
        words="The file system is in {wanted}, and the subnet in {zone}",
        source=f"{efs_api('CreateMountTarget')} (the words are not AWS' own)",
        since=SINCE,
        check=_other_zone,
    ),
    ContractRule(
        id="access-point-path",
        operations=("efs:CreateAccessPoint",),
        condition="the root directory is no absolute path of at most four folders",
        code="BadRequest",
        words="invalid root directory path",
        source=f"{efs_api('RootDirectory')} (the words are not AWS' own)",
        since=SINCE,
        check=_deep,
    ),
)
