"""EKS clusters: what moto's operations drop or do not check, and UpdateClusterVersion, which it lacks."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.eks.responses import EKSResponse
from moto.utilities.utils import get_partition

from local.aws_endpoint import eks_store as store
from local.aws_endpoint import facts
from local.aws_endpoint.contract.account import current

# Members of CreateCluster that moto's Cluster does not keep -> attribute that its serializer reads.
_KEPT = {
    "accessConfig": "access_config",
    "upgradePolicy": "upgrade_policy",
    "zonalShiftConfig": "zonal_shift_config",
    "computeConfig": "compute_config",
    "storageConfig": "storage_config",
    "deletionProtection": "deletion_protection",
    "controlPlaneScalingConfig": "control_plane_scaling_config",
}
_UPDATE_TYPES = {
    "resourcesVpcConfig": "VpcConfigUpdate",
    "logging": "LoggingUpdate",
    "accessConfig": "AccessConfigUpdate",
    "upgradePolicy": "UpgradePolicyUpdate",
    "zonalShiftConfig": "ZonalShiftConfigUpdate",
    "deletionProtection": "DeletionProtectionUpdate",
    "computeConfig": "AutoModeUpdate",
    "storageConfig": "AutoModeUpdate",
    "kubernetesNetworkConfig": "AutoModeUpdate",
    "remoteNetworkConfig": "RemoteNetworkConfigUpdate",
}
_VPC_DEFAULTS = {
    "endpointPublicAccess": True,
    "endpointPrivateAccess": False,
    "securityGroupIds": [],
    "publicAccessCidrs": ["0.0.0.0/0"],
}


@dataclass
class ControlPlane:
    """The API server that every cluster of this endpoint is given; None: moto's made-up address."""

    endpoint: str | None = None
    ca_file: Path | None = None

    def apply(self, cluster: Any) -> None:
        """Writes address and certificate authority (base64 PEM) into moto's cluster object."""
        if self.endpoint and self.ca_file:
            cluster.endpoint = self.endpoint
            cluster.certificate_authority = {"data": base64.b64encode(self.ca_file.read_bytes()).decode()}


CONTROL_PLANE = ControlPlane()


def parameters(response: EKSResponse) -> dict[str, Any]:
    """The operation's input by botocore's member names, from body, path and query string."""
    response.parse_parameters(response.normalized_request)
    return dict(response.params)


def cluster_of(response: EKSResponse, params: dict[str, Any]) -> Any:
    """moto's cluster object that the operation is about, or ResourceNotFoundException."""
    return response.eks_backend.describe_cluster(params["clusterName"])


def create_cluster(original: Callable[[EKSResponse], ActionResult]) -> Callable[[EKSResponse], ActionResult]:
    def wrapped(response: EKSResponse) -> ActionResult:
        params = parameters(response)
        backend = response.eks_backend
        vpc_id = store.vpc_of(backend, params["resourcesVpcConfig"].get("subnetIds") or [])
        original(response)
        _complete_cluster(backend, backend.clusters[params["name"]], params, vpc_id)
        return ActionResult({"cluster": backend.clusters[params["name"]]})

    return wrapped


def _complete_cluster(backend: Any, cluster: Any, params: dict[str, Any], vpc_id: str) -> None:
    cluster.version = params.get("version") or facts.DEFAULT_CLUSTER_VERSION
    cluster.platformVersion = facts.CLUSTER_VERSIONS[cluster.version].platform_version
    CONTROL_PLANE.apply(cluster)
    for member, attribute in _KEPT.items():
        if params.get(member) is not None:
            setattr(cluster, attribute, params[member])
    access = {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True}
    cluster.access_config = {**access, **(params.get("accessConfig") or {})}
    cluster.upgrade_policy = params.get("upgradePolicy") or {"supportType": "EXTENDED"}
    network = {"ipFamily": "ipv4", "serviceIpv4Cidr": "172.20.0.0/16", "elasticLoadBalancing": {"enabled": False}}
    cluster.kubernetes_network_config = {**network, **(params.get("kubernetesNetworkConfig") or {})}
    group = ec2_backends[backend.account_id][backend.region_name].create_security_group(
        f"eks-cluster-sg-{cluster.name}",
        "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, "
        "as well as any managed workloads.",
        vpc_id,
        tags={f"kubernetes.io/cluster/{cluster.name}": "owned"},
    )
    cluster.resources_vpc_config = {
        **_VPC_DEFAULTS,
        **params["resourcesVpcConfig"],
        "clusterSecurityGroupId": group.id,
        "vpcId": vpc_id,
    }
    has_entries = cluster.access_config["authenticationMode"] != "CONFIG_MAP"
    if has_entries and cluster.access_config["bootstrapClusterCreatorAdminPermissions"]:
        entry = admit(cluster, current().caller, "STANDARD")
        policy = f"arn:{get_partition(backend.region_name)}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
        entry["localPolicies"] = {policy: {"policyArn": policy, "accessScope": {"type": "cluster"}}}


