"""What a node of an EC2 type has and what it leaves for pods: the planner's catalogue, or EC2's own description.

The catalogue is asked first, so that the scheduler here judges with the planner's numbers. Types it does not hold
are computed from DescribeInstanceTypes with the reserves of the EKS AMI (awslabs/amazon-eks-ami, nodeadm
`kubelet/config.go`, read 2026-11-21): cpu 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 %
of the rest; memory 255 MiB + 11 MiB per pod, and 100 MiB hard eviction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from typing import Any

from planning.nodes.instances import UnknownInstanceType, allocatable_ephemeral_mib, instance_type

CPU_RESERVE_MILLICORES = (60, 10, 5, 5)
CPU_RESERVE_OF_EACH_OTHER_CORE = 2.5
HYPERVISOR_SHARE = 0.075
"""Memory that the hypervisor and the kernel keep; Karpenter's VM_MEMORY_OVERHEAD_PERCENT default."""


@dataclass(frozen=True)
class NodeCapacity:
    """One node's totals and what pods may ask of it. `gpu_name`: in the catalogue, empty where it has none."""

    vcpu: int
    memory_mib: int
    allocatable_cpu_millicores: int
    allocatable_memory_mib: int
    pods: int
    ephemeral_mib: int
    allocatable_ephemeral_mib: int
    arch: str
    gpu_count: int = 0
    gpu_product: str = ""
    gpu_memory_mib: int = 0
    gpu_name: str = ""


def reserved_cpu_millicores(vcpu: int) -> int:
    """What the kubelet of an EKS AMI keeps for itself, thousandths of a core."""
    others = max(0, vcpu - len(CPU_RESERVE_MILLICORES))
    return floor(sum(CPU_RESERVE_MILLICORES[:vcpu]) + CPU_RESERVE_OF_EACH_OTHER_CORE * others)


def reserved_memory_mib(pods: int) -> int:
    """kubeReserved and the hard eviction threshold, MiB."""
    return 255 + 11 * pods + 100


def node_capacity(name: str, disk_gib: int, described: Mapping[str, Any] | None) -> NodeCapacity:
    """Capacity of an instance type with that root volume.

    `described` is EC2's DescribeInstanceTypes row, needed only for types that the catalogue lacks; raises
    LookupError when neither knows the type.
    """
    disk = {"ephemeral_mib": disk_gib * 1024, "allocatable_ephemeral_mib": allocatable_ephemeral_mib(disk_gib)}
    try:
        known = instance_type(name)
    except UnknownInstanceType:
        if described is None:
            raise
        return _from_ec2(described, disk)
    return NodeCapacity(
        vcpu=known.vcpu,
        memory_mib=known.allocatable_memory_mib + reserved_memory_mib(known.allocatable_pods),
        allocatable_cpu_millicores=known.allocatable_cpu_millicores,
        allocatable_memory_mib=known.allocatable_memory_mib,
        pods=known.allocatable_pods,
        arch=_kubernetes_arch(known.arch),
        gpu_count=known.gpu_count,
        gpu_name=known.gpu.name if known.gpu else "",
        gpu_product=known.gpu.product if known.gpu else "",
        gpu_memory_mib=known.gpu.memory_mib if known.gpu else 0,
        **disk,
    )


def _from_ec2(row: Mapping[str, Any], disk: Mapping[str, int]) -> NodeCapacity:
    vcpu = row["VCpuInfo"]["DefaultVCpus"]
    network = row["NetworkInfo"]
    pods = network["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2
    memory_mib = floor(row["MemoryInfo"]["SizeInMiB"] * (1 - HYPERVISOR_SHARE))
    gpus = row.get("GpuInfo", {}).get("Gpus", [])
    return NodeCapacity(
        vcpu=vcpu,
        memory_mib=memory_mib,
        allocatable_cpu_millicores=1000 * vcpu - reserved_cpu_millicores(vcpu),
        allocatable_memory_mib=memory_mib - reserved_memory_mib(pods),
        pods=pods,
        arch=_kubernetes_arch(row["ProcessorInfo"]["SupportedArchitectures"][-1]),
        gpu_count=sum(gpu["Count"] for gpu in gpus),
        gpu_name="",
        gpu_product=f"{gpus[0]['Manufacturer']} {gpus[0]['Name']}" if gpus else "",
        gpu_memory_mib=gpus[0]["MemoryInfo"]["SizeInMiB"] if gpus else 0,
        **disk,
    )


def _kubernetes_arch(arch: str) -> str:
    return {"x86_64": "amd64"}.get(arch, arch)
