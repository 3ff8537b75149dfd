"""Node groups of every EKS cluster at the AWS endpoint, with what is needed to make nodes of them."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_string
from typing import Any

import boto3
import yaml

from local.nodes import bottlerocket
from local.nodes.capacity import NodeCapacity, node_capacity
from local.nodes.rendering import node_indices, render_nodes
from planning.model import GpuSharingPlan

REGION_SCAN_SECONDS = 3.0
"""How often regions without a cluster are looked at; those with one are looked at in every round."""
DEFAULT_DISK_GIB = 20
DEFAULT_TYPE = "t3.medium"
"""What EKS gives a node whose group and launch template name no size."""


@dataclass(frozen=True)
class OwnPlugin:
    """A device plugin in the image itself. `sharing`: None where by its settings it advertises no nvidia.com/gpu."""

    sharing: GpuSharingPlan | None


@dataclass(frozen=True)
class PlatformNodeGroup:
    """A node group as EKS describes it, with its subnets and what one of its nodes has."""

    region: str
    described: Mapping[str, Any]
    subnets: Sequence[Mapping[str, Any]]
    capacity: NodeCapacity
    own_plugin: OwnPlugin | None = None

    @property
    def arn(self) -> str:
        return str(self.described["nodegroupArn"])

    @property
    def name(self) -> str:
        return str(self.described["nodegroupName"])

    @property
    def cluster(self) -> str:
        return str(self.described["clusterName"])


@dataclass(frozen=True)
class WantedNode:
    """A node that a group asks for."""

    manifest: Mapping[str, Any]
    capacity: NodeCapacity
    own_plugin: OwnPlugin | None = None


def wanted_nodes(
    groups: Sequence[PlatformNodeGroup], present: Mapping[str, Mapping[int, bool]]
) -> dict[str, WantedNode]:
    """All nodes that should exist now, by name; `present`: by group, see node_indices."""
    nodes: dict[str, WantedNode] = {}
    for group in groups:
        indices = node_indices(group.described["scalingConfig"]["desiredSize"], present.get(group.arn, {}))
        nodes |= rendered_nodes(group, indices)
    return nodes


def rendered_nodes(group: PlatformNodeGroup, indices: Sequence[int]) -> dict[str, WantedNode]:
    """Those nodes of a group, by name."""
    return {
        manifest["metadata"]["name"]: WantedNode(manifest, group.capacity, group.own_plugin)
        for manifest in render_nodes(group.described, group.subnets, group.capacity, indices)
    }


class NodeGroups:
    """Reads node groups through boto3; the endpoint and the credentials come from the environment."""

    def __init__(self, regions: Sequence[str] = ()) -> None:
        self._session = boto3.session.Session()
        self._regions = regions or self._session.get_available_regions("eks")
        self._clients: dict[tuple[str, str], Any] = {}
        self._active: set[str] = set()
        self._next_scan = 0.0
        self._details: dict[tuple[str, str], tuple[list[Any], NodeCapacity, OwnPlugin | None]] = {}

    def read(self) -> list[PlatformNodeGroup]:
        """All groups that are to have nodes. Raises botocore's errors; then nothing is known."""
        return [
            PlatformNodeGroup(region, group, *self._detail(region, group))
            for region, group in self._groups()
            if group["status"] != "DELETING"
        ]

    def with_launch(self, group: PlatformNodeGroup, after: Mapping[str, Any]) -> PlatformNodeGroup:
        """The group with another version, releaseVersion or launchTemplate."""
        described = {**group.described, **after}
        return PlatformNodeGroup(group.region, described, *self._detail(group.region, described))

    def eks(self, region: str) -> Any:
        """EKS' client of a region."""
        return self.client("eks", region)

    @property
    def endpoint_url(self) -> str:
        """Of the AWS endpoint, which has switches of its own besides AWS' calls."""
        return str(self.client("eks", self._regions[0]).meta.endpoint_url)

    @property
    def regions(self) -> list[str]:
        """Those with a cluster, as of the last read."""
        return sorted(self._active)

    def client(self, service: str, region: str) -> Any:
        """A client of boto3, made once."""
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = self._session.client(service, region_name=region)
        return self._clients[key]

    def _groups(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        scan = time.monotonic() >= self._next_scan
        active: set[str] = set()
        for region in self._regions if scan else sorted(self._active):
            eks = self.client("eks", region)
            clusters = eks.list_clusters()["clusters"]
            active |= {region} if clusters else set()
            for cluster in clusters:
                for name in eks.list_nodegroups(clusterName=cluster)["nodegroups"]:
                    group = eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
                    yield region, group if group.get("instanceTypes") else self._typed(region, group)
        if scan:
            self._active = active
            self._next_scan = time.monotonic() + REGION_SCAN_SECONDS

    def _typed(self, region: str, group: Mapping[str, Any]) -> Mapping[str, Any]:
        """The group with the type of its launch template: EKS tells of types only where the call named them."""
        data = self._template_data(self.client("ec2", region), group.get("launchTemplate") or {})
        return {**group, "instanceTypes": [data.get("InstanceType") or DEFAULT_TYPE]}

    def _detail(self, region: str, group: Mapping[str, Any]) -> tuple[list[Any], NodeCapacity, OwnPlugin | None]:
        """What does not change of a group while its launch template's version stays."""
        template = group.get("launchTemplate") or {}
        key = (group["nodegroupArn"], str(template.get("version")))
        if key not in self._details:
            ec2 = self.client("ec2", region)
            subnets = ec2.describe_subnets(SubnetIds=group["subnets"])["Subnets"]
            instance_type = group["instanceTypes"][0]
            described = ec2.describe_instance_types(InstanceTypes=[instance_type])["InstanceTypes"]
            row = next(iter(described), None)
            data = self._template_data(ec2, template)
            settings = _bottlerocket_settings(group, data)
            device = None if settings is None else bottlerocket.DATA_DEVICE
            volume_gib = launch_volume_gib(data, device) or group.get("diskSize") or DEFAULT_DISK_GIB
            raid0 = is_raid0(data) if settings is None else bottlerocket.is_raid0(settings)
            disk_gib = (instance_store_gib(row or {}) if raid0 else 0) or volume_gib
            plugin = None if settings is None else OwnPlugin(bottlerocket.sharing_of(settings))
            self._details[key] = (subnets, node_capacity(instance_type, disk_gib, row), plugin)
        return self._details[key]

    def _template_data(self, ec2: Any, template: Mapping[str, Any]) -> Mapping[str, Any]:
        if not template:
            return {}
        which = {"LaunchTemplateId": template["id"]} if template.get("id") else {"LaunchTemplateName": template["name"]}
        version = str(template.get("version") or "$Default")
        rows = ec2.describe_launch_template_versions(**which, Versions=[version])["LaunchTemplateVersions"]
        return rows[0]["LaunchTemplateData"] if rows else {}


def _bottlerocket_settings(group: Mapping[str, Any], template: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """None: the group runs another image."""
    if not str(group.get("amiType", "")).startswith("BOTTLEROCKET"):
        return None
    return bottlerocket.settings_of(base64.b64decode(template.get("UserData") or "").decode()) or {}


def is_raid0(template: Mapping[str, Any]) -> bool:
    """Whether the user data asks nodeadm for one file system over the instance's own disks."""
    text = base64.b64decode(template.get("UserData") or "").decode("utf-8", "replace")
    for part in message_from_string(text).walk():
        if part.get_content_type() == "application/node.eks.aws":
            for document in yaml.safe_load_all(str(part.get_payload())):
                instance = ((document or {}).get("spec") or {}).get("instance") or {}
                if (instance.get("localStorage") or {}).get("strategy") == "RAID0":
                    return True
    return False


def instance_store_gib(row: Mapping[str, Any]) -> int:
    """Of EC2's description of a type; 0 where it has none, and nodeadm then leaves everything on the root volume."""
    return int(row.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0) * 1e9 / 2**30)


def launch_volume_gib(template: Mapping[str, Any], name: str | None = None) -> int | None:
    """Of that device; None: of the first."""
    devices = [each for each in template.get("BlockDeviceMappings", []) if name in (None, each.get("DeviceName"))]
    return next((int(device["Ebs"]["VolumeSize"]) for device in devices if "VolumeSize" in device.get("Ebs", {})), None)
