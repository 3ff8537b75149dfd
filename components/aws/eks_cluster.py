"""`EksCluster`: the EKS control plane, and `existing_cluster`, which gives the same outputs."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import iam
from components.aws.eks_access import EksAccess, EksAccessArgs
from components.aws.eks_addons import EksAddons, EksAddonsArgs
from components.aws.kubeconfig import kubeconfig
from components.aws.service_role import ServiceRole, ServiceRoleArgs
from components.ownership import controller_owned
from components.tags import named
from planning.model import CreateClusterPlan, ExistingClusterPlan, Tags

KEY_DELETION_WINDOW_DAYS = 30
HTTPS = 443


@dataclass(frozen=True)
class ClusterOutputs:
    """What the rest of the stack needs of a cluster, created or existing.

    `node_cluster_name` is the name for node groups: it is there once the add-ons are, without which no node is Ready.
    """

    name: pulumi.Output[str]
    node_cluster_name: pulumi.Output[str]
    version: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    oidc_issuer: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    called: str = ""
    """The name as it is written, for questions to AWS."""
    node_security_group_ids: tuple[str, ...] = ()
    """What nodes of ours join beside the cluster's own group; empty: EKS gives them that one by itself."""
    access: tuple[pulumi.Resource, ...] = ()
    """What lets us into the Kubernetes API: nothing is asked of it before, nor after, these are there."""


@dataclass(frozen=True)
class EksClusterArgs:
    """`subnet_ids`: private subnets in at least two zones. `region`: where clients find the cluster."""

    plan: CreateClusterPlan
    subnet_ids: pulumi.Input[list[str]]
    region: str
    tags: Tags


class EksCluster(pulumi.ComponentResource):
    """Control plane with its role, key, log group, access entries and the add-ons that nodes need to become Ready."""

    outputs: ClusterOutputs

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:EksCluster", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        plan = args.plan
        role = ServiceRole(
            f"{name}-control-plane",
            ServiceRoleArgs(
                iam.cluster_trust(),
                iam.managed(plan.partition, iam.CLUSTER_POLICIES),
                f"EKS cluster {plan.name}",
                args.tags,
            ),
            self._child,
        )
        cluster = self._cluster(role, self._log_group())
        access = EksAccess(
            f"{name}-access",
            EksAccessArgs(cluster.name, plan.access_entries, args.tags, caller_policy_arn(plan.partition), plan.name),
            self._child,
        )
        at_once = tuple(addon for addon in plan.addons if not addon.after_nodes)
        addons = EksAddons(f"{name}-addons", EksAddonsArgs(cluster.name, at_once, args.tags), self._child)
        authority = cluster.certificate_authority.apply(lambda ca: str(ca.data))
        self.outputs = ClusterOutputs(
            name=cluster.name,
            node_cluster_name=addons.cluster_name,
            version=cluster.version,
            endpoint=cluster.endpoint,
            certificate_authority=authority,
            security_group_id=cluster.vpc_config.apply(lambda vpc: str(vpc.cluster_security_group_id)),
            oidc_issuer=cluster.identities.apply(lambda identities: str(identities[0].oidcs[0].issuer)),
            kubeconfig=_kubeconfig(cluster.name, cluster.endpoint, authority, args.region),
            called=plan.name,
            access=(access, *self._doors(cluster)),
        )
        self.register_outputs(
            {
                "name": self.outputs.name,
                "endpoint": self.outputs.endpoint,
                "oidcIssuer": self.outputs.oidc_issuer,
                "kubeconfig": self.outputs.kubeconfig,
            }
        )

    def _doors(self, cluster: aws.eks.Cluster) -> list[pulumi.Resource]:
        """Port 443 of the API's addresses in the VPC, for those who are not the cluster's own: EKS opens it to none."""
        plan, where = self._args.plan, cluster.vpc_config.apply(lambda vpc: str(vpc.cluster_security_group_id))
        sources = [(cidr, {"cidr_ipv4": cidr}) for cidr in plan.private_access_cidrs]
        sources += [(group, {"referenced_security_group_id": group}) for group in plan.private_access_group_ids]
        return [
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-api-{source.replace('.', '-').replace('/', '-')}",
                security_group_id=where,
                ip_protocol="tcp",
                from_port=HTTPS,
                to_port=HTTPS,
                description="Kubernetes API (privateAccess)",
                tags=named(self._args.tags, f"{self._name}-api"),
                opts=self._child,
                **origin,
            )
            for source, origin in sources
        ]

    def _log_group(self) -> aws.cloudwatch.LogGroup:
        plan = self._args.plan
        return aws.cloudwatch.LogGroup(
            f"{self._name}-logs",
            name=f"/aws/eks/{plan.name}/cluster",  # the name EKS writes to
            retention_in_days=plan.log_retention_days,
            tags=named(self._args.tags, f"{self._name}-logs"),
            opts=self._child,
        )

    def _key_arn(self) -> pulumi.Input[str]:
        """The given KMS key, or one of our own."""
        plan = self._args.plan
        if plan.kms_key_arn is not None:
            return plan.kms_key_arn
        key = aws.kms.Key(
            f"{self._name}-key",
            description=f"Kubernetes Secrets of EKS cluster {plan.name}",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_WINDOW_DAYS,
            tags=named(self._args.tags, f"{self._name}-key"),
            # Losing this key makes every Secret in the cluster unreadable.
            opts=pulumi.ResourceOptions(parent=self, protect=plan.protect or None),
        )
        aws.kms.Alias(
            f"{self._name}-key-alias", name=f"alias/eks/{plan.name}", target_key_id=key.key_id, opts=self._child
        )
        arn: pulumi.Output[str] = key.arn
        return arn

    def _cluster(self, role: ServiceRole, log_group: aws.cloudwatch.LogGroup) -> aws.eks.Cluster:
        plan = self._args.plan
        return aws.eks.Cluster(
            f"{self._name}-cluster",
            name=plan.name,
            version=plan.version,
            role_arn=role.arn,
            access_config=aws.eks.ClusterAccessConfigArgs(
                authentication_mode="API",
                # The caller of `pulumi up` has an entry of EksAccess: in the state, in the preview, and gone with it.
                bootstrap_cluster_creator_admin_permissions=False,
            ),
            # Networking comes as add-ons with versions, not as the copies EKS would put there once and forget.
            bootstrap_self_managed_addons=False,
            deletion_protection=plan.protect,
            enabled_cluster_log_types=list(plan.log_types),
            encryption_config=aws.eks.ClusterEncryptionConfigArgs(
                provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=self._key_arn()),
                resources=["secrets"],
            ),
            # STANDARD: EKS upgrades the cluster when standard support ends, instead of billing six times as much.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            vpc_config=endpoint_access(plan, self._args.subnet_ids),
            tags=named(self._args.tags, plan.name),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=plan.protect or None,
                # EKS makes the log group itself on the first line it writes, with no retention, and then ours
                # already exists. After a destroy it may make it again for its last lines (docs/on-aws.md).
                depends_on=[log_group],
                # Read once, when the cluster is made: one that was made with true must not be made again for it.
                ignore_changes=controller_owned("aws:eks/cluster:Cluster"),
            ),
        )


