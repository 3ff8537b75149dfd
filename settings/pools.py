"""The nodes: GPU pools and the small system group."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from settings.sharing import GpuSharing, WholeGpu
from settings.types import DnsLabel, InstanceType, LabelKey, LabelValue, Section, Zone, described


class Capacity(StrEnum):
    """How EC2 sells the nodes."""

    ON_DEMAND = "onDemand"
    SPOT = "spot"


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


class UpdateStrategy(StrEnum):
    """In which order EKS replaces the nodes of a pool when its AMI, disk, tags or Kubernetes version change."""

    MINIMAL = "minimal"
    SURGE = "surge"


class NodePool(Section):
    """GPU nodes of one kind: an EKS managed node group."""

    name: DnsLabel = described("name of the pool")
    instance_types: tuple[InstanceType, ...] = described(
        "EC2 types with the same GPU; several help spot capacity", min_length=1, max_length=20
    )
    capacity: Capacity = described("onDemand or spot", default=Capacity.ON_DEMAND)
    min_nodes: int = described("nodes that always run; 0: none while no model needs one", default=1, ge=0, le=450)
    max_nodes: int = described("most nodes", default=3, ge=1, le=450)
    disk_gib: int = described("root volume, encrypted gp3, GiB", default=200, ge=50, le=16384)
    disk_throughput_mibps: int = described(
        "gp3 throughput, MiB/s: image and weights are read through it", default=600, ge=125, le=1000
    )
    zones: tuple[Zone, ...] = described("only these zones; empty: all of the network", default=(), max_length=6)
    labels: dict[LabelKey, LabelValue] = described("further node labels", default_factory=dict, max_length=40)
    taints: tuple[Taint, ...] = described("further node taints", default=(), max_length=40)
    ami_release_version: str | None = described(
        "pinned EKS AMI release, e.g. 1.35.4-20260505; default: newest at creation", default=None, max_length=64
    )
    gpu_sharing: GpuSharing = described("how one GPU is divided among pods", default_factory=WholeGpu)
    node_repair: bool = described("let EKS replace unhealthy nodes", default=True)
    update_strategy: UpdateStrategy = described(
        "minimal: an update ends a node before it starts another, which needs no further GPU; surge: it first starts "
        "twice as many nodes as the pool has zones",
        default=UpdateStrategy.MINIMAL,
    )

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min_nodes > self.max_nodes:
            raise ValueError(
                f"minNodes {self.min_nodes} is more than maxNodes {self.max_nodes}; "
                f"write maxNodes: {self.min_nodes} or more"
            )
        return self


class SystemNodes(Section):
    """The node group for everything that needs no GPU."""

    instance_types: tuple[InstanceType, ...] = described(
        "EC2 types without GPU", default=("m7i.large",), min_length=1, max_length=20
    )
    min_nodes: int = described("nodes that always run", default=2, ge=1, le=450)
    max_nodes: int = described("most nodes", default=4, ge=1, le=450)
    disk_gib: int = described("root volume, GiB", default=50, ge=20, le=16384)

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min_nodes > self.max_nodes:
            raise ValueError(f"minNodes {self.min_nodes} is more than maxNodes {self.max_nodes}")
        return self
