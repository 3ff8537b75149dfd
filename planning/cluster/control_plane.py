"""The EKS cluster: version, logs, who may use it, add-ons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from planning.cluster.addon_policies import addon_policy_arn
from planning.cluster.policy_mode import check_strict, vpc_cni_configuration
from planning.cluster.regions import check_arns, check_region, partition
from planning.facts import rows
from planning.findings import Findings, listed
from planning.model import AccessEntryPlan, AddonPlan, CreateClusterPlan, ExistingClusterPlan, Tags
from planning.versions.skew import distance_trouble
from settings.cluster import AccessPolicy, Cluster, CreateCluster, EndpointAccess, NetworkPolicyMode
from settings.names import CLUSTER_NAME, CLUSTER_NAME_WRONG
from settings.spelling import did_you_mean

CALENDAR_DATED = "2026-11-21"


@dataclass(frozen=True)
class SupportWindow:
    """Dates (ISO) up to which EKS supports a Kubernetes version, standard and extended."""

    standard_until: str
    extended_until: str


# The default is the newest with known dates: its NVIDIA AMIs are in use (release 1.35.4-20260505 in public
# configurations of May 2026), and GPU Operator 26.3.2 added 1.36 (its release notes), so 26.7 serves 1.35.
SUPPORT = {
    row["version"]: SupportWindow(row["standard_until"], row["extended_until"])
    for row in rows("kubernetes_versions.csv")
}

# https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
ACCESS_POLICIES = {
    AccessPolicy.CLUSTER_ADMIN: "AmazonEKSClusterAdminPolicy",
    AccessPolicy.ADMIN: "AmazonEKSAdminPolicy",
    AccessPolicy.EDIT: "AmazonEKSEditPolicy",
    AccessPolicy.VIEW: "AmazonEKSViewPolicy",
}


def access_policy_arn(policy: AccessPolicy, region: str) -> str:
    """ARN of an EKS access policy."""
    return f"arn:{partition(region)}:eks::aws:cluster-access-policy/{ACCESS_POLICIES[policy]}"


def in_extended_support(version: str, date: str = CALENDAR_DATED) -> bool:
    """Whether the version is past standard support on an ISO date: the control plane then costs six times as much."""
    window = SUPPORT.get(version)
    return window is not None and window.standard_until < date


def addons(
    region: str,
    tags: Tags,
    version: str,
    pinned: Mapping[str, str] = MappingProxyType({}),
    strict_policies: bool = False,
    shared_files: bool = False,
) -> tuple[AddonPlan, ...]:
    """The add-ons of a cluster of ours. Those that nodes need to become Ready come before the nodes.

    `pinned`: versions by name; the others are those that EKS has for the Kubernetes version. `shared_files`: a model's
    weights are on EFS.
    """
    addon_plans = (
        # Without the policy agent NetworkPolicy objects are accepted and ignored.
        _addon("vpc-cni", after_nodes=False, configuration=vpc_cni_configuration(strict_policies)),
        _addon("kube-proxy", after_nodes=False),
        _addon("eks-pod-identity-agent", after_nodes=False),
        _addon("coredns", after_nodes=True),
        AddonPlan(
            name="aws-ebs-csi-driver",
            version=None,
            after_nodes=True,
            configuration={"controller": {"extraVolumeTags": volume_tags(tags)}} if volume_tags(tags) else {},
            service_account="ebs-csi-controller-sa",
            pod_identity_policy_arn=addon_policy_arn("aws-ebs-csi-driver", region),
        ),
        # Its GPU part has no tolerations by default (aws/eks-node-monitoring-agent values.yaml) and would stay off
        # our tainted nodes, and node repair would not see a dead GPU.
        _addon(
            "eks-node-monitoring-agent",
            after_nodes=True,
            configuration={"dcgmAgent": {"tolerations": [{"operator": "Exists"}]}},
        ),
        # Without a role: only dynamic provisioning calls EFS' API (kubernetes-sigs/aws-efs-csi-driver docs/README.md),
        # and access points are the stack's. Its node part tolerates every taint (charts values.yaml).
        *((_addon("aws-efs-csi-driver", after_nodes=True),) if shared_files else ()),
    )
    return tuple(replace(addon, version=pinned.get(addon.name), kubernetes_version=version) for addon in addon_plans)


def volume_tags(tags: Tags) -> Tags:
    """The stack's tags on volumes that the EBS CSI driver makes: with them a volume that is left over is found.

    The driver takes them as key=value,... (kubernetes-sigs/aws-ebs-csi-driver, docs/tagging.md): what would cut that
    apart is left out.
    """
    return {key: value for key, value in tags.items() if "=" not in key + value}


def plan_cluster(
    cluster: Cluster, stack: str, region: str, tags: Tags, findings: Findings, shared_files: bool = False
) -> CreateClusterPlan | ExistingClusterPlan:
    """The cluster of a stack; `shared_files`: a model's weights are on EFS."""
    check_region(region, findings)
    check_arns(cluster, region, findings)
    if not isinstance(cluster, CreateCluster):
        return ExistingClusterPlan(
            cluster.name,
            partition=partition(region),
            version=cluster.version,
            node_security_group_ids=cluster.node_security_group_ids,
        )
    name = cluster.name or f"vllm-on-eks-{stack}"
    if not re.fullmatch(CLUSTER_NAME, name):
        meaning, fix = CLUSTER_NAME_WRONG
        findings.error("cluster.name", "cluster-name", f"{name!r} is {meaning}", f"write cluster: {{name: ...}}; {fix}")
    _check_version(cluster.version, findings)
    return CreateClusterPlan(
        name=name,
        version=cluster.version,
        public_access=cluster.endpoint_access is EndpointAccess.PUBLIC_AND_PRIVATE,
        public_access_cidrs=cluster.public_access_cidrs,
        private_access_cidrs=tuple(dict.fromkeys(cluster.private_access_cidrs)),
        private_access_group_ids=tuple(dict.fromkeys(cluster.private_access_security_group_ids)),
        log_types=tuple(dict.fromkeys(log.value for log in cluster.control_plane_logs)),
        log_retention_days=cluster.log_retention_days,
        kms_key_arn=cluster.kms_key_arn,
        access_entries=_access_entries(cluster, region, findings),
        addons=_addons(cluster, region, tags, shared_files, findings),
        protect=cluster.protect,
        partition=partition(region),
        strict_policies=cluster.network_policy_mode is NetworkPolicyMode.STRICT,
    )


