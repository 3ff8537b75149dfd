"""EC2 instances that join a cluster by themselves: Karpenter's, and any other whose user data says so.

An instance joins as on EKS: its NodeConfig names the cluster, and the cluster lets in the role of its instance profile
(an access entry of type EC2_LINUX, which the first managed group with the role brings). Until then it stays outside.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

from local.nodes.bottlerocket import DATA_DEVICE
from local.nodes.capacity import NodeCapacity, node_capacity
from local.nodes.groups import DEFAULT_DISK_GIB, OwnPlugin, WantedNode
from local.nodes.node_config import NodeConfig, node_config
from local.nodes.rendering import (
    INSTANCE_ANNOTATION,
    addresses,
    node_info,
    node_manifest,
    place_labels,
    resources,
)

ALIVE = ["pending", "running", "stopping", "shutting-down"]
"""A node whose instance is ending is there until it has ended."""
Client = Any


class Instances:
    """Reads instances region by region; what does not change of one is read once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        """(service, region) -> boto3's client."""
        self._known: dict[str, tuple[NodeConfig, WantedNode] | None] = {}
        self._admitted: set[tuple[str, str]] = set()

    def wanted(self, regions: Iterable[str]) -> dict[str, WantedNode]:
        """Nodes by name, of all instances that have joined. Raises botocore's errors; then nothing is known."""
        nodes: dict[str, WantedNode] = {}
        alive: set[str] = set()
        for region in regions:
            ec2 = self._client("ec2", region)
            pages = ec2.get_paginator("describe_instances").paginate(
                Filters=[{"Name": "instance-state-name", "Values": ALIVE}]
            )
            for instance in (i for page in pages for r in page["Reservations"] for i in r["Instances"]):
                alive.add(instance["InstanceId"])
                if node := self._node(region, instance):
                    nodes[node.manifest["metadata"]["name"]] = node
        self._known = {key: value for key, value in self._known.items() if key in alive}
        return nodes

    def _node(self, region: str, instance: Mapping[str, Any]) -> WantedNode | None:
        key = instance["InstanceId"]
        if key not in self._known:
            config = self._config(region, key)
            self._known[key] = (config, self._rendered(region, instance, config)) if config else None
        known = self._known[key]
        return known[1] if known and self._is_admitted(region, instance, known[0].cluster) else None

    def _config(self, region: str, instance_id: str) -> NodeConfig | None:
        answer = self._client("ec2", region).describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
        encoded = (answer.get("UserData") or {}).get("Value") or ""
        return node_config(base64.b64decode(encoded).decode(errors="replace"))

    def _is_admitted(self, region: str, instance: Mapping[str, Any], cluster: str) -> bool:
        """Whether the cluster lets in the role of the instance's profile; who was let in once stays."""
        profile = (instance.get("IamInstanceProfile") or {}).get("Arn", "").rsplit("/", 1)[-1]
        if not profile or (cluster, profile) in self._admitted:
            return bool(profile)
        eks = self._client("eks", region)
        if cluster not in eks.list_clusters()["clusters"]:
            return False
        roles = self._client("iam", region).get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
        entries = set(eks.list_access_entries(clusterName=cluster)["accessEntries"])
        if not entries & {role["Arn"] for role in roles["Roles"]}:
            return False
        self._admitted.add((cluster, profile))
        return True

    def _rendered(self, region: str, instance: Mapping[str, Any], config: NodeConfig) -> WantedNode:
        ec2 = self._client("ec2", region)
        described = ec2.describe_instance_types(InstanceTypes=[instance["InstanceType"]])["InstanceTypes"]
        images = ec2.describe_images(ImageIds=[instance["ImageId"]])["Images"]
        disk_gib = _disk_gib(ec2, instance, config, described[0])
        capacity = node_capacity(instance["InstanceType"], disk_gib, described[0])
        plugin = OwnPlugin(config.sharing) if config.bottlerocket else None
        return WantedNode(render_instance(region, instance, config, capacity, images[0]["Name"]), capacity, plugin)


def render_instance(
    region: str, instance: Mapping[str, Any], config: NodeConfig, capacity: NodeCapacity, image: str
) -> dict[str, Any]:
    """The Node that the instance's kubelet registers. Pure; `image`: name of its AMI, which names the version."""
    name, placement = instance["PrivateDnsName"], instance["Placement"]
    zone = placement["AvailabilityZone"]
    labels = {
        **place_labels(name, instance["InstanceType"], zone, region, capacity),
        "topology.k8s.aws/zone-id": placement.get("AvailabilityZoneId", ""),
        **config.labels,
    }
    spec: dict[str, Any] = {"providerID": f"aws:///{zone}/{instance['InstanceId']}"}
    if config.taints:
        spec["taints"] = [dict(taint) for taint in config.taints]
    version = re.search(r"-(1\.\d+)-(?:nvidia-)?(?:x86_64-|arm64-|aarch64-)?v\d", image)
    status = {
        **resources(capacity),
        "addresses": addresses(instance["PrivateIpAddress"], name),
        "nodeInfo": node_info(capacity, version[1] if version else "1.0", image),
    }
    return node_manifest(name, labels, {INSTANCE_ANNOTATION: instance["InstanceId"]}, spec, status)


def _disk_gib(ec2: Client, instance: Mapping[str, Any], config: NodeConfig, described: Mapping[str, Any]) -> int:
    """What images and emptyDirs have: the NVMe disks together where they are one, otherwise the volume."""
    local_gb = (described.get("InstanceStorageInfo") or {}).get("TotalSizeInGB", 0)
    if config.raid0 and local_gb:
        return int(local_gb * 10**9 // 2**30)
    root = DATA_DEVICE if config.bottlerocket else instance.get("RootDeviceName")
    ids = [mapping["Ebs"]["VolumeId"] for mapping in instance["BlockDeviceMappings"] if mapping["DeviceName"] == root]
    volumes = ec2.describe_volumes(VolumeIds=ids)["Volumes"] if ids else []
    return int(volumes[0]["Size"]) if volumes else DEFAULT_DISK_GIB
