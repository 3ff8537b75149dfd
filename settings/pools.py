"""The nodes: GPU pools and the small system group."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from settings.capacity import CapacityBlock, OnDemand, PoolCapacity, Spot
from settings.findings import WrongValue
from settings.names import AmiRelease, CapacityReservationId, SubnetId
from settings.node_system import AmiFamily, InstanceStore, NumaAlignment, UpdateStrategy
from settings.sharing import GpuSharing, WholeGpu
from settings.types import DnsLabel, InstanceType, LabelKey, LabelValue, Section, Zone, described, kind_defaults_to


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Taint(Section):
    """A taint beside nvidia.com/gpu, which every GPU pool has."""

    key: LabelKey = described("taint key")
    value: LabelValue = described("taint value", default="")
    effect: TaintEffect = described("taint effect", default=TaintEffect.NO_SCHEDULE)


class EveryPool(Section):
    """Settings of GPU nodes, managed or Karpenter's."""

    name: DnsLabel = described("name of the pool")
    instance_types: tuple[InstanceType, ...] = described(
        "EC2 types with the same GPU; several help spot capacity", min_length=1, max_length=20
    )
    max_nodes: int = described("most nodes", default=3, ge=1, le=450)
    spare_nodes: int = described(
        "nodes that are kept free, and paid for, so that the next replicas find one: placeholder pods hold them and "
        "leave at once when a model's pod comes",
        default=0,
        ge=0,
        le=50,
    )
    ami_family: AmiFamily = described(
        "EKS' NVIDIA image: al2023, or bottlerocket: a read-only system without a shell, with a device plugin and a "
        "MIG manager of its own",
        default=AmiFamily.AL2023,
    )
    gpu_sharing: GpuSharing = described("how one GPU is divided among pods", default_factory=WholeGpu)
    disk_gib: int | None = described(
        "volume of images, logs and emptyDirs, encrypted gp3, GiB (al2023: the root volume); default: 200, with "
        "instanceStore raid0 50",
        default=None,
        ge=50,
        le=16384,
    )
    disk_throughput_mibps: int | None = described(
        "gp3 throughput, MiB/s: image and weights are read through it; default: 600, with instanceStore raid0 125",
        default=None,
        ge=125,
        le=1000,
    )
    instance_store: InstanceStore | None = described(
        "raid0: images, logs and emptyDirs (weights among them) on the instance's NVMe disks; unused: on the root "
        "volume; default: raid0 where every type has 200 GiB of them or more and nothing says how large or fast the "
        "root volume is",
        default=None,
    )
    fast_start: bool = described(
        "images are pulled and unpacked in parallel (SOCI snapshotter of the AMI; AWS calls it experimental on al2023)",
        default=False,
    )
    numa_alignment: NumaAlignment = described(
        "singleNode: a pod's GPUs and CPU cores are of one NUMA node, and the cores are its own (Topology Manager "
        "single-numa-node, CPU Manager static); only for types with several such nodes",
        default=NumaAlignment.ANY,
    )
    zones: tuple[Zone, ...] = described("only these zones; empty: all of the network", default=(), max_length=6)
    labels: dict[LabelKey, LabelValue] = described("further node labels", default_factory=dict, max_length=40)
    taints: tuple[Taint, ...] = described("further node taints", default=(), max_length=40)

    @model_validator(mode="after")
    def _room_for_spare_nodes(self) -> Self:
        if self.spare_nodes > self.max_nodes:
            raise WrongValue(
                f"spareNodes {self.spare_nodes} is more than maxNodes {self.max_nodes}",
                f"write maxNodes: {self.spare_nodes} and the nodes of the models, or fewer spareNodes",
            )
        return self


class ManagedPool(EveryPool):
    """GPU nodes of one kind: an EKS managed node group."""

    kind: Literal["managed"] = "managed"
    capacity: PoolCapacity = described(
        "how EC2 sells the nodes: onDemand (default), spot, or a section: {kind: reservation, id: cr-...} or "
        "{kind: capacityBlock, id: cr-...}",
        default=OnDemand(),
    )
    min_nodes: int = described("nodes that always run; 0: none while no model needs one", default=1, ge=0, le=450)
    subnet_ids: tuple[SubnetId, ...] = described(
        "only these of network.privateSubnetIds, where network.kind is existing; empty: all of them",
        default=(),
        max_length=16,
    )
    ami_release_version: str | None = described(
        "pinned release of the image, e.g. 1.35.4-20260505, of bottlerocket 1.57.0-<8 hex digits>; default: newest at "
        "creation",
        default=None,
        max_length=64,
    )
    node_repair: bool = described("let EKS replace unhealthy nodes", default=True)
    update_strategy: UpdateStrategy = described(
        "minimal: an update ends a node before it starts another, which needs no further GPU; surge: it first starts "
        "twice as many nodes as the pool has zones",
        default=UpdateStrategy.MINIMAL,
    )

    @property
    def may_be_spot(self) -> bool:
        """Whether AWS may take nodes back."""
        return isinstance(self.capacity, Spot)

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min_nodes > self.max_nodes:
            raise WrongValue(
                f"minNodes {self.min_nodes} is more than maxNodes {self.max_nodes}",
                f"write maxNodes: {self.min_nodes} or more",
            )
        if isinstance(self.capacity, CapacityBlock) and self.update_strategy is UpdateStrategy.SURGE:
            raise WrongValue(
                "updateStrategy surge starts further nodes, which a Capacity Block does not have",
                "write updateStrategy: minimal",
            )
        return self


