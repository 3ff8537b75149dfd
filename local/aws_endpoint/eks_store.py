"""State of the EKS operations that moto does not have, and the checks that EKS makes and moto does not.

Everything hangs on moto's cluster objects, so that it ends with them (and with a reset of moto). Records are dicts
in the shape of the API's answers.
"""

from __future__ import annotations

import functools
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import ec2_backends
from moto.eks.exceptions import InvalidParameterException, ResourceInUseException, ResourceNotFoundException

from local.aws_endpoint.contract.account import current

Record = dict[str, Any]
_ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):role/(?P<path>.+)")


def now() -> datetime:
    return datetime.now(UTC)


def invalid(message: str) -> Exception:
    error: Exception = InvalidParameterException(message=message)
    return error


def missing(message: str) -> Exception:
    error: Exception = ResourceNotFoundException(message=message)
    return error


def in_use(message: str) -> Exception:
    error: Exception = ResourceInUseException(message=message)
    return error


def extra(cluster: Any, kind: str) -> dict[str, Record]:
    """The cluster's own records of `kind` (addons, access_entries, ...), made at first use."""
    attribute = f"local_{kind}"
    if not hasattr(cluster, attribute):
        setattr(cluster, attribute, {})
    records: dict[str, Record] = getattr(cluster, attribute)
    return records


def arn(cluster: Any, kind: str, *path: str) -> str:
    """An ARN of something inside `cluster`: `arn:aws:eks:REGION:ACCOUNT:KIND/CLUSTER/...`."""
    prefix = cluster.arn.split(":cluster/")[0]
    return "/".join([f"{prefix}:{kind}", cluster.name, *path])


def new_id() -> str:
    return str(uuid.uuid4())


def record_update(cluster: Any, kind: str, changed: Record, of: Record | None = None) -> Record:
    """An update that is over already: here everything happens at once, but for nodes (eks_node_updates).

    `of`: nodegroupName or addonName, where it is none of the cluster itself.
    """
    update: Record = {
        "id": new_id(),
        "status": "Successful",
        "type": kind,
        "params": [
            {
                "type": name[0].upper() + name[1:],
                "value": value if isinstance(value, str) else json.dumps(value, default=str),
            }
            for name, value in changed.items()
        ],
        "createdAt": now(),
        "errors": [],
        **(of or {}),
    }
    extra(cluster, "updates")[update["id"]] = update
    return update


@functools.cache
def check_role_arn(role_arn: str) -> None:
    """Refuses what is no role ARN. moto's own check builds a boto3 Session per call (140 ms)."""
    if not _ROLE_ARN.fullmatch(role_arn or ""):
        raise invalid(f"Invalid Role Arn: '{role_arn}'")


def vpc_of(backend: Any, subnet_ids: list[str]) -> str:
    """The VPC of subnets, which the contract has found to exist and to be in one."""
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    known = {subnet.id: subnet for zone in ec2.subnets.values() for subnet in zone.values()}
    return str(known[subnet_ids[0]].vpc_id)


def page(member: str, items: list[Any], records: Record) -> Record:
    """One page of a list, and where the next begins."""
    size = min(int(records.get("maxResults") or current().page_size), current().page_size)
    first = int(records.get("nextToken") or 0)
    rest = {"nextToken": str(first + size)} if first + size < len(items) else {}
    return {member: items[first : first + size], **rest}


def found_in(records: dict[str, Record], key: str, describe: Callable[[], str]) -> Record:
    """The record, or EKS's ResourceNotFoundException with the text of `describe`."""
    if key not in records:
        raise missing(describe())
    return records[key]
