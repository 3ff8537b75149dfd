"""Managed node groups: sizes, releases, types, roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS

from local.aws_endpoint import facts
from local.aws_endpoint.contract.placing import subnet_missing
from local.aws_endpoint.contract.rule import Asked, Checks, is_bottlerocket
from local.aws_endpoint.contract.world import EC2_SERVICE
from planning.versions.releases import goes_back

_RELEASE = re.compile(r"(?P<minor>1\.\d+)\.(?P<patch>\d+)-(?P<date>\d{8})")
_BOTTLEROCKET = re.compile(r"\d+\.\d+\.\d+-[0-9a-f]{8}")


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


def _release_back(asked: Asked) -> Mapping[str, Any] | None:
    group, release = asked.world.node_group(asked.given), asked.given.get("releaseVersion")
    now = getattr(group, "release_version", None)
    return {"now": now, "wanted": release} if now and release and goes_back(now, release) else None


def _own_image(asked: Asked) -> Mapping[str, Any] | None:
    """A launch template with an image of one's own, and a version or release beside it."""
    group = asked.world.node_group(asked.given)
    template = {**((group and group.launch_template) or {}), **(asked.given.get("launchTemplate") or {})}
    if not asked.world.launch_template_data(template).get("ImageId"):
        return None
    beside = [name for name in ("version", "releaseVersion") if asked.given.get(name)]
    return {"what": " and ".join(beside)} if beside else None


def _busy(asked: Asked) -> Mapping[str, Any] | None:
    group = asked.world.node_group(asked.given)
    return {} if group is not None and group.status not in ("ACTIVE", "DEGRADED") else None


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


CHECKS: Checks = {
    "nodes-min-over-desired": _min_over_desired,
    "nodes-desired-over-max": _desired_over_max,
    "nodes-updating": _busy,
    "nodes-version": _version,
    "nodes-version-older": _older,
    "nodes-release-minor": _release,
    "nodes-release-older": _release_back,
    "nodes-own-image": _own_image,
    "nodes-type-region": _not_sold_here,
    "nodes-type-zone": _not_sold,
    "nodes-subnet-missing": subnet_missing,
    "nodes-role": _role_missing,
    "nodes-trust": _trust,
    "nodes-unavailable": _unavailable,
    "nodes-name": lambda asked: (
        {"name": asked.given["nodegroupName"]} if asked.world.node_group(asked.given) is not None else None
    ),
}