def _addon(name: str, after_nodes: bool, configuration: dict[str, object] | None = None) -> AddonPlan:
    return AddonPlan(name, None, after_nodes, configuration=configuration or {})


def _addons(
    cluster: CreateCluster, region: str, tags: Tags, shared_files: bool, findings: Findings
) -> tuple[AddonPlan, ...]:
    strict = cluster.network_policy_mode is NetworkPolicyMode.STRICT
    addon_plans = addons(region, tags, cluster.version, cluster.addons, strict, shared_files)
    if strict:
        check_strict(cluster, findings)
    names = [addon.name for addon in addon_plans]
    for name, version in cluster.addons.items():
        if trouble := distance_trouble(name, version, cluster.version):
            findings.error(
                f"cluster.addons.{name}",
                "version-skew",
                trouble,
                f"write a version of {cluster.version}, or leave it out: EKS' own for the cluster's version follows it",
            )
        if name not in names:
            findings.error(
                f"cluster.addons.{name}",
                "unknown-addon",
                f"the stack has no add-on {name} (it has {listed(names)})",
                did_you_mean(name, names) or "remove it",
            )
    return addon_plans


def _check_version(version: str, findings: Findings) -> None:
    window = SUPPORT.get(version)
    if window is None:
        near = min(SUPPORT, key=lambda known: abs(int(known[2:]) - int(version[2:])))
        findings.error(
            "cluster.version",
            "kubernetes-version",
            f"{version} is not in our calendar of {CALENDAR_DATED} (it holds {listed(SUPPORT)}): whether EKS has it, "
            "until when and at what price is not known",
            f"write {near!r}",
        )
    elif window.extended_until < CALENDAR_DATED:
        findings.error(
            "cluster.version",
            "kubernetes-version",
            f"{version} left EKS on {window.extended_until}",
            f"write {max(SUPPORT)!r}",
        )
    elif in_extended_support(version):
        findings.warning(
            "cluster.version",
            "kubernetes-version",
            f"{version} is in extended support since {window.standard_until}: the control plane costs $0.60 instead "
            "of $0.10 an hour",
            f"write {max(SUPPORT)!r}",
        )


def _access_entries(cluster: CreateCluster, region: str, findings: Findings) -> tuple[AccessEntryPlan, ...]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(cluster.access_entries):
        path = f"cluster.accessEntries[{index}]"
        first = seen.setdefault(entry.principal_arn, index)
        if first != index:
            findings.error(
                f"{path}.principalArn",
                "access-entry-twice",
                f"{entry.principal_arn} is already in cluster.accessEntries[{first}]; EKS has one entry per principal",
                "write one entry with both",
            )
        if entry.policy is AccessPolicy.CLUSTER_ADMIN and entry.namespaces:
            findings.error(
                f"{path}.policy",
                "access-scope",
                "clusterAdmin is for the whole cluster and takes no namespaces",
                "write policy: admin",
            )
        if entry.policy is AccessPolicy.NONE and (entry.namespaces or not entry.groups):
            findings.error(
                f"{path}.policy",
                "access-nothing",
                "none: the entry has only what its groups are given",
                "leave namespaces out" if entry.groups else "write groups: [...], or a policy",
            )
    return tuple(
        AccessEntryPlan(
            entry.principal_arn,
            None if entry.policy is AccessPolicy.NONE else access_policy_arn(entry.policy, region),
            entry.namespaces,
            entry.groups,
        )
        for entry in cluster.access_entries
    )
