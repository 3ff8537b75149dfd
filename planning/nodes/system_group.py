"""The node group without GPU that everything but the models runs on."""

from __future__ import annotations

from dataclasses import replace

from planning.findings import Findings, listed
from planning.model import POOL_LABEL, NodeGroupPlan
from planning.nodes.ami import SYSTEM_AMI_TYPES, check_release
from planning.nodes.disks import GP3_IOPS, GP3_MIBPS
from planning.nodes.instances import UnknownInstanceType, instance_type
from planning.nodes.labels import SYSTEM_POOL
from planning.nodes.rolls import update_timeout_seconds
from settings.cluster import Cluster
from settings.pools import SystemNodes


def plan_system_nodes(
    nodes: SystemNodes, cluster: Cluster, findings: Findings, pods_leave_seconds: float
) -> NodeGroupPlan:
    """The node group without GPU. Types outside the catalogue are taken as they are. `pods_leave_seconds`: longest of
    its pods."""
    check_release(nodes, "systemNodes", cluster.version, findings)
    architectures: dict[str, str] = {}
    for index, name in enumerate(nodes.instance_types):
        path = f"systemNodes.instanceTypes[{index}]"
        try:
            type_ = instance_type(name)
        except UnknownInstanceType as unknown:
            near = f"did you mean {' or '.join(unknown.suggestions)}?" if unknown.suggestions else "check the spelling"
            findings.warning(path, "unknown-type", f"{name} is not in the catalogue: its price is unknown", near)
            architectures[name] = _architecture_by_name(name)
            continue
        architectures[name] = type_.arch
        if type_.gpu is not None:
            findings.warning(path, "gpu-idle", f"{name} has a GPU that nothing will use", "write for example m7i.large")
    if len(set(architectures.values())) > 1:
        kinds = listed(f"{name} is {arch}" for name, arch in architectures.items())
        findings.error(
            "systemNodes.instanceTypes", "mixed-architecture", f"{kinds}; one group has one AMI", "keep one kind"
        )
    group = NodeGroupPlan(
        name=SYSTEM_POOL,
        instance_types=tuple(dict.fromkeys(nodes.instance_types)),
        capacity_type="ON_DEMAND",
        ami_type=SYSTEM_AMI_TYPES[architectures[nodes.instance_types[0]]],
        ami_release_version=nodes.ami_release_version,
        min_nodes=nodes.min_nodes,
        desired_nodes=nodes.min_nodes,
        max_nodes=nodes.max_nodes,
        disk_gib=nodes.disk_gib,
        disk_throughput_mibps=GP3_MIBPS,
        disk_iops=GP3_IOPS,
        zones=(),
        labels={POOL_LABEL: SYSTEM_POOL},
        taints=(),
        node_repair=True,
    )
    return replace(group, update_timeout_seconds=update_timeout_seconds(group, (), pods_leave_seconds))


def _architecture_by_name(name: str) -> str:
    # Graviton families carry a g right after the generation digit: m7g, c7gn, t4g; g5g.
    family = name.split(".")[0]
    digits = next((i for i, letter in enumerate(family) if letter.isdigit()), len(family) - 1)
    return "arm64" if "g" in family[digits + 1 : digits + 2] else "x86_64"
