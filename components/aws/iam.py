"""IAM documents as text: who may assume a role and what it may do. Pure; goldens in tests/components/goldens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from planning.model import BucketPlan, ExternalSecretsPlan, PullThroughPlan

# EKS control plane: the one policy its role needs [EKS user guide, "Amazon EKS cluster IAM role", 2026-08].
CLUSTER_POLICIES = ("AmazonEKSClusterPolicy",)

# Nodes: join, pull images, give pods addresses, nothing else [EKS user guide, "Amazon EKS node IAM role", 2026-08].
# The CNI policy is here and not on a pod identity because the CNI runs before the pod identity agent can.
# No AmazonSSMManagedInstanceCore: `kubectl debug node` gives a shell without a second way in.
NODE_POLICIES = (
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    # Nodes need its ec2:DescribeInstances for their own name, too (amazon-eks-ami, nodeadm internal/api/status.go).
    "AmazonEKS_CNI_Policy",
)
# How a partition calls EC2 where it is trusted; EKS looks for this name (aws-samples/cdk-eks-blueprints#558).
EC2_SERVICES = {"aws-cn": "ec2.amazonaws.com.cn"}


def managed(partition: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """ARNs of AWS' managed policies in a partition."""
    return tuple(f"arn:{partition}:iam::aws:policy/{name}" for name in names)


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def service_trust(service: str, *, session_tags: bool = False) -> str:
    """Trust policy: the AWS service (`eks.amazonaws.com`) may assume the role, and tag the session if it does so."""
    actions = ["sts:AssumeRole", "sts:TagSession"] if session_tags else ["sts:AssumeRole"]
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": actions})


def cluster_trust() -> str:
    """Trust policy of the EKS control plane's role."""
    return service_trust("eks.amazonaws.com", session_tags=True)


def node_trust(partition: str = "aws") -> str:
    """Trust policy of the nodes' role."""
    return service_trust(EC2_SERVICES.get(partition, "ec2.amazonaws.com"))


def pod_identity_trust() -> str:
    """Trust policy of a role that pods get through EKS Pod Identity, which always tags its sessions."""
    return service_trust("pods.eks.amazonaws.com", session_tags=True)


def flow_logs_trust() -> str:
    """Trust policy of the role that writes VPC flow logs."""
    return service_trust("vpc-flow-logs.amazonaws.com")


def flow_logs_policy(log_group_arn: str) -> str:
    """Writing flow logs into one log group. The group exists, so creating one is not among the actions."""
    return document(
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
            ],
            "Resource": [log_group_arn, f"{log_group_arn}:*"],
        }
    )


def external_secrets_policy(plan: ExternalSecretsPlan, account: str) -> str:
    """Reading the stack's own secrets, and decrypting them with their keys through Secrets Manager only.

    The actions that External Secrets Operator names (docs/provider/aws-secrets-manager.md), less those of finding
    secrets. `??????`: the six characters that end each ARN. Where no key is named it is aws/secretsmanager, whose
    policy lets in who may read.
    """
    place = f"arn:{plan.partition}:secretsmanager:{plan.region}:{account}:secret"
    arns = {secret.name: f"{place}:{secret.name}-??????" for secret in plan.secrets}
    keys = sorted({secret.kms_key_arn for secret in plan.secrets if secret.kms_key_arn})
    reading = {
        "Effect": "Allow",
        "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
        "Resource": list(arns.values()),
    }
    through = {"kms:ViaService": f"secretsmanager.{plan.region}.amazonaws.com"}
    decrypting = [
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": [key],
            "Condition": {
                "StringEquals": through,
                "StringLike": {
                    "kms:EncryptionContext:SecretARN": [
                        arns[secret.name] for secret in plan.secrets if secret.kms_key_arn == key
                    ]
                },
            },
        }
        for key in keys
    ]
    return document(reading, *decrypting)


