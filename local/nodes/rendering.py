"""A managed node group as the Node objects that EKS would make join. Pure: the same group gives the same nodes."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count, islice
from typing import Any

from local.nodes.capacity import NodeCapacity

TAINT_EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
}
GROUP_ANNOTATION = "vllm-on-eks.local/node-group"
"""ARN of the group a node belongs to: how the watcher finds its own nodes again."""
INSTANCE_ANNOTATION = "vllm-on-eks.local/instance"
"""Id of the EC2 instance that a node is, where no group asked for it."""
INDEX_ANNOTATION = "vllm-on-eks.local/index"
"""Which of its group's nodes it is: name, address and zone follow from it, whichever others leave."""
LAUNCH_ANNOTATION = "vllm-on-eks.local/launch"
"""What the node was launched with: it stays so while its group is updated."""
LAUNCH_LABELS = ("eks.amazonaws.com/sourceLaunchTemplateId", "eks.amazonaws.com/sourceLaunchTemplateVersion")
"""EKS' labels that say the same, where there is a launch template."""
RESERVED_ADDRESSES = 4
"""AWS keeps the first four addresses of a subnet (and the last)."""


def render_nodes(
    group: Mapping[str, Any],
    subnets: Sequence[Mapping[str, Any]],
    capacity: NodeCapacity,
    indices: Iterable[int],
) -> list[dict[str, Any]]:
    """Nodes of a group as `describe_nodegroup` shows it, spread over its subnets; `subnets` from EC2."""
    spread = sorted(subnets, key=lambda subnet: (subnet["AvailabilityZone"], subnet["SubnetId"]))
    return [_node(group, spread[index % len(spread)], capacity, index) for index in indices]


def launch_of(group: Mapping[str, Any]) -> str:
    """Version, AMI release and launch template of a group, in one: another one is another node."""
    template = group.get("launchTemplate") or {}
    parts = (group.get("version"), group.get("releaseVersion"), template.get("id"), template.get("version"))
    return " ".join(str(part) for part in parts if part)


def node_indices(desired: int, present: Mapping[int, bool]) -> list[int]:
    """Which of a group's nodes there should be; `present`: those that are there, and whether each is marked to leave.

    What is there stays: of too many the marked ones go first, then the last; a new one takes the first free index.
    """
    stay = sorted(present, key=lambda index: (present[index], index))[:desired]
    free = (index for index in count() if index not in present)
    return sorted([*stay, *islice(free, desired - len(stay))])


def gpu_product_label(product: str) -> str:
    """The label value GPU feature discovery writes: `NVIDIA A10G` -> `NVIDIA-A10G`."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", product).strip("-")


def _node(group: Mapping[str, Any], subnet: Mapping[str, Any], capacity: NodeCapacity, index: int) -> dict[str, Any]:
    region = group["nodegroupArn"].split(":")[3]
    seed = hashlib.sha256(f"{group['nodegroupArn']}/{index}".encode()).hexdigest()
    address = _address(subnet["CidrBlock"], int(seed[:8], 16))
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    name = f"ip-{address.replace('.', '-')}.{domain}"
    labels = {
        **place_labels(name, group["instanceTypes"][0], subnet["AvailabilityZone"], region, capacity),
        "eks.amazonaws.com/capacityType": group.get("capacityType") or "ON_DEMAND",
        "eks.amazonaws.com/nodegroup": group["nodegroupName"],
        "topology.k8s.aws/zone-id": subnet.get("AvailabilityZoneId", ""),
    }
    template = group.get("launchTemplate") or {}
    if template:
        labels |= dict(zip(LAUNCH_LABELS, (str(template.get("id")), str(template.get("version"))), strict=True))
    labels = {**dict(sorted(labels.items())), **(group.get("labels") or {})}
    taints = [
        {"key": taint["key"], "value": taint.get("value", ""), "effect": TAINT_EFFECTS[taint["effect"]]}
        for taint in group.get("taints") or []
    ]
    return node_manifest(
        name,
        labels,
        {GROUP_ANNOTATION: group["nodegroupArn"], INDEX_ANNOTATION: str(index), LAUNCH_ANNOTATION: launch_of(group)},
        {"providerID": f"aws:///{subnet['AvailabilityZone']}/i-{seed[8:25]}", **({"taints": taints} if taints else {})},
        {
            **resources(capacity),
            "addresses": addresses(address, name),
            "nodeInfo": node_info(capacity, group.get("version") or "1.0", _image(group)),
        },
    )


def _image(group: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (group.get("amiType") or "CUSTOM", group.get("releaseVersion"))))


def node_manifest(
    name: str, labels: Mapping[str, str], own: Mapping[str, str], spec: Mapping[str, Any], status: Mapping[str, Any]
) -> dict[str, Any]:
    """A Node that KWOK takes care of; `own`: the annotations by which the watcher finds it again."""
    metadata = {"name": name, "labels": dict(labels), "annotations": {"kwok.x-k8s.io/node": "fake", **own}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": dict(spec), "status": dict(status)}


def addresses(address: str, name: str) -> list[dict[str, str]]:
    """`status.addresses` of a node."""
    return [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]


def place_labels(name: str, instance_type: str, zone: str, region: str, capacity: NodeCapacity) -> dict[str, str]:
    """What kubelet, cloud provider and EBS CSI driver write on every node."""
    return {
        "beta.kubernetes.io/arch": capacity.arch,
        "beta.kubernetes.io/instance-type": instance_type,
        "beta.kubernetes.io/os": "linux",
        "failure-domain.beta.kubernetes.io/region": region,
        "failure-domain.beta.kubernetes.io/zone": zone,
        "kubernetes.io/arch": capacity.arch,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": instance_type,
        "topology.ebs.csi.aws.com/zone": zone,
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": zone,
    }


def resources(capacity: NodeCapacity) -> dict[str, dict[str, str]]:
    """Capacity and allocatable without GPUs: those come with the device plugin."""
    return {
        "capacity": {
            "cpu": str(capacity.vcpu),
            "memory": f"{capacity.memory_mib}Mi",
            "ephemeral-storage": f"{capacity.ephemeral_mib}Mi",
            "pods": str(capacity.pods),
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
        },
        "allocatable": {
            "cpu": f"{capacity.allocatable_cpu_millicores}m",
            "memory": f"{capacity.allocatable_memory_mib}Mi",
            "ephemeral-storage": f"{capacity.allocatable_ephemeral_mib}Mi",
            "pods": str(capacity.pods),
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
        },
    }


def node_info(capacity: NodeCapacity, version: str, image: str) -> dict[str, str]:
    """`status.nodeInfo`; `version`: of the cluster, as 1.35."""
    return {
        "architecture": capacity.arch,
        "bootID": "",
        "containerRuntimeVersion": "containerd://simulated",
        "kernelVersion": "simulated",
        "kubeProxyVersion": "",
        "kubeletVersion": f"v{version}.0-simulated",
        "machineID": "",
        "operatingSystem": "linux",
        "osImage": f"{image} (simulated by KWOK)",
        "systemUUID": "",
    }


def _address(cidr: str, seed: int) -> str:
    """An address of the subnet that instances may have; the same seed gives the same address."""
    network = ipaddress.ip_network(cidr)
    usable = network.num_addresses - RESERVED_ADDRESSES - 1
    return str(network[RESERVED_ADDRESSES + seed % usable])
