"""What EKS does with a group's nodes: launches, updates one after the other, and takes them away.

There are no nodes in moto. A group is played by its sizes, its subnets' routes, the account's quotas, and the time
that its slowest pod takes to leave (`Account.drain_seconds`).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPES

from local.aws_endpoint import eks_node_updates
from local.aws_endpoint import eks_store as store
from local.aws_endpoint.contract.rule import Asked
from local.aws_endpoint.contract.update_config import EVICTION_SECONDS, surge
from local.aws_endpoint.contract.world import AccountWorld

DELETION_SECONDS = 5 * 60


def vcpus(instance_type: str) -> int:
    """As EC2 describes the type; 0 for one that it does not have."""
    type_ = INSTANCE_TYPES.get(instance_type, {})
    return int(type_.get("VCpuInfo", {}).get("DefaultVCpus", 0))


def quota_code(instance_type: str, capacity_type: str) -> str:
    """The quota that the type counts against (planning/cluster/quotas.py has the page)."""
    kind = instance_type[0] if instance_type[0] in "gp" and instance_type.split(".")[0][1:2].isdigit() else ""
    codes = {("g", False): "L-DB2E81BA", ("p", False): "L-417A185B", ("", False): "L-1216C47A"}
    spot = {("g", True): "L-3819A6DF", ("p", True): "L-7212CCBC", ("", True): "L-34B43A08"}
    return {**codes, **spot}[kind, capacity_type == "SPOT"]


def _zones(asked: Asked, group: Any) -> int:
    return len({subnet.availability_zone for subnet in asked.world.subnets(group.subnets)})


def used_vcpus(world: AccountWorld) -> Counter[str]:
    """By quota: vCPUs of the nodes of groups, and of the instances that run besides."""
    used: Counter[str] = Counter()
    for group in world.node_groups():
        if group.instance_types and group.status != "CREATE_FAILED":
            code = quota_code(group.instance_types[0], group.capacity_type or "ON_DEMAND")
            used[code] += group.scaling_config["desiredSize"] * vcpus(group.instance_types[0])
    for instance in world.running_instances():
        code = quota_code(instance.instance_type, "SPOT" if instance.lifecycle == "spot" else "ON_DEMAND")
        used[code] += vcpus(instance.instance_type)
    return used


def _lacking(asked: Asked, group: Any, more_nodes: int) -> str | None:
    """AWS' words where the quota has no room for the group's nodes and as many more."""
    if not group.instance_types:
        return None
    code = quota_code(group.instance_types[0], group.capacity_type or "ON_DEMAND")
    quota = asked.account.quotas.get(code)
    if quota is None or used_vcpus(asked.world)[code] + more_nodes * vcpus(group.instance_types[0]) <= quota:
        return None
    return (
        f"Could not launch Instances. VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU "
        f"limit of {quota} allows for the instance bucket that the specified instance type belongs to ({code})."
    )


def _fail(group: Any, status: str, code: str, message: str) -> None:
    group.status = status
    group.health = {"issues": [{"code": code, "message": message, "resourceIds": [group.nodegroup_name]}]}


def launch(asked: Asked) -> None:
    group = asked.world.node_group(asked.given)
    words = _lacking(asked, group, 0) if group is not None else None
    if words:
        _fail(group, "CREATE_FAILED", "AsgInstanceLaunchFailures", words)


def join(asked: Asked) -> None:
    group = asked.world.node_group(asked.given)
    if group is None or not asked.account.has_nodes or not group.scaling_config["desiredSize"]:
        return
    shut = [subnet.id for subnet in asked.world.subnets(group.subnets) if not asked.world.has_way_out(subnet)]
    if shut:
        words = f"Instances failed to join the kubernetes cluster (no route to AWS in {', '.join(shut)})"
        _fail(group, "CREATE_FAILED", "NodeCreationFailure", words)
    else:
        _make_interfaces(asked, group)


def _make_interfaces(asked: Asked, group: Any) -> None:
    """The VPC CNI's interfaces of a node: they are the node's, and go with it while the CNI lives."""
    for subnet in asked.world.subnets(group.subnets):
        asked.world.ec2.create_network_interface(
            subnet,
            None,
            description=f"aws-K8S-{group.nodegroup_name}",
            tags={"node.k8s.amazonaws.com/group": group.arn},
        )


def update(asked: Asked) -> None:
    group = asked.world.node_group(asked.given)
    if group is None or not group.scaling_config["desiredSize"]:
        return
    desired = group.scaling_config["desiredSize"]
    more = surge(group.update_config or {}, _zones(asked, group), desired)
    asked.account.peak_nodes[group.nodegroup_name] = desired + more
    words = _lacking(asked, group, more)
    if words:
        eks_node_updates.fail(group, "NodeCreationFailure", words)


def evict(asked: Asked) -> None:
    group = asked.world.node_group(asked.given)
    if group is None or asked.given.get("force"):
        return
    if _drain_seconds(asked, group) > EVICTION_SECONDS:
        words = f"Reached max retries while trying to evict pods from nodes in node group {group.nodegroup_name}"
        eks_node_updates.fail(group, "PodEvictionFailure", words)


def _drain_seconds(asked: Asked, group: Any) -> float:
    """By the group's name, or its pool label, or for any."""
    drains, labels = asked.account.drain_seconds, group.labels or {}
    return max(drains.get(name, 0) for name in (group.nodegroup_name, *labels.values(), ""))


def shrink(asked: Asked) -> None:
    group, before = asked.before.group, asked.before.desired
    desired = (asked.given.get("scalingConfig") or {}).get("desiredSize")
    if group is not None and desired is not None and before is not None and desired < before:
        name = group.nodegroup_name
        asked.account.nodes_shed[name] = asked.account.nodes_shed.get(name, 0) + before - desired


def delete(asked: Asked) -> None:
    """Interfaces go with the nodes, while the CNI is there and reaches AWS; else they stay, and hold their subnet."""
    cluster, group = asked.before.cluster, asked.before.group
    if group is None:
        return
    if _drain_seconds(asked, group) > DELETION_SECONDS:
        asked.account.cut_off.append(group.nodegroup_name)
    cni = cluster is not None and "vpc-cni" in store.extra(cluster, "addons")
    for subnet in asked.world.subnets(group.subnets):
        alive = cni and asked.world.has_way_out(subnet)
        for interface in asked.world.interfaces_in(subnet.id):
            if interface.description == f"aws-K8S-{group.nodegroup_name}" and alive:
                asked.world.ec2.enis.pop(interface.id, None)
