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

import yaml
from moto.ec2.models import ec2_backends
from moto.eks.exceptions import InvalidParameterException, ResourceInUseException, ResourceNotFoundException
from moto.iam.models import iam_backends

from local.aws_endpoint import facts

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


def record_update(cluster: Any, kind: str, changed: Record) -> Record:
    """An update that is over already: here everything happens at once."""
    update: Record = {
        "id": new_id(),
        "status": "Successful",
        "type": kind,
        "params": [
            {"type": name[0].upper() + name[1:], "value": json.dumps(value, default=str)}
            for name, value in changed.items()
        ],
        "createdAt": now(),
        "errors": [],
    }
    extra(cluster, "updates")[update["id"]] = update
    return update


@functools.cache
def check_role_arn(role_arn: str) -> None:
    """Refuses what is no role ARN. moto's own check builds a boto3 Session per call (140 ms)."""
    if not _ROLE_ARN.fullmatch(role_arn or ""):
        raise invalid(f"Invalid Role Arn: '{role_arn}'")


def check_role_exists(role_arn: str) -> None:
    """EKS refuses a role that is not there; moto takes every well-formed ARN."""
    check_role_arn(role_arn)
    found: re.Match[str] | None = _ROLE_ARN.fullmatch(role_arn)
    assert found is not None, "check_role_arn lets only matches through"
    name = found["path"].rsplit("/", 1)[-1]
    account, partition = str(found["account"]), str(found["partition"])
    roles = iam_backends[account][partition].roles.values()
    if not any(role.name == name for role in roles):
        raise invalid(f"Role with arn: {role_arn}, could not be assumed because it does not exist")


def check_subnets(backend: Any, subnet_ids: list[str], *, minimum_zones: int) -> str:
    """The VPC of the subnets. Refuses unknown subnets, several VPCs and too few availability zones."""
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    known = {subnet.id: subnet for zone in ec2.subnets.values() for subnet in zone.values()}
    unknown = [subnet_id for subnet_id in subnet_ids if subnet_id not in known]
    if unknown:
        raise invalid(f"The subnet ID '{unknown[0]}' does not exist")
    subnets = [known[subnet_id] for subnet_id in subnet_ids]
    zones = {subnet.availability_zone for subnet in subnets}
    if len(zones) < minimum_zones:
        raise invalid("Subnets specified must be in at least two different AZs")
    vpcs = {subnet.vpc_id for subnet in subnets}
    if len(vpcs) != 1:
        raise invalid(f"Subnets must be in one VPC; these are in {', '.join(sorted(vpcs)) or 'none'}")
    return str(vpcs.pop())


def check_security_groups(backend: Any, group_ids: list[str]) -> None:
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    for group_id in group_ids:
        if ec2.get_security_group_from_id(group_id) is None:
            raise invalid(f"The security group '{group_id}' does not exist")


def check_launch_template(backend: Any, template: Record | None) -> None:
    if not template:
        return
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    found = [
        known
        for known in ec2.launch_templates.values()
        if known.id == template.get("id") or known.name == template.get("name")
    ]
    if not found:
        raise invalid(f"Launch template {template.get('id') or template.get('name')} does not exist")
    version = str(template.get("version") or "$Default")
    if not version.startswith("$") and not any(str(v.number) == version for v in found[0].versions):
        raise invalid(f"Launch template {found[0].id} has no version {version}")


def check_version(version: str) -> None:
    if version not in facts.CLUSTER_VERSIONS:
        raise invalid(f"unsupported Kubernetes version {version}; supported: {', '.join(facts.CLUSTER_VERSIONS)}")


def check_addon(name: str, version: str | None) -> None:
    """Refuses names that EKS has no add-on for (a typing mistake) and malformed versions."""
    if name not in facts.ADDONS:
        raise invalid(f"Addon {name} specified is not supported; known here: {', '.join(facts.ADDONS)}")
    if version is not None and not re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", version):
        raise invalid(f"Addon version specified is not supported: {version}")


def check_configuration(text: str | None) -> None:
    """Add-on configuration is a JSON or YAML object."""
    if text is None:
        return
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise invalid(f"ConfigurationValue is not in valid JSON or YAML: {error}") from error
    if not isinstance(parsed, dict):
        raise invalid(f"ConfigurationValue must be an object, not {type(parsed).__name__}")


def found_in(records: dict[str, Record], key: str, describe: Callable[[], str]) -> Record:
    """The record, or EKS's ResourceNotFoundException with the text of `describe`."""
    if key not in records:
        raise missing(describe())
    return records[key]
