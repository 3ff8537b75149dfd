"""`NodeGroup`: an EKS managed node group and its launch template."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import ClassVar, TypedDict

import pulumi
import pulumi_aws as aws

from components.aws import iam
from components.aws.eks_cluster import ClusterOutputs
from components.aws.network import NetworkOutputs
from components.aws.node_counts import counts, live_sizes
from components.aws.service_role import ServiceRole, ServiceRoleArgs
from components.node_config import node_document
from components.ownership import controller_owned
from components.tags import named
from planning.model import CreateClusterPlan, ExistingClusterPlan, NodeGroupPlan, PullThroughPlan, Tags

# Kubernetes' taint effects as EKS spells them.
TAINT_EFFECTS = {
    "NoSchedule": "NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
}

CAPACITY_BLOCK = "CAPACITY_BLOCK"

TEMPLATE_LABEL = "k8s.io/cluster-autoscaler/node-template/label/"
TEMPLATE_RESOURCE = "k8s.io/cluster-autoscaler/node-template/resources/"

# Where images, logs and emptyDirs are. Bottlerocket keeps its system on /dev/xvda and these on a second volume.
DATA_DEVICES = {"BOTTLEROCKET": "/dev/xvdb", "AL2023": "/dev/xvda"}
SYSTEM_DEVICE = "/dev/xvda"


class CapacityOptions(TypedDict, total=False):
    """Arguments of a launch template."""

    capacity_reservation_specification: aws.ec2.LaunchTemplateCapacityReservationSpecificationArgs
    instance_market_options: aws.ec2.LaunchTemplateInstanceMarketOptionsArgs
    instance_type: str


@dataclass(frozen=True)
class NodeGroupArgs:
    """`node_role_arn`: see `node_role`. The group stands in `plan.subnet_ids`, or in the private subnets of
    `plan.zones`."""

    plan: NodeGroupPlan
    cluster: ClusterOutputs
    network: NetworkOutputs
    node_role_arn: pulumi.Input[str]
    tags: Tags


class NodeGroup(pulumi.ComponentResource):
    """Nodes of one kind. `cluster_name` is the cluster's name for resources that depend on these nodes."""

    token: ClassVar[str] = "vllm-on-eks:index:NodeGroup"
    cluster_name: pulumi.Output[str]
    node_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.token, name, None, opts)
        plan = args.plan
        node_counts = counts(plan, live_sizes(args.cluster.called, plan, pulumi.InvokeOptions(parent=self)))
        template = aws.ec2.LaunchTemplate(
            f"{name}-template",
            description=f"EKS node group {plan.name}: {', '.join(plan.instance_types)}",
            update_default_version=True,
            ebs_optimized="true",
            block_device_mappings=volumes(plan),
            user_data=user_data(plan),
            **capacity_options(plan),
            vpc_security_group_ids=security_groups(args.cluster),
            metadata_options=metadata_options(),
            # Metrics by the minute are billed by node, and Prometheus has them already.
            monitoring=aws.ec2.LaunchTemplateMonitoringArgs(enabled=False),
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=named(args.tags, name))
                for kind in ("instance", "volume")  # EKS does not hand a node group's tags on to them
            ],
            tags=named(args.tags, f"{name}-template"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        group = aws.eks.NodeGroup(
            f"{name}-nodes",
            cluster_name=args.cluster.node_cluster_name,
            node_role_arn=args.node_role_arn,
            subnet_ids=list(plan.subnet_ids) or args.network.private_subnet_ids(plan.zones),
            # The cluster's version, so that an upgrade is the control plane first and then, by data, its nodes.
            version=args.cluster.version,
            release_version=plan.ami_release_version,
            ami_type=plan.ami_type,
            capacity_type=plan.capacity_type,
            # EKS wants a block's type in the launch template, and refuses it in both.
            instance_types=None if plan.capacity_type == CAPACITY_BLOCK else list(plan.instance_types),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(lambda version: str(int(version)))
            ),
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=plan.min_nodes, desired_size=node_counts.desired_nodes, max_size=plan.max_nodes
            ),
            update_config=aws.eks.NodeGroupUpdateConfigArgs(
                max_unavailable=plan.max_unavailable, update_strategy=plan.update_strategy
            ),
            node_repair_config=aws.eks.NodeGroupNodeRepairConfigArgs(enabled=plan.node_repair),
            labels=plan.labels,
            taints=[taint(item.key, item.value, item.effect) for item in plan.taints],
            tags={**named(args.tags, name), **autoscaler_tags(plan)},
            opts=pulumi.ResourceOptions(
                parent=self,
                # How many nodes there are belongs to the autoscaler (or to an operator who scaled by hand); ours is
                # only the number to begin with. A change of the bounds carries the number of the moment.
                ignore_changes=controller_owned("aws:eks/nodeGroup:NodeGroup", still_ours=node_counts.desired_is_ours),
                custom_timeouts=update_timeout(plan),
            ),
        )
        self.cluster_name, self.node_group_name = group.cluster_name, group.node_group_name
        self.register_outputs({"nodeGroupName": self.node_group_name, "clusterName": self.cluster_name})


