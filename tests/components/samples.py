"""Plans that the tests of AWS components build from, and a way to build them under an AWS provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from planning.model import (
    AccessEntryPlan,
    AddonPlan,
    CreateClusterPlan,
    CreateNetworkPlan,
    NodeGroupPlan,
    SubnetPlan,
    TaintPlan,
)
from tests.engine import Engine, record

GOLDENS = Path(__file__).parent / "goldens"
REGION = "eu-central-1"
TAGS = {"project": "vllm-on-eks", "stack": "test"}
POLICIES = "arn:aws:eks::aws:cluster-access-policy"
EBS_CSI_POLICY = "arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2"

NETWORK = CreateNetworkPlan(
    cidr="10.0.0.0/16",
    zones=("eu-central-1a", "eu-central-1b"),
    subnets=(
        SubnetPlan("eu-central-1a", "10.0.0.0/24", public=True),
        SubnetPlan("eu-central-1b", "10.0.1.0/24", public=True),
        SubnetPlan("eu-central-1a", "10.0.64.0/18", public=False),
        SubnetPlan("eu-central-1b", "10.0.128.0/18", public=False),
    ),
    nat_zones=("eu-central-1a",),
    flow_logs=True,
    protect=False,
)
NETWORK_FOR_PRODUCTION = replace(NETWORK, nat_zones=NETWORK.zones, protect=True)

CLUSTER = CreateClusterPlan(
    name="llm-test",
    version="1.34",
    public_access=False,
    public_access_cidrs=(),
    log_types=("api", "audit", "authenticator", "controllerManager", "scheduler"),
    log_retention_days=30,
    kms_key_arn=None,
    access_entries=(),
    addons=(
        AddonPlan("vpc-cni", None, after_nodes=False, configuration={"enableNetworkPolicy": "true"}),
        AddonPlan("kube-proxy", None, after_nodes=False),
        AddonPlan("eks-pod-identity-agent", None, after_nodes=False),
        AddonPlan("coredns", "v1.12.4-eksbuild.1", after_nodes=True),
        AddonPlan(
            "aws-ebs-csi-driver",
            None,
            after_nodes=True,
            service_account="ebs-csi-controller-sa",
            pod_identity_policy_arn=EBS_CSI_POLICY,
        ),
    ),
    protect=False,
)
OPS = "arn:aws:iam::111122223333:role/ops"
CLUSTER_WITH_GUESTS = replace(
    CLUSTER,
    public_access=True,
    public_access_cidrs=("198.51.100.0/24",),
    access_entries=(
        AccessEntryPlan(OPS, f"{POLICIES}/AmazonEKSViewPolicy", ()),
        AccessEntryPlan(OPS, f"{POLICIES}/AmazonEKSEditPolicy", ("models",)),
        AccessEntryPlan("arn:aws:iam::444455556666:role/ops", f"{POLICIES}/AmazonEKSClusterAdminPolicy", ()),
    ),
)

SYSTEM_NODES = NodeGroupPlan(
    name="system",
    instance_types=("m7i.large", "m6i.large"),
    capacity_type="ON_DEMAND",
    ami_type="AL2023_x86_64_STANDARD",
    ami_release_version=None,
    min_nodes=2,
    desired_nodes=2,
    max_nodes=4,
    disk_gib=50,
    disk_throughput_mibps=125,
    disk_iops=3000,
    zones=(),
    labels={"vllm-on-eks/pool": "system"},
    taints=(),
    node_repair=True,
)
GPU_NODES = NodeGroupPlan(
    name="l4",
    instance_types=("g6.2xlarge",),
    capacity_type="SPOT",
    ami_type="AL2023_x86_64_NVIDIA",
    ami_release_version="1.34.2-20261015",
    min_nodes=1,
    desired_nodes=1,
    max_nodes=3,
    disk_gib=200,
    disk_throughput_mibps=500,
    disk_iops=4000,
    zones=("eu-central-1b",),
    labels={"accelerator": "nvidia", "gpu-type": "l4", "vllm-on-eks/pool": "l4"},
    taints=(TaintPlan("nvidia.com/gpu", "present", "NoSchedule"),),
    node_repair=True,
    gpu="l4",
    gpus_per_node=1,
)


def in_region(build: Callable[[aws.Provider], Any], preview: bool = False) -> Engine:
    """Records what `build` makes under an explicit provider of the sample region."""
    return record(lambda: build(aws.Provider("aws", region=REGION)), preview)


_RECORDED: dict[str, Engine] = {}


def once(key: str, make: Callable[[], Engine]) -> Engine:
    """The record of the same plan made once per test run; `key` says all that it depends on."""
    if key not in _RECORDED:
        _RECORDED[key] = make()
    return _RECORDED[key]


def under(provider: aws.Provider) -> pulumi.ResourceOptions:
    """Options that hand a component its provider."""
    return pulumi.ResourceOptions(providers=[provider])