def bucket_policy(source: BucketPlan) -> str:
    """Reading objects below one prefix of one bucket, and decrypting them with their key through S3 only.

    HeadObject is s3:GetObject's (docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html, 2026-11-27). Where no key
    is named it is S3's own, which needs no right.
    """
    bucket = f"arn:{source.partition}:s3:::{source.bucket}"
    listing = {
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [bucket],
        "Condition": {"StringLike": {"s3:prefix": [f"{source.prefix}/*"]}},
    }
    reading = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{bucket}/{source.prefix}/*"]}
    if source.kms_key_arn is None:
        return document(listing, reading)
    decrypting = {
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [source.kms_key_arn],
        "Condition": {"StringEquals": {"kms:ViaService": f"s3.{source.region}.amazonaws.com"}},
    }
    return document(listing, reading, decrypting)


def pull_through_policy(cache: PullThroughPlan, partition: str) -> str:
    """Having ECR make a repository for an image that it fetches, below the cache's prefixes.

    ecr:BatchImportUpstreamImage, which fetches, is in AmazonEC2ContainerRegistryPullOnly.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html, 2026-11-28.
    """
    place = f"arn:{partition}:ecr:{cache.region}:{cache.account}:repository"
    below = [f"{place}/{upstream.prefix}/*" for upstream in cache.upstreams]
    return document({"Effect": "Allow", "Action": ["ecr:CreateRepository"], "Resource": below})


def file_system_policy(arn: str, *, writers: Sequence[str], reader: str) -> str:
    """Who may do what on a file system, for clients that do not sign in with IAM: only through the access points of
    the stack, only over TLS, and readers write nothing. A ClientMount alone is read-only; no client is root.

    https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html, 2026-11-28.
    """
    mounted = {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}
    allowed = [
        ("elasticfilesystem:ClientMount", [*writers, reader]),
        ("elasticfilesystem:ClientWrite", list(writers)),
    ]
    return document(
        *(
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": action,
                "Resource": arn,
                "Condition": {**mounted, "StringEquals": {"elasticfilesystem:AccessPointArn": points}},
            }
            for action, points in allowed
        ),
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "*",
            "Resource": arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def cluster_autoscaler_policy(cluster_name: str, node_groups_arn: str) -> str:
    """Looking at Auto Scaling groups, and changing those that EKS tagged as this cluster's.

    Actions as cluster-autoscaler 1.35 names them (cloudprovider/aws/README.md, full policy): describing Auto Scaling
    and EC2 knows no resources, so it is for all.
    """
    return document(
        {
            "Effect": "Allow",
            "Action": [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ],
            "Resource": ["*"],
        },
        # Labels and taints of a group that has no node to look at.
        {"Effect": "Allow", "Action": ["eks:DescribeNodegroup"], "Resource": [node_groups_arn]},
        {
            "Effect": "Allow",
            "Action": ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            "Resource": ["*"],
            "Condition": {
                "StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster_name}": "owned"},
            },
        },
    )


def codebuild_trust() -> str:
    """Trust policy of a CodeBuild project's role."""
    return service_trust("codebuild.amazonaws.com")


def codebuild_runner_policy(log_group_arn: str, subnet_ids: Sequence[str], connection_arn: str) -> str:
    """Writing its log, reading its source, and network interfaces in these subnets; what a job does with AWS, it does
    with the role that it assumes by GitHub's token.

    https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html
    ("Allow CodeBuild access to AWS services required to create a VPC network interface"), 2026-11-27.
    """
    _, partition, _, region, account, *_ = log_group_arn.split(":")
    here = f"arn:{partition}:ec2:{region}:{account}"
    return document(
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"{log_group_arn}:*"],
        },
        {
            "Effect": "Allow",
            "Action": ["codeconnections:GetConnection", "codeconnections:GetConnectionToken"],
            "Resource": [connection_arn],
        },
        {
            "Effect": "Allow",
            "Action": [
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            "Resource": ["*"],
        },
        {
            "Effect": "Allow",
            "Action": ["ec2:CreateNetworkInterfacePermission"],
            "Resource": [f"{here}:network-interface/*"],
            "Condition": {
                "StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"},
                "ArnEquals": {"ec2:Subnet": [f"{here}:subnet/{subnet}" for subnet in subnet_ids]},
            },
        },
    )