class CapacityType(StrEnum):
    """How EC2 may sell a node to Karpenter."""

    RESERVED = "reserved"
    SPOT = "spot"
    ON_DEMAND = "onDemand"


class KarpenterPool(EveryPool):
    """GPU nodes of one kind that Karpenter buys when pods need them and gives back when they are empty."""

    kind: Literal["karpenter"]
    capacity_types: tuple[CapacityType, ...] = described(
        "how nodes may be bought; whatever the order, reserved ones come before spot and spot before onDemand",
        default=(CapacityType.ON_DEMAND,),
        min_length=1,
        max_length=3,
    )
    capacity_reservation_ids: tuple[CapacityReservationId, ...] = described(
        "on-demand capacity reservations that reserved nodes are taken from", default=(), max_length=30
    )
    ami_release_version: AmiRelease = described(
        "release of the image, e.g. 1.35.4-20260505, of bottlerocket 1.57.0: always pinned, a newer one replaces every "
        "node"
    )
    consolidate_after_seconds: int = described(
        "how long a node is empty before it goes, s", default=300, ge=10, le=86_400
    )
    expire_after_days: int | None = described(
        "a node older than this is drained and replaced; null: never", default=30, ge=1, le=365
    )
    replaced_at_once: int = described(
        "nodes that may be replaced at once when AMI, disk, labels or taints change", default=1, ge=1, le=450
    )
    termination_grace_seconds: int | None = described(
        "longest drain of a node, s; then it goes whatever runs; default: what its models need at most",
        default=None,
        ge=60,
        le=172_800,
    )

    @property
    def may_be_spot(self) -> bool:
        """Whether AWS may take nodes back."""
        return CapacityType.SPOT in self.capacity_types

    @property
    def capacity(self) -> OnDemand | Spot:
        """As which nodes are counted: on-demand ones where they may be."""
        return Spot() if set(self.capacity_types) == {CapacityType.SPOT} else OnDemand()

    @property
    def min_nodes(self) -> int:
        """None runs without a pod; what the fewest replicas need is the plan's to say."""
        return 0

    @property
    def node_repair(self) -> bool:
        """An alpha feature of Karpenter's, off."""
        return False

    @property
    def update_strategy(self) -> UpdateStrategy:
        """Within `maxNodes`."""
        return UpdateStrategy.MINIMAL

    @model_validator(mode="after")
    def _ways_to_buy(self) -> Self:
        if len(set(self.capacity_types)) < len(self.capacity_types):
            raise WrongValue("capacityTypes names one twice", "write each once")
        reserved = CapacityType.RESERVED in self.capacity_types
        if reserved and not self.capacity_reservation_ids:
            raise WrongValue(
                "capacityTypes holds reserved without capacityReservationIds: no node could be taken from one",
                "list cr-... ids, or leave reserved out",
            )
        if self.capacity_reservation_ids and not reserved:
            others = ", ".join(capacity_type.value for capacity_type in self.capacity_types)
            raise WrongValue(
                f"capacityReservationIds with capacityTypes [{others}]: such nodes are never taken from a "
                "reservation, which is billed all the same",
                f"write capacityTypes: [reserved, {others}]",
            )
        if self.replaced_at_once > self.max_nodes:
            raise WrongValue(
                f"replacedAtOnce {self.replaced_at_once} is more than maxNodes {self.max_nodes}",
                f"write replacedAtOnce: {self.max_nodes} or less",
            )
        return self


NodePool = Annotated[ManagedPool | KarpenterPool, Field(discriminator="kind"), kind_defaults_to("managed")]


class SystemNodes(Section):
    """The node group for everything that needs no GPU."""

    instance_types: tuple[InstanceType, ...] = described(
        "EC2 types without GPU", default=("m7i.large",), min_length=1, max_length=20
    )
    min_nodes: int = described("nodes that always run", default=2, ge=1, le=450)
    max_nodes: int = described("most nodes", default=4, ge=1, le=450)
    disk_gib: int = described("root volume, GiB", default=50, ge=20, le=16384)
    ami_release_version: str | None = described(
        "pinned EKS AMI release, e.g. 1.35.4-20260505; default: newest at creation", default=None, max_length=64
    )

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min_nodes > self.max_nodes:
            raise WrongValue(
                f"minNodes {self.min_nodes} is more than maxNodes {self.max_nodes}",
                f"write maxNodes: {self.min_nodes} or more",
            )
        return self
