"""Network, cluster and nodes. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Tags = dict[str, str]


@dataclass(frozen=True)
class SubnetPlan:
    """One subnet of a network that we create."""

    zone: str
    cidr: str
    public: bool


@dataclass(frozen=True)
class CreateNetworkPlan:
    """A VPC of our own."""

    cidr: str
    zones: tuple[str, ...]
    subnets: tuple[SubnetPlan, ...]
    nat_zones: tuple[str, ...]
    """Zones whose public subnet holds a NAT gateway."""
    flow_logs: bool
    protect: bool


@dataclass(frozen=True)
class ExistingNetworkPlan:
    """Subnets that exist."""

    vpc_id: str
    private_subnet_ids: tuple[str, ...]


@dataclass(frozen=True)
class AccessEntryPlan:
    """An IAM principal's access to the cluster."""

    principal_arn: str
    policy_arn: str | None
    """EKS access policy; None: only what Kubernetes gives its groups."""
    namespaces: tuple[str, ...]
    """Where the policy holds; empty: in the whole cluster."""
    groups: tuple[str, ...] = ()
    """Kubernetes groups."""


@dataclass(frozen=True)
class AddonPlan:
    """An EKS add-on."""

    name: str
    version: str | None
    """None: EKS' default for `kubernetes_version`, asked at each `up`."""
    after_nodes: bool
    """It has pods that need nodes before it becomes ACTIVE."""
    configuration: dict[str, Any] = field(default_factory=dict)
    service_account: str | None = None
    namespace: str = "kube-system"
    pod_identity_policy_arn: str | None = None
    """Managed policy that its service account needs, if any."""
    kubernetes_version: str | None = None


@dataclass(frozen=True)
class CreateClusterPlan:
    """An EKS cluster of our own."""

    name: str
    version: str
    public_access: bool
    public_access_cidrs: tuple[str, ...]
    log_types: tuple[str, ...]
    log_retention_days: int
    kms_key_arn: str | None
    access_entries: tuple[AccessEntryPlan, ...]
    addons: tuple[AddonPlan, ...]
    protect: bool
    partition: str = "aws"
    private_access_cidrs: tuple[str, ...] = ()
    """Who reaches the API inside the VPC, beside the cluster itself."""
    private_access_group_ids: tuple[str, ...] = ()
    """As `private_access_cidrs`, by security group."""
    strict_policies: bool = False
    """A pod that no network policy selects is closed, those of the system too: the stack makes a policy for them."""

    @property
    def addons_after_nodes(self) -> tuple[AddonPlan, ...]:
        """The add-ons that need nodes before they become ACTIVE."""
        return tuple(addon for addon in self.addons if addon.after_nodes)


@dataclass(frozen=True)
class ExistingClusterPlan:
    """A cluster that exists, with the add-ons its owner gave it."""

    name: str
    addons_after_nodes: tuple[AddonPlan, ...] = ()
    partition: str = "aws"
    version: str | None = None
    """None: it is not in the stack file, EKS is asked."""
    node_security_group_ids: tuple[str, ...] = ()
    """Of our nodes, beside the cluster's own."""
    strict_policies: bool = False
    """Not ours to say."""


@dataclass(frozen=True)
class TaintPlan:
    """A node taint in Kubernetes' spelling (effect `NoSchedule`)."""

    key: str
    value: str
    effect: str


GPU_RESOURCE = "nvidia.com/gpu"
"""What the device plugin advertises and pods ask for; the taint of GPU nodes has the same key."""
# What every Kubernetes object of ours carries.
OWN_LABELS = {"app.kubernetes.io/part-of": "vllm-on-eks", "app.kubernetes.io/managed-by": "pulumi"}
POOL_LABEL = "vllm-on-eks/pool"
"""Of every node: the pool that it belongs to."""
GPU_TAINT = TaintPlan(GPU_RESOURCE, "present", "NoSchedule")


@dataclass(frozen=True)
class GpuSharingPlan:
    """How each GPU of a pool is divided."""

    kind: str = "none"
    """none, mig, mps or timeSlicing, as in the stack file."""
    pods_per_gpu: int = 1
    """How many `nvidia.com/gpu` a node advertises for each of its GPUs."""
    profile: str | None = None
    """MIG's."""

    @property
    def device_plugin_config(self) -> str | None:
        """Name of the device plugin's configuration for such nodes; None: the default one serves them.

        Its content is in the name: the plugin looks at a node's label, not for changes behind it, so another number
        of pods per GPU must be another name.
        """
        names = {"mps": "mps", "timeSlicing": "time-slicing"}
        return f"{names[self.kind]}-{self.pods_per_gpu}" if self.kind in names else None


