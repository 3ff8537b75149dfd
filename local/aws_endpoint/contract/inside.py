"""The cluster's own API and what pods need of AWS: asked by who plays Kubernetes (the replay of the tests)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from local.aws_endpoint import eks_store as store
from local.aws_endpoint.contract.rule import Asked, Checks

HTTPS = 443
_ADMIN = ("AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy")


def _within(address: str, blocks: list[str]) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(block) for block in blocks)


def lets_in(world: Any, group_id: str, address: str) -> bool:
    """Whether an ingress rule of the security group lets the address reach port 443."""
    group = world.ec2.get_security_group_from_id(group_id)
    for rule in group.ingress_rules if group is not None else ():
        protocol, low, high = str(rule.ip_protocol), rule.from_port, rule.to_port
        everything = protocol == "-1"
        ports = everything or (low not in (None, "") and int(low) <= HTTPS <= int(high))
        block = rule.ip_range.get("CidrIp")
        if protocol in ("tcp", "6", "-1") and ports and block and _within(address, [block]):
            return True
    return False


def reaches(asked: Asked) -> bool:
    """Whether the runner reaches the cluster's API."""
    cluster = asked.world.cluster(asked.given.get("clusterName"))
    if cluster is None:
        return False
    vpc, runner = cluster.resources_vpc_config, asked.account.runner
    public = runner.public_address if vpc.get("endpointPublicAccess") else None
    if public and _within(public, vpc.get("publicAccessCidrs") or ["0.0.0.0/0"]):
        return True
    if runner.inside_address and vpc.get("endpointPrivateAccess"):
        groups = [vpc["clusterSecurityGroupId"], *(vpc.get("securityGroupIds") or [])]
        return any(lets_in(asked.world, group, runner.inside_address) for group in groups)
    return False


def _unreachable(asked: Asked) -> Mapping[str, Any] | None:
    return None if reaches(asked) else {}


def _unauthorized(asked: Asked) -> Mapping[str, Any] | None:
    """An entry of the caller with a policy that lets it do anything; namespaces are not looked at."""
    cluster = asked.world.cluster(asked.given.get("clusterName"))
    entry = store.extra(cluster, "access_entries").get(asked.account.caller) if cluster else None
    held = {arn.rsplit("/", 1)[-1] for arn in (entry or {}).get("localPolicies", {})}
    return None if held & set(_ADMIN) else {"caller": asked.account.caller}


def _shut_subnets(asked: Asked) -> list[str]:
    groups = [group for group in asked.world.node_groups() if group.cluster_name == asked.given.get("clusterName")]
    subnets = asked.world.subnets({subnet for group in groups for subnet in group.subnets})
    return sorted(subnet.id for subnet in subnets if not asked.world.has_way_out(subnet))


def _no_nodes(asked: Asked) -> Mapping[str, Any] | None:
    cluster = asked.world.cluster(asked.given.get("clusterName"))
    running = (
        [nodegroup for nodegroup in cluster.nodegroups.values() if nodegroup.scaling_config["desiredSize"]]
        if cluster
        else []
    )
    return None if running else {}


def _cut_off(asked: Asked) -> Mapping[str, Any] | None:
    shut = _shut_subnets(asked)
    return {"subnets": ", ".join(shut)} if shut else None


def _volumes_stay(asked: Asked) -> Mapping[str, Any] | None:
    """Claims are given back by the EBS CSI controller, which needs its add-on, its identity and a way to AWS."""
    cluster = asked.world.cluster(asked.given.get("clusterName"))
    if not asked.given.get("volumes") or cluster is None:
        return None
    driver = "aws-ebs-csi-driver" in store.extra(cluster, "addons")
    return None if driver and not _shut_subnets(asked) and _no_nodes(asked) is None else {}


CHECKS: Checks = {
    "api-unreachable": _unreachable,
    "api-unauthorized": _unauthorized,
    "pods-no-nodes": _no_nodes,
    "pods-cut-off": _cut_off,
    "volumes-stay": _volumes_stay,
}
