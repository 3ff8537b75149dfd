"""`WeightsFileSystem`: an EFS file system for weights, with a way in for one writer and one for all readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.aws import iam
from components.aws.eks_cluster import ClusterOutputs
from components.aws.network import NetworkOutputs, PrivateSubnet
from components.tags import named
from planning.model import FileSystemPlan, NewFileSystemPlan, Tags

NFS = 2049
# Who files belong to, whatever the pod's own user: EFS puts an access point's identity in its place. Readers are of
# the group, and are not the owner.
WRITER, READER, GROUP = 10001, 10002, 10001
PERMISSIONS = "0755"


@dataclass(frozen=True)
class FileSystemOutputs:
    """Volume handles of the CSI driver, `<file system>::<access point>`: there once nodes can mount them."""

    writer: pulumi.Output[str]
    reader: pulumi.Output[str]
    compiled: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """By model that keeps there what it compiles."""


@dataclass(frozen=True)
class WeightsFileSystemArgs:
    """`cluster`: whose nodes mount it, in `network`'s private subnets."""

    plan: FileSystemPlan
    network: NetworkOutputs
    cluster: ClusterOutputs
    tags: Tags


class WeightsFileSystem(pulumi.ComponentResource):
    """File system, backup policy, mount targets behind a security group, access points, and the policy of who may what.

    Of a file system that is there, the access points only.
    """

    outputs: FileSystemOutputs

    def __init__(self, name: str, args: WeightsFileSystemArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:WeightsFileSystem", name, None, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        new = args.plan.new
        made = self._file_system(new) if new else None
        identity = made.id if made else pulumi.Output.from_input(str(args.plan.id))
        plan = args.plan
        writer = self._access_point("writer", identity, WRITER, plan.directory)
        reader = self._access_point("reader", identity, READER, plan.directory)
        compiled = {
            model: self._access_point(f"compiled-{model}", identity, WRITER, directory)
            for model, directory in plan.compiled.items()
        }
        ways: list[pulumi.Output[str]] = []
        if made and new:
            ways += self._mount_targets(made, new)
            writers = [writer.arn, *(point.arn for point in compiled.values())]
            document = pulumi.Output.all(made.arn, reader.arn, *writers).apply(
                lambda arns: iam.file_system_policy(arns[0], writers=arns[2:], reader=arns[1])
            )
            policy = aws.efs.FileSystemPolicy(
                f"{name}-policy", file_system_id=made.id, policy=document, opts=self._child
            )
            ways.append(policy.file_system_id)
        self.outputs = FileSystemOutputs(
            handle(identity, writer, ways),
            handle(identity, reader, ways),
            {model: handle(identity, point, ways) for model, point in compiled.items()},
        )
        self.register_outputs({"fileSystemId": identity})

    def _file_system(self, new: NewFileSystemPlan) -> aws.efs.FileSystem:
        name, days = self._name, new.infrequent_after_days
        moves = []
        if days is not None:
            unit = "DAY" if days == 1 else "DAYS"
            moves = [
                aws.efs.FileSystemLifecyclePolicyArgs(transition_to_ia=f"AFTER_{days}_{unit}"),
                aws.efs.FileSystemLifecyclePolicyArgs(transition_to_primary_storage_class="AFTER_1_ACCESS"),
            ]
        made = aws.efs.FileSystem(
            name,
            encrypted=True,
            kms_key_id=new.kms_key_arn,
            performance_mode="generalPurpose",
            throughput_mode=new.throughput,
            provisioned_throughput_in_mibps=new.provisioned_mibps,
            availability_zone_name=new.zone,
            lifecycle_policies=moves or None,
            tags=named(self._args.tags, name),
            opts=pulumi.ResourceOptions(parent=self, protect=new.protect or None),
        )
        # Said either way: EFS backs One Zone file systems up by itself.
        aws.efs.BackupPolicy(
            f"{name}-backup",
            file_system_id=made.id,
            backup_policy=aws.efs.BackupPolicyBackupPolicyArgs(status="ENABLED" if new.backup else "DISABLED"),
            opts=self._child,
        )
        return made

    def _access_point(self, who: str, identity: pulumi.Output[str], user: int, directory: str) -> aws.efs.AccessPoint:
        name = f"{self._name}-{who}"
        return aws.efs.AccessPoint(
            name,
            file_system_id=identity,
            posix_user=aws.efs.AccessPointPosixUserArgs(uid=user, gid=GROUP),
            root_directory=aws.efs.AccessPointRootDirectoryArgs(
                path=directory,
                creation_info=aws.efs.AccessPointRootDirectoryCreationInfoArgs(
                    owner_uid=WRITER, owner_gid=GROUP, permissions=PERMISSIONS
                ),
            ),
            tags=named(self._args.tags, name),
            opts=self._child,
        )

    def _mount_targets(self, made: aws.efs.FileSystem, new: NewFileSystemPlan) -> list[pulumi.Output[str]]:
        """One for each zone; what says that they are there."""
        group = self._group()
        targets = [
            aws.efs.MountTarget(
                f"{self._name}-mount-{place}",
                file_system_id=made.id,
                subnet_id=subnet.id,
                security_groups=[group.id],
                opts=self._child,
            )
            for place, subnet in places(self._args.network.private_subnets, new)
        ]
        return [target.file_system_id for target in targets]

    def _group(self) -> aws.ec2.SecurityGroup:
        """NFS from the nodes, and nothing else in either direction."""
        name, args = self._name, self._args
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            description="Mount targets of the file system with the weights",
            vpc_id=args.network.vpc_id,
            tags=named(args.tags, f"{name}-group"),
            opts=self._child,
        )
        sources: dict[str, pulumi.Input[str]] = {"nodes": args.cluster.security_group_id}
        sources |= {f"nodes-{each}": each for each in args.cluster.node_security_group_ids}
        for who, source in sources.items():
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-{who}",
                security_group_id=group.id,
                referenced_security_group_id=source,
                ip_protocol="tcp",
                from_port=NFS,
                to_port=NFS,
                description="NFS from nodes",
                tags=named(args.tags, f"{name}-{who}"),
                opts=self._child,
            )
        return group


def handle(
    identity: pulumi.Output[str], point: aws.efs.AccessPoint, ways: Sequence[pulumi.Output[str]]
) -> pulumi.Output[str]:
    """`ways`: echoed inputs of mount targets and policy: a volume is there after them, and goes before them."""
    return pulumi.Output.all(identity, point.id, *ways).apply(lambda found: f"{found[0]}::{found[1]}")


def places(subnets: Sequence[PrivateSubnet], new: NewFileSystemPlan) -> list[tuple[str, PrivateSubnet]]:
    """Where its mount targets are, by what they are called after: the zone, or the subnet of a network that is there,
    whose zone AWS alone knows."""
    placed = [(each.zone if isinstance(each.zone, str) else str(each.id), each) for each in subnets]
    if new.subnet_ids:
        return [(place, each) for place, each in placed if each.id in new.subnet_ids]
    return [(place, each) for place, each in placed if new.zone is None or place == new.zone]
