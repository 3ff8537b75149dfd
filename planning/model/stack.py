"""The whole stack, and what it costs. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.cloud import (
    CreateClusterPlan,
    CreateNetworkPlan,
    ExistingClusterPlan,
    ExistingNetworkPlan,
    NodeGroupPlan,
    Tags,
)
from planning.model.findings import Finding
from planning.model.services import GpuOperatorPlan, MonitoringPlan
from planning.model.serving import ServedModel


@dataclass(frozen=True)
class CostLine:
    """Cost of one part of the stack, US dollars per hour, at fewest and most nodes. None: price not in the table."""

    what: str
    min_usd_per_hour: float | None
    max_usd_per_hour: float | None
    source: str


@dataclass(frozen=True)
class CostPlan:
    """Cost of the whole stack; a sum skips unknown prices, which `lines` and a warning show."""

    lines: tuple[CostLine, ...]
    min_usd_per_hour: float
    max_usd_per_hour: float


@dataclass(frozen=True)
class StackPlan:
    """The whole stack. `storage_class`: name of the encrypted gp3 class we make; None: it exists, or none is used."""

    stack: str
    region: str
    tags: Tags
    network: CreateNetworkPlan | ExistingNetworkPlan
    cluster: CreateClusterPlan | ExistingClusterPlan
    system_nodes: NodeGroupPlan
    gpu_pools: tuple[NodeGroupPlan, ...]
    gpu_operator: GpuOperatorPlan | None
    monitoring: MonitoringPlan | None
    model_namespaces: tuple[str, ...]
    models: tuple[ServedModel, ...]
    cost: CostPlan
    findings: tuple[Finding, ...] = ()
    storage_class: str | None = None
