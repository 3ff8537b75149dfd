"""Managed node groups: sizes, releases, types, roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS

from local.aws_endpoint import facts
from local.aws_endpoint.contract.placing import subnet_missing
from local.aws_endpoint.contract.rule import Asked, ContractRule, is_bottlerocket
from local.aws_endpoint.contract.sources import EC2_ERRORS, api, guide, issue
from local.aws_endpoint.contract.world import EC2_SERVICE

_CREATE = ("eks:CreateNodegroup",)
_UPDATE = ("eks:UpdateNodegroupConfig",)
_VERSION = ("eks:UpdateNodegroupVersion",)
_RELEASE = re.compile(r"(?P<minor>1\.\d+)\.(?P<patch>\d+)-(?P<date>\d{8})")
_BOTTLEROCKET = re.compile(r"\d+\.\d+\.\d+-[0-9a-f]{8}")
_INVALID = "InvalidParameterException"


def _sizes(asked: Asked) -> tuple[int, int, int] | None:
    """minSize, desiredSize, maxSize as they would be after an update."""
    group, scaling = asked.world.node_group(asked.given), asked.given.get("scalingConfig")
    if group is None or not scaling:
        return None
    merged = {**group.scaling_config, **scaling}
    return merged["minSize"], merged["desiredSize"], merged["maxSize"]


def _min_over_desired(asked: Asked) -> Mapping[str, Any] | None:
    sizes = _sizes(asked)
    return {"min": sizes[0], "desired": sizes[1]} if sizes and sizes[0] > sizes[1] else None


def _desired_over_max(asked: Asked) -> Mapping[str, Any] | None:
    sizes = _sizes(asked)
    return {"desired": sizes[1], "max": sizes[2]} if sizes and sizes[1] > sizes[2] else None


def _cluster_version(asked: Asked) -> str | None:
    cluster = asked.world.cluster(asked.given.get("clusterName"))
    return cluster.version if cluster else None


def _version(asked: Asked) -> Mapping[str, Any] | None:
    cluster, release = _cluster_version(asked), asked.given.get("version")
    if cluster is None or release is None:
        return None
    known = release in facts.CLUSTER_VERSIONS
    return {"version": release, "cluster": cluster} if not known or float(release) > float(cluster) else None


def _release(asked: Asked) -> Mapping[str, Any] | None:
    """The release must be of the minor version that the group has, or gets with the same call; Bottlerocket's, which
    have a variant for each, are said with their commit (cloudposse/terraform-aws-eks-node-group#209)."""
    release, group = asked.given.get("releaseVersion"), asked.world.node_group(asked.given)
    version = asked.given.get("version") or (group.version if group else _cluster_version(asked))
    if release is None or version is None:
        return None
    if is_bottlerocket(asked):
        whole = _BOTTLEROCKET.fullmatch(release)
        return None if whole else {"release": release, "version": version}
    match = _RELEASE.fullmatch(release)
    return None if match and match["minor"] == version else {"release": release, "version": version}


def _older(asked: Asked) -> Mapping[str, Any] | None:
    group, release = asked.world.node_group(asked.given), asked.given.get("version")
    if group is None or release is None or float(release) >= float(group.version):
        return None
    return {"now": group.version, "wanted": release}


def _not_sold(asked: Asked) -> Mapping[str, Any] | None:
    """Types are sold by zone id; a name means another zone in another account."""
    offered = INSTANCE_TYPE_OFFERINGS["availability-zone-id"].get(asked.world.region)
    if not offered:
        return None
    sold = {(type_["InstanceType"], type_["Location"]) for type_ in offered}
    types = [name for name in asked.given.get("instanceTypes") or [] if any(name == sold_as for sold_as, _ in sold)]
    for subnet in asked.world.subnets(asked.given.get("subnets") or []):
        zone_id = asked.world.zone_id(subnet.availability_zone)
        for name in types:
            if (name, zone_id) not in sold:
                return {"type": name, "zone": subnet.availability_zone}
    return None


def _not_sold_here(asked: Asked) -> Mapping[str, Any] | None:
    offered = INSTANCE_TYPE_OFFERINGS["region"].get(asked.world.region)
    sold = {zone["InstanceType"] for zone in offered or []}
    for name in asked.given.get("instanceTypes") or []:
        if sold and name not in sold:
            return {"type": name, "region": asked.world.region}
    return None


def _trust(asked: Asked) -> Mapping[str, Any] | None:
    arn = asked.given["nodeRole"]
    role, service = asked.world.role(arn), EC2_SERVICE.get(asked.world.partition, EC2_SERVICE["aws"])
    if role is None or asked.world.trusts(role, service):
        return None
    return {"service": service, "arn": arn}


def _role_missing(asked: Asked) -> Mapping[str, Any] | None:
    arn = asked.given["nodeRole"]
    return {"arn": arn} if arn.startswith("arn:") and asked.world.role(arn) is None else None


def _unavailable(asked: Asked) -> Mapping[str, Any] | None:
    group = asked.world.node_group(asked.given)
    config = {
        **(group.update_config if group and group.update_config else {}),
        **(asked.given.get("updateConfig") or {}),
    }
    scaling = {**(group.scaling_config if group else {}), **(asked.given.get("scalingConfig") or {})}
    count = config.get("maxUnavailable")
    return {} if count is not None and scaling and not 1 <= count <= max(1, scaling.get("maxSize", count)) else None


RULES = (
    ContractRule(
        id="nodes-min-over-desired",
        operations=_UPDATE,
        condition="minSize is above the desired size: the one given, else the one of the moment",
        code=_INVALID,
        words="Minimum capacity {min} can't be greater than desired size {desired}",
        source=issue("terraform-aws-modules/terraform-aws-eks", 835, 2508, 3306),
        check=_min_over_desired,
    ),
    ContractRule(
        id="nodes-desired-over-max",
        operations=_UPDATE,
        condition="maxSize is below the desired size: the one given, else the one of the moment",
        code=_INVALID,
        words="desiredSize can't be greater than maxSize",
        source="https://github.com/ministryofjustice/cloud-platform-infrastructure/pull/4595",
        check=_desired_over_max,
    ),
    ContractRule(
        id="nodes-create-min-over-desired",
        operations=_CREATE,
        condition="minSize is above desiredSize",
        code=_INVALID,
        words="minSize can't be greater than desiredSize",
        source=issue("sassoftware/viya4-iac-aws", 298),
        check="scalingConfig && scalingConfig.minSize > scalingConfig.desiredSize",
    ),
    ContractRule(
        id="nodes-create-desired-over-max",
        operations=_CREATE,
        condition="desiredSize is above maxSize",
        code=_INVALID,
        words="desiredSize can't be greater than maxSize",
        source="https://github.com/ministryofjustice/cloud-platform-infrastructure/pull/4595",
        check="scalingConfig && scalingConfig.desiredSize > scalingConfig.maxSize",
    ),
    ContractRule(
        id="nodes-max-zero",
        operations=(*_CREATE, *_UPDATE),
        condition="maxSize is 0",
        code=_INVALID,
        words="Invalid value for parameter scalingConfig.maxSize: it must be at least 1",
        source=f"{api('NodegroupScalingConfig')} (the words are not AWS' own)",
        check="scalingConfig.maxSize == `0`",
    ),
    ContractRule(
        id="nodes-version",
        operations=(*_CREATE, *_VERSION),
        condition="the nodes' Kubernetes version is unknown, or ahead of the cluster's",
        code=_INVALID,
        words="Nodegroup version {version} does not fit cluster version {cluster}",
        source=f"{guide('update-managed-node-group')} (the words are not AWS' own)",
        check=_version,
    ),
    ContractRule(
        id="nodes-version-older",
        operations=_VERSION,
        condition="a Kubernetes version older than the group's",
        code=_INVALID,
        words="Nodegroup Kubernetes version cannot be rolled back from {now} to {wanted}",
        source=f"{api('UpdateNodegroupVersion')} (the words are not AWS' own)",
        check=_older,
    ),
    ContractRule(
        id="nodes-release-minor",
        operations=(*_CREATE, *_VERSION),
        condition="the AMI release is of another minor version than the nodes, or Bottlerocket's lacks its commit",
        code=_INVALID,
        words="Requested release version {release} is not valid for kubernetes version {version}.",
        source=f"{issue('eksctl-io/eksctl', 7976)}, {issue('cloudposse/terraform-aws-eks-node-group', 209)}",
        check=_release,
    ),
    ContractRule(
        id="nodes-type-region",
        operations=_CREATE,
        condition="an instance type that is not sold in the region",
        code=_INVALID,
        words="The following supplied instance types do not exist: [{type}] (in {region})",
        source=f"{EC2_ERRORS} (the words are not AWS' own)",
        check=_not_sold_here,
    ),
    ContractRule(
        id="nodes-type-zone",
        operations=_CREATE,
        condition="an instance type that is not sold in the zone of one of the subnets",
        code=_INVALID,
        words="Your requested instance type ({type}) is not supported in your requested Availability Zone ({zone}). "
        "Please retry your request by not specifying an Availability Zone or choosing another one.",
        source=issue("eksctl-io/eksctl", 6461),
        check=_not_sold,
    ),
    ContractRule(
        id="nodes-subnet-missing",
        operations=_CREATE,
        condition="a subnet does not exist",
        code=_INVALID,
        words="The subnet ID '{id}' does not exist",
        source=api("CreateNodegroup"),
        check=subnet_missing,
    ),
    ContractRule(
        id="nodes-role",
        operations=_CREATE,
        condition="the node role does not exist",
        code=_INVALID,
        words="Role with arn: {arn}, could not be assumed because it does not exist",
        source=guide("create-node-role"),
        check=_role_missing,
    ),
    ContractRule(
        id="nodes-trust",
        operations=_CREATE,
        condition="the node role does not trust EC2 by its name in the partition (ec2.amazonaws.com.cn in aws-cn)",
        code=_INVALID,
        words="Following required service principals [{service}] were not found in the trust relationships of nodeRole "
        "{arn}",
        source=f"{issue('aws-samples/cdk-eks-blueprints', 558)}; {issue('aws/aws-cdk', 24696)}",
        check=_trust,
    ),
    ContractRule(
        id="nodes-unavailable",
        operations=(*_CREATE, *_UPDATE),
        condition="maxUnavailable is not between 1 and maxSize",
        code=_INVALID,
        words="max-unavailable must be within the range 1 and max size of the node group",
        source="https://github.com/hashicorp/terraform-provider-aws/pull/26551",
        check=_unavailable,
    ),
    ContractRule(
        id="nodes-name",
        operations=_CREATE,
        condition="the cluster has a node group of that name",
        code="ResourceInUseException",
        words="NodeGroup already exists with name {name}",
        source=api("CreateNodegroup"),
        check=lambda asked: (
            {"name": asked.given["nodegroupName"]} if asked.world.node_group(asked.given) is not None else None
        ),
    ),
)