def admit(cluster: Any, principal: str, kind: str) -> store.Record:
    """The access entry that EKS makes by itself, unless there is one."""
    entries = store.extra(cluster, "access_entries")
    return entries.setdefault(principal, new_access_entry(cluster, principal, {"type": kind}))


def new_access_entry(cluster: Any, principal: str, params: dict[str, Any]) -> dict[str, Any]:
    """An access entry's record; `type` and `username` are filled like EKS does."""
    kind = params.get("type") or "STANDARD"
    name = principal.rsplit("/", 1)[-1]
    username = "system:node:{{EC2PrivateDNSName}}" if kind.startswith("EC2") else principal
    if kind == "STANDARD" and ":role/" in principal:
        username = f"{principal.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/{{{{SessionName}}}}"
    groups = ["system:nodes"] if kind in ("EC2_LINUX", "EC2_WINDOWS") else []
    return {
        "clusterName": cluster.name,
        "principalArn": principal,
        "kubernetesGroups": params.get("kubernetesGroups") or groups,
        "accessEntryArn": store.arn(cluster, "access-entry", "role", name, store.new_id()),
        "createdAt": store.now(),
        "modifiedAt": store.now(),
        "tags": dict(params.get("tags") or {}),
        "username": params.get("username") or username,
        "type": kind,
    }


def update_cluster_config(response: EKSResponse) -> ActionResult:
    """Merges what is given (moto replaces resourcesVpcConfig whole), one kind of change per call as in EKS."""
    params = parameters(response)
    cluster = response.eks_backend.describe_cluster(params.pop("name"))
    params.pop("clientRequestToken", None)
    kinds = {_UPDATE_TYPES[member] for member in params}
    if len(kinds) != 1:
        raise store.invalid(f"Only one type of update can be allowed, not {', '.join(sorted(kinds)) or 'none'}")
    if "resourcesVpcConfig" in params:
        merged = {**cluster.resources_vpc_config, **params["resourcesVpcConfig"]}
        cluster.resources_vpc_config = merged
    if "logging" in params:
        cluster.logging = params["logging"]
    for member in ("kubernetesNetworkConfig", "remoteNetworkConfig"):
        if member in params:
            attribute = {"kubernetesNetworkConfig": "kubernetes_network_config"}.get(member, "remote_network_config")
            setattr(cluster, attribute, {**(getattr(cluster, attribute) or {}), **params[member]})
    for member, attribute in _KEPT.items():
        if member in params:
            before: Any = getattr(cluster, attribute, None)
            merges = isinstance(before, dict) and isinstance(params[member], dict)
            setattr(cluster, attribute, {**before, **params[member]} if merges else params[member])
    return ActionResult({"update": store.record_update(cluster, kinds.pop(), params)})


def update_cluster_version(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    cluster = response.eks_backend.describe_cluster(params["name"])
    cluster.version = params["version"]
    cluster.platformVersion = facts.CLUSTER_VERSIONS[cluster.version].platform_version
    return ActionResult({"update": store.record_update(cluster, "VersionUpdate", {"version": params["version"]})})


def delete_cluster(original: Callable[[EKSResponse], ActionResult]) -> Callable[[EKSResponse], ActionResult]:
    def wrapped(response: EKSResponse) -> ActionResult:
        backend = response.eks_backend
        cluster = backend.describe_cluster(parameters(response)["name"])
        result = original(response)
        group = cluster.resources_vpc_config.get("clusterSecurityGroupId")
        if group:
            ec2_backends[backend.account_id][backend.region_name].delete_security_group(group_id=group)
        return result

    return wrapped