@dataclass(frozen=True)
class BottlerocketPlan:
    """What Bottlerocket needs beside what every pool has."""

    system_disk_gib: int
    """/dev/xvda, the system's; images and emptyDirs are on /dev/xvdb."""
    mig_model: str | None = None
    """What its MIG manager calls the pool's GPU, e.g. a100.40gb; None: no GPU is cut."""


@dataclass(frozen=True)
class KarpenterNodesPlan:
    """What Karpenter is told of a pool."""

    capacity_types: tuple[str, ...]
    """In its words: reserved, spot, on-demand."""
    capacity_reservation_ids: tuple[str, ...]
    ami_alias: str
    """Family and release, e.g. al2023@v20260505 or bottlerocket@v1.57.0."""
    architecture: str
    """amd64 or arm64."""
    instance_store: str | None
    """RAID0; None: nothing is done with the instance's disks."""
    consolidate_after_seconds: int
    expire_after_hours: int | None
    """None: never."""
    replaced_at_once: int
    """Nodes that a disruption may take at the same time."""
    termination_grace_seconds: int
    """How long a node's pods may take to leave."""
    told_gpus: int | None = None
    """`nvidia.com/gpu` that a NodeOverlay tells it of; None: what EC2 says of the type is what a node advertises."""


@dataclass(frozen=True)
class ReservationPlan:
    """What nodes of a managed group are taken from; one of the two is set."""

    id: str | None
    """A capacity reservation or Capacity Block (cr-...)."""
    resource_group_arn: str | None = None
    """A resource group of reservations."""


@dataclass(frozen=True)
class NodeGroupPlan:
    """Nodes of one kind: an EKS managed node group or, with `karpenter`, a NodePool of Karpenter's."""

    name: str
    instance_types: tuple[str, ...]
    capacity_type: str
    ami_type: str
    """EKS' name, e.g. AL2023_x86_64_NVIDIA or BOTTLEROCKET_x86_64_NVIDIA."""
    ami_release_version: str | None
    min_nodes: int
    desired_nodes: int
    max_nodes: int
    disk_gib: int
    """Volume with images and emptyDirs, encrypted gp3; of AL2023 it is the root volume."""
    disk_throughput_mibps: int
    disk_iops: int
    zones: tuple[str, ...]
    """Empty: all private subnets."""
    labels: dict[str, str]
    taints: tuple[TaintPlan, ...]
    node_repair: bool
    max_unavailable: int = 1
    gpu: str | None = None
    """None: the system group."""
    gpus_per_node: int = 0
    """Real ones, however they are shared."""
    sharing: GpuSharingPlan = GpuSharingPlan()
    labels_later: dict[str, str] = field(default_factory=dict)
    """What programs on a new node add and pods select; the cluster-autoscaler knows of them by tags only."""
    update_strategy: str = "DEFAULT"
    """EKS' word: DEFAULT starts new nodes before it ends old ones, MINIMAL ends first."""
    resources_by_tag: dict[str, str] = field(default_factory=dict)
    """What a node has that the cluster-autoscaler knows by the group's tags only, as Kubernetes quantities."""
    karpenter: KarpenterNodesPlan | None = None
    """Then `min_nodes` and `desired_nodes` are what the fewest replicas need; nothing keeps them."""
    fast_image_pull: bool = False
    """Layers of an image are downloaded and unpacked in parallel."""
    instance_store_gib: int | None = None
    """What the instance's NVMe disks hold as RAID0, of the type with the least; None: nothing is done with them."""
    reservation: ReservationPlan | None = None
    """With `capacity_type` CAPACITY_BLOCK a Capacity Block, with ON_DEMAND on-demand capacity reservations."""
    subnet_ids: tuple[str, ...] = ()
    """Empty: all private subnets."""
    gpus_per_numa_node: int | None = None
    """Then a pod's GPUs and cores come from one NUMA node, or it does not start; None: not checked."""
    bottlerocket: BottlerocketPlan | None = None
    """None: the nodes run AL2023."""
    spare_nodes: int = 0
    """Of `min_nodes`: kept free by placeholder pods."""
    kept_nodes: int = 0
    """What the fewest replicas need: an autoscaler adds these to a smaller `min_nodes` and does not take them away."""
    update_timeout_seconds: int | None = None
    """How long an update may take before the provider gives up; None: its own limit is enough."""

    @property
    def fewest_nodes(self) -> int:
        """That are there, and billed, while every model has its fewest replicas."""
        return max(self.min_nodes, self.kept_nodes)

    @property
    def pods_disk_gib(self) -> int:
        """Size of the file system that holds images, logs and emptyDirs, GiB."""
        return self.instance_store_gib or self.disk_gib

    @property
    def advertised_gpus(self) -> int:
        """`nvidia.com/gpu` that a node of the group offers to the scheduler."""
        return self.gpus_per_node * self.sharing.pods_per_gpu