def caller_policy_arn(partition: str) -> str:
    """The access policy of who runs `pulumi up`, who makes namespaces and cluster roles and installs charts."""
    return f"arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


def endpoint_access(plan: CreateClusterPlan, subnet_ids: pulumi.Input[list[str]]) -> aws.eks.ClusterVpcConfigArgs:
    """Always private; public only for the listed addresses. Without a list EKS would open it to 0.0.0.0/0."""
    if plan.public_access and not plan.public_access_cidrs:
        raise ValueError(f"cluster {plan.name}: a public API endpoint needs public_access_cidrs")
    return aws.eks.ClusterVpcConfigArgs(
        subnet_ids=subnet_ids,
        endpoint_private_access=True,
        endpoint_public_access=plan.public_access,
        public_access_cidrs=list(plan.public_access_cidrs) if plan.public_access else None,
    )


def existing_cluster(
    plan: ExistingClusterPlan, region: str, opts: pulumi.InvokeOptions | None = None
) -> ClusterOutputs:
    """The same outputs for a cluster that exists; AWS is asked for them."""
    cluster = aws.eks.get_cluster_output(name=plan.name, opts=opts)
    authority = cluster.certificate_authorities.apply(lambda authorities: str(authorities[0].data))
    return ClusterOutputs(
        name=cluster.name,
        node_cluster_name=cluster.name,
        version=cluster.version,
        endpoint=cluster.endpoint,
        certificate_authority=authority,
        security_group_id=cluster.vpc_config.apply(lambda vpc: str(vpc.cluster_security_group_id)),
        oidc_issuer=cluster.identities.apply(lambda identities: str(identities[0].oidcs[0].issuer)),
        kubeconfig=_kubeconfig(cluster.name, cluster.endpoint, authority, region),
        called=plan.name,
        node_security_group_ids=plan.node_security_group_ids,
    )


def cluster(
    name: str,
    plan: CreateClusterPlan | ExistingClusterPlan,
    *,
    subnet_ids: pulumi.Input[list[str]],
    region: str,
    tags: Tags,
    provider: pulumi.ProviderResource,
) -> ClusterOutputs:
    """The cluster the plan asks for, made or found."""
    if isinstance(plan, ExistingClusterPlan):
        return existing_cluster(plan, region, pulumi.InvokeOptions(provider=provider))
    args = EksClusterArgs(plan=plan, subnet_ids=subnet_ids, region=region, tags=tags)
    return EksCluster(name, args, pulumi.ResourceOptions(providers=[provider])).outputs


def _kubeconfig(
    name: pulumi.Output[str], endpoint: pulumi.Output[str], authority: pulumi.Output[str], region: str
) -> pulumi.Output[str]:
    return pulumi.Output.all(name, endpoint, authority).apply(
        lambda values: kubeconfig(values[0], values[1], values[2], region)
    )