def update_timeout(plan: NodeGroupPlan) -> pulumi.CustomTimeouts | None:
    """Nodes that leave one after another, each with its drain: more of them than the provider would wait for."""
    return (plan.update_timeout_seconds and pulumi.CustomTimeouts(update=f"{plan.update_timeout_seconds}s")) or None


def security_groups(cluster: ClusterOutputs) -> list[pulumi.Input[str]] | None:
    """Groups of the nodes; None: EKS gives them the cluster's own, which it does not where a template names others
    (https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html, "Using custom security groups")."""
    further = cluster.node_security_group_ids
    return [cluster.security_group_id, *further] if further else None


def capacity_options(plan: NodeGroupPlan) -> CapacityOptions:
    """What the launch template says of the reservation or Capacity Block that nodes are taken from
    (https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html)."""
    if plan.reservation is None:
        return {}
    target = aws.ec2.LaunchTemplateCapacityReservationSpecificationCapacityReservationTargetArgs(
        capacity_reservation_id=plan.reservation.id,
        capacity_reservation_resource_group_arn=plan.reservation.resource_group_arn,
    )
    specification = aws.ec2.LaunchTemplateCapacityReservationSpecificationArgs(capacity_reservation_target=target)
    if plan.capacity_type != CAPACITY_BLOCK:
        return {"capacity_reservation_specification": specification}
    (instance_type,) = plan.instance_types
    return {
        "capacity_reservation_specification": specification,
        "instance_market_options": aws.ec2.LaunchTemplateInstanceMarketOptionsArgs(market_type="capacity-block"),
        "instance_type": instance_type,
    }


def autoscaler_tags(plan: NodeGroupPlan) -> dict[str, str]:
    """What the cluster-autoscaler cannot know of a group without nodes: it reads a managed group's labels itself, and
    by tags what a node gets later (cluster-autoscaler/cloudprovider/aws/README.md, "Auto-Discovery Setup").
    """
    labels = {f"{TEMPLATE_LABEL}{key}": value for key, value in plan.labels_later.items()}
    return {**labels, **{f"{TEMPLATE_RESOURCE}{name}": amount for name, amount in plan.resources_by_tag.items()}}


def volumes(plan: NodeGroupPlan) -> list[aws.ec2.LaunchTemplateBlockDeviceMappingArgs]:
    """The volume with images and emptyDirs, and Bottlerocket's system's: encrypted gp3 that go with their node."""
    data = _volume(data_device(plan.ami_type), plan.disk_gib, plan.disk_throughput_mibps, plan.disk_iops)
    if plan.bottlerocket is None:
        return [data]
    return [_volume(SYSTEM_DEVICE, plan.bottlerocket.system_disk_gib), data]


def _volume(
    device: str, gib: int, mibps: int | None = None, iops: int | None = None
) -> aws.ec2.LaunchTemplateBlockDeviceMappingArgs:
    return aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
        device_name=device,
        ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
            volume_type="gp3",
            volume_size=gib,
            throughput=mibps,
            iops=iops,
            encrypted="true",
            delete_on_termination="true",
        ),
    )


def user_data(plan: NodeGroupPlan) -> str | None:
    """What the image is told, base64; EKS takes MIME only, and of Bottlerocket TOML
    (https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html, "Amazon EC2 user data")."""
    document = node_document(plan, raid0=plan.instance_store_gib is not None)
    return base64.b64encode(document.encode()).decode() if document else None


def data_device(ami_type: str) -> str:
    """Device name of the volume that holds images and emptyDirs, by AMI family."""
    family = ami_type.split("_", 1)[0]
    if family not in DATA_DEVICES:
        raise ValueError(f"AMI type {ami_type}: not of a known family; known: {', '.join(DATA_DEVICES)}")
    return DATA_DEVICES[family]


def metadata_options() -> aws.ec2.LaunchTemplateMetadataOptionsArgs:
    """IMDSv2 only, one hop: a pod cannot reach the node's credentials; host-network daemons (CNI) still do.

    Pods get AWS credentials through Pod Identity, whose agent is not behind the hop limit.
    """
    return aws.ec2.LaunchTemplateMetadataOptionsArgs(
        http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
    )


def taint(key: str, value: str, effect: str) -> aws.eks.NodeGroupTaintArgs:
    """A taint in EKS' spelling."""
    if effect not in TAINT_EFFECTS:
        raise ValueError(f"taint {key}: unknown effect {effect}; known: {', '.join(TAINT_EFFECTS)}")
    return aws.eks.NodeGroupTaintArgs(key=key, value=value, effect=TAINT_EFFECTS[effect])


def node_role(
    name: str,
    cluster: CreateClusterPlan | ExistingClusterPlan,
    tags: Tags,
    opts: pulumi.ResourceOptions | None = None,
    cache: PullThroughPlan | None = None,
) -> ServiceRole:
    """The role of all nodes of a cluster; EKS makes its access entry with the first managed node group."""
    policies = iam.managed(cluster.partition, iam.NODE_POLICIES)
    trust, what = iam.node_trust(cluster.partition), f"Nodes of EKS cluster {cluster.name}"
    own = iam.pull_through_policy(cache, cluster.partition) if cache else None
    return ServiceRole(name, ServiceRoleArgs(trust, policies, what, tags, own), opts)
