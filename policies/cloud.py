"""Rules for what stands in AWS, and for the bill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planning.cost.budget import excess
from planning.model import POOL_LABEL
from policies import karpenter
from policies.rule import LASTING, UNKNOWN, Circumstances, Resource, Violation, at, listed, pod_of
from settings.addresses import opened

CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
# By these the bill is split and a stack's resources are found; planning/cluster/tags.py sets them.
NEEDED_TAGS = ("project", "stack", "managed-by")
# AWS has no tags for these (pulumi-aws 7.51.1: their classes take none).
WITHOUT_TAGS = frozenset(
    {
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:ec2/route:Route",
        "aws:efs/backupPolicy:BackupPolicy",
        "aws:efs/fileSystemPolicy:FileSystemPolicy",
        "aws:efs/mountTarget:MountTarget",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:kms/alias:Alias",
        "aws:route53/record:Record",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:sqs/queuePolicy:QueuePolicy",
    }
)
Found = Iterator[Violation]


def _of(resources: Sequence[Resource], type_: str) -> list[Resource]:
    return [resource for resource in resources if resource.type == type_]


def api_endpoint_closed(resources: Sequence[Resource], _: Circumstances) -> Found:
    """The Kubernetes API is private, or open to listed addresses only. EKS opens a list that is missing to all."""
    for cluster in _of(resources, CLUSTER):
        if at(cluster.inputs, "vpcConfig.endpointPublicAccess", True) in (True, "true"):
            cidrs = at(cluster.inputs, "vpcConfig.publicAccessCidrs")
            if cidrs == UNKNOWN:
                continue
            if what := opened(listed(cidrs)) if listed(cidrs) else "the whole internet":
                yield Violation(cluster, f"{what} reaches the Kubernetes API")


def ami_release_pinned(resources: Sequence[Resource], circumstances: Circumstances) -> Found:
    """In production GPU nodes name the AMI release: the GPU driver comes with it."""
    if circumstances.production:
        for group in _of(resources, NODE_GROUP):
            if "NVIDIA" in str(at(group.inputs, "amiType", "")) and not at(group.inputs, "releaseVersion"):
                yield Violation(group, "no releaseVersion: nodes made later may get another driver")
        for node_class in _of(resources, karpenter.NODE_CLASS):
            for term in karpenter.unpinned_images(node_class):
                yield Violation(node_class, f"AMI {term}: a newer driver replaces all nodes")


def spot_has_a_floor(resources: Sequence[Resource], circumstances: Circumstances) -> Found:
    """In production no model stands on spot nodes alone: its fewest replicas need on-demand nodes."""
    if not circumstances.production:
        return
    capacity: dict[str, set[str]] = {}
    for group in _of(resources, NODE_GROUP):
        pool = str(at(group.inputs, "labels", {}).get(POOL_LABEL))
        capacity.setdefault(pool, set()).add(str(at(group.inputs, "capacityType", "ON_DEMAND")))
    for node_pool in _of(resources, karpenter.NODE_POOL):
        capacity.setdefault(karpenter.pool_name(node_pool), set()).update(karpenter.capacity_types(node_pool))
    for workload in resources:
        pool = str(at(pod_of(workload) or {}, "nodeSelector", {}).get(POOL_LABEL))
        if workload.kind in LASTING and capacity.get(pool) == {"SPOT"}:
            yield Violation(workload, f"all nodes of pool {pool} are spot: AWS may take all replicas at once")


def encrypted(resources: Sequence[Resource], _: Circumstances) -> Found:
    """Secrets in etcd, node volumes and claims are encrypted, and our keys rotate."""
    for cluster in _of(resources, CLUSTER):
        if "secrets" not in listed(at(cluster.inputs, "encryptionConfig.resources")):
            yield Violation(cluster, "Kubernetes Secrets are not encrypted with a KMS key")
    for template in _of(resources, LAUNCH_TEMPLATE):
        for mapping in listed(template.inputs.get("blockDeviceMappings")):
            if str(at(mapping, "ebs.encrypted", "")).lower() != "true":
                yield Violation(template, f"volume {mapping.get('deviceName')} is not encrypted")
    for node_class in _of(resources, karpenter.NODE_CLASS):
        for mapping in listed(at(node_class.inputs, "spec.blockDeviceMappings")):
            if at(mapping, "ebs.encrypted") not in (True, "true"):
                yield Violation(node_class, f"volume {mapping.get('deviceName')} is not encrypted")
    for resource in _of(resources, STORAGE_CLASS):
        ebs = at(resource.inputs, "provisioner") == "ebs.csi.aws.com"
        if ebs and str(at(resource.inputs, "parameters", {}).get("encrypted", "")).lower() != "true":
            yield Violation(resource, "volumes of this class are not encrypted")
    for files in _of(resources, "aws:efs/fileSystem:FileSystem"):
        if at(files.inputs, "encrypted") is not True:
            yield Violation(files, "the file system is not encrypted")
    for key in _of(resources, "aws:kms/key:Key"):
        if at(key.inputs, "enableKeyRotation") is not True:
            yield Violation(key, "the key is never rotated")


def imds_v2(resources: Sequence[Resource], _: Circumstances) -> Found:
    """Node credentials cannot be fetched by a pod, nor by one forged request."""
    metadata = [(resource, at(resource.inputs, "metadataOptions", {})) for resource in _of(resources, LAUNCH_TEMPLATE)]
    metadata += [
        (resource, at(resource.inputs, "spec.metadataOptions", {})) for resource in _of(resources, karpenter.NODE_CLASS)
    ]
    for template, options in metadata:
        if at(options, "httpTokens") != "required":
            yield Violation(template, "the metadata service answers without a session token (IMDSv1)")
        elif at(options, "httpPutResponseHopLimit", 1) not in (1, "1"):
            yield Violation(template, "the metadata service can be reached from pods (hop limit above 1)")


def tagged(resources: Sequence[Resource], _: Circumstances) -> Found:
    """Everything in AWS that can have tags says whose it is."""
    for resource in resources:
        if not resource.type.startswith("aws:") or resource.type in WITHOUT_TAGS:
            continue
        tags = at(resource.inputs, "tags", {})
        missing = [tag for tag in NEEDED_TAGS if tags != UNKNOWN and tag not in tags]
        if missing:
            yield Violation(resource, f"lacks the tags {', '.join(missing)}")


def within_budget(_: Sequence[Resource], circumstances: Circumstances) -> Found:
    """What the stack says it costs at most nodes stays under its budget."""
    ceiling, budget = circumstances.ceiling_usd_per_hour, circumstances.budget
    over = excess(ceiling, budget) if ceiling is not None and budget is not None else None
    if over is not None:
        yield Violation(None, over)
