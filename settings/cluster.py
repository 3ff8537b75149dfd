"""Where the service runs: the EKS cluster and its network."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from settings.addresses import (
    MOST_PRIVATE_SOURCES,
    MOST_PUBLIC_BLOCKS,
    PRIVATE_RANGES,
    block,
    is_private,
    never_arrives,
    opened,
    refuse_nested,
)
from settings.findings import WrongValue
from settings.names import AddonVersion, ClusterName, KmsKeyArn, PrincipalArn, SecurityGroupId, SubnetId, VpcId
from settings.tenants import GroupName
from settings.types import Cidr, DnsLabel, KubernetesVersion, Section, Zone, described, kind_defaults_to


class EndpointAccess(StrEnum):
    """Who reaches the Kubernetes API."""

    PRIVATE = "private"
    PUBLIC_AND_PRIVATE = "publicAndPrivate"


class NetworkPolicyMode(StrEnum):
    """What a new pod may do until the VPC CNI has its network policies: everything, or nothing."""

    STANDARD = "standard"
    STRICT = "strict"


class ControlPlaneLog(StrEnum):
    """Log types of the EKS control plane."""

    API = "api"
    AUDIT = "audit"
    AUTHENTICATOR = "authenticator"
    CONTROLLER_MANAGER = "controllerManager"
    SCHEDULER = "scheduler"


# A network interface takes five groups by default, and the cluster's own is one of them
# (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html, 2026-11-27).
MOST_NODE_GROUPS = 4

# Who did what, and who was let in. The scheduler and the controller manager explain little that these do not.
DEFAULT_LOGS = (ControlPlaneLog.API, ControlPlaneLog.AUDIT, ControlPlaneLog.AUTHENTICATOR)


class AccessPolicy(StrEnum):
    """EKS access policies a principal can be given."""

    CLUSTER_ADMIN = "clusterAdmin"
    ADMIN = "admin"
    EDIT = "edit"
    VIEW = "view"
    NONE = "none"


class AccessEntry(Section):
    """An IAM principal that may use the cluster."""

    principal_arn: PrincipalArn = described("IAM role or user")
    policy: AccessPolicy = described("what it may do", default=AccessPolicy.VIEW)
    namespaces: tuple[DnsLabel, ...] = described(
        "only in these namespaces; empty: everywhere", default=(), max_length=100
    )
    groups: tuple[GroupName, ...] = described(
        "Kubernetes groups beside the policy, those of tenants[] for example; policy: none: only these",
        default=(),
        max_length=20,
    )


class CreateCluster(Section):
    """An EKS cluster made by this stack."""

    kind: Literal["create"] = "create"
    name: DnsLabel | None = described("cluster name; default: vllm-on-eks-<stack>", default=None)
    version: KubernetesVersion = described("Kubernetes minor version", default="1.35")
    endpoint_access: EndpointAccess = described(
        "who reaches the Kubernetes API; where publicAccessCidrs lists addresses the default is publicAndPrivate",
        default=EndpointAccess.PRIVATE,
    )
    public_access_cidrs: tuple[Cidr, ...] = described(
        "addresses that may reach a public API endpoint", default=(), max_length=MOST_PUBLIC_BLOCKS
    )
    private_access_cidrs: tuple[Cidr, ...] = described(
        "private networks (the runner's, a VPN's, a peered VPC's) that reach the API's addresses in the VPC on 443",
        default=(),
        max_length=MOST_PRIVATE_SOURCES,
    )
    private_access_security_group_ids: tuple[SecurityGroupId, ...] = described(
        "security groups whose members reach them, a CI runner's for example",
        default=(),
        max_length=MOST_PRIVATE_SOURCES,
    )
    addons: dict[DnsLabel, AddonVersion] = described(
        "pinned versions by EKS add-on, vpc-cni: v1.21.1-eksbuild.1; others follow the Kubernetes version",
        default_factory=dict,
        max_length=20,
    )
    control_plane_logs: tuple[ControlPlaneLog, ...] = described(
        "control-plane logs sent to CloudWatch, billed by the GB", default=DEFAULT_LOGS, max_length=5
    )
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365] = described(
        "how long CloudWatch keeps them", default=30
    )
    kms_key_arn: KmsKeyArn | None = described(
        "KMS key that encrypts Kubernetes Secrets; default: one of our own", default=None
    )
    access_entries: tuple[AccessEntry, ...] = described("who else may use the cluster", default=(), max_length=100)
    storage_classes: tuple[str, ...] = described(
        "further storage classes that you make in it yourself, before a model or Prometheus uses them",
        default=(),
        max_length=50,
    )
    network_policy_mode: NetworkPolicyMode = described(
        "standard: a new pod is open for the seconds until its network policies are there; strict: closed until then, "
        "and for good where no policy selects it",
        default=NetworkPolicyMode.STANDARD,
    )
    protect: bool = described("refuse to delete cluster and network with pulumi destroy", default=False)

    @model_validator(mode="before")
    @classmethod
    def _addresses_say_who(cls, values: Any) -> Any:
        """Who lists public addresses and says no more means an endpoint that they reach (docs/adr/0025)."""
        if isinstance(values, dict) and values.get("publicAccessCidrs") and "endpointAccess" not in values:
            return {**values, "endpointAccess": EndpointAccess.PUBLIC_AND_PRIVATE.value}
        return values

    @model_validator(mode="after")
    def _public_needs_addresses(self) -> CreateCluster:
        public = self.endpoint_access is EndpointAccess.PUBLIC_AND_PRIVATE
        if public and not self.public_access_cidrs:
            raise WrongValue(
                "endpointAccess is publicAndPrivate without publicAccessCidrs: that opens the Kubernetes API to the "
                "internet",
                "list your addresses or write endpointAccess: private",
            )
        if public and (what := opened(self.public_access_cidrs)):
            raise WrongValue(f"publicAccessCidrs opens the Kubernetes API to {what}", "list your own addresses instead")
        if unused := [text for text in self.public_access_cidrs if never_arrives(block(text))]:
            raise WrongValue(
                f"publicAccessCidrs holds {', '.join(unused)}, which no host on the internet has (EKS refuses it)",
                "list the public addresses that you come from; the VPC's own always reach the API",
            )
        if not public and self.public_access_cidrs:
            raise WrongValue(
                "publicAccessCidrs has no effect while endpointAccess is private",
                "write endpointAccess: publicAndPrivate or remove the list",
            )
        return self

    @model_validator(mode="after")
    def _private_from_private(self) -> CreateCluster:
        refuse_nested("publicAccessCidrs", self.public_access_cidrs)
        refuse_nested("privateAccessCidrs", self.private_access_cidrs)
        if outside := [text for text in self.private_access_cidrs if not is_private(block(text))]:
            raise WrongValue(
                f"privateAccessCidrs holds {', '.join(outside)}: who comes to the API inside the VPC has a private "
                f"address ({', '.join(PRIVATE_RANGES)})",
                "write public ones in publicAccessCidrs",
            )
        return self


class ExistingCluster(Section):
    """An existing cluster; node groups and workloads are added to it."""

    kind: Literal["existing"]
    name: ClusterName = described("name of the EKS cluster")
    version: KubernetesVersion | None = described(
        "its Kubernetes minor version, for what is planned by it; default: what EKS answers at each up", default=None
    )
    node_security_group_ids: tuple[SecurityGroupId, ...] = described(
        "security groups that the stack's nodes join beside the cluster's own, so that its other nodes let them in",
        default=(),
        max_length=MOST_NODE_GROUPS,
    )

    @model_validator(mode="after")
    def _each_group_once(self) -> ExistingCluster:
        if len(set(self.node_security_group_ids)) < len(self.node_security_group_ids):
            raise WrongValue("nodeSecurityGroupIds names one twice", "write each once")
        return self


Cluster = Annotated[CreateCluster | ExistingCluster, Field(discriminator="kind"), kind_defaults_to("create")]


class NatGateways(StrEnum):
    """How private subnets reach the internet."""

    SINGLE = "single"
    PER_ZONE = "perZone"


class CreateNetwork(Section):
    """A VPC with public and private subnets made by this stack."""

    kind: Literal["create"] = "create"
    cidr: Cidr = described("address range of the VPC, /16 to /20", default="10.0.0.0/16")
    zones: tuple[Zone, ...] = described(
        "availability zones, at least two; default: two that an account most likely has (us-east-1a, us-east-1b; "
        "ap-northeast-1a, ap-northeast-1c)",
        default=(),
        max_length=6,
    )
    nat_gateways: NatGateways = described("one NAT gateway, or one per zone for production", default=NatGateways.SINGLE)
    flow_logs: bool = described("record rejected traffic in CloudWatch", default=True)

    @model_validator(mode="after")
    def _sizes(self) -> CreateNetwork:
        network = block(self.cidr)
        if not 16 <= network.prefixlen <= 20:
            raise WrongValue(
                f"cidr {self.cidr} is a /{network.prefixlen}; a VPC for pods needs /16 to /20",
                "write a range of that size",
            )
        if not is_private(network):
            raise WrongValue(
                f"cidr {self.cidr} is not private: pods would take addresses of others for their own",
                f"write one of {', '.join(PRIVATE_RANGES)} (RFC 1918, RFC 6598)",
            )
        if len(self.zones) == 1:
            raise WrongValue("zones lists one availability zone", "write two or more, as EKS needs")
        return self


class ExistingNetwork(Section):
    """Existing subnets."""

    kind: Literal["existing"]
    vpc_id: VpcId = described("VPC id")
    private_subnet_ids: tuple[SubnetId, ...] = described(
        "private subnets in at least two zones", min_length=2, max_length=16
    )


Network = Annotated[CreateNetwork | ExistingNetwork, Field(discriminator="kind"), kind_defaults_to("create")]
