"""The whole stack, and what it costs. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field

from planning.model.account import AccountPlan
from planning.model.balancers import LoadBalancerControllerPlan
from planning.model.bill import BillTopicPlan
from planning.model.cloud import (
    CreateClusterPlan,
    CreateNetworkPlan,
    ExistingClusterPlan,
    ExistingNetworkPlan,
    NodeGroupPlan,
    Tags,
)
from planning.model.entry import EntryPlan
from planning.model.file_system import FileSystemPlan
from planning.model.findings import Finding
from planning.model.gateway import GatewayPlan
from planning.model.nodes import NodeFitPlan
from planning.model.registry import PullThroughPlan
from planning.model.services import (
    ClusterAutoscalerPlan,
    ExternalSecretsPlan,
    GpuOperatorPlan,
    KarpenterPlan,
    KedaPlan,
    MonitoringPlan,
    OperatorPlan,
)
from planning.model.serving import ServedModel
from planning.model.spare import SpareNodesPlan
from planning.model.tenants import TenantPlan


@dataclass(frozen=True)
class CostLine:
    """Cost of one part of the stack, US dollars per hour at fewest and most nodes."""

    what: str
    min_usd_per_hour: float | None
    """None: price not in the table."""
    max_usd_per_hour: float | None
    """None: price not in the table."""
    source: str


@dataclass(frozen=True)
class SpotCost:
    """What a spot pool's nodes and volumes cost at fewest and at most nodes, each from `low` to `high`, by the hour."""

    min_low_usd_per_hour: float
    min_high_usd_per_hour: float
    max_low_usd_per_hour: float
    max_high_usd_per_hour: float
    source: str


@dataclass(frozen=True)
class PoolCost:
    """Nodes and root volumes of one pool, US dollars per hour at fewest and most nodes, at the on-demand price.

    None: no price in the table.
    """

    name: str
    min_usd_per_hour: float | None
    max_usd_per_hour: float | None
    gpu_usd_per_hour: float | None
    spot: SpotCost | None
    """The range seen; only of a pool whose nodes are spot ones."""


@dataclass(frozen=True)
class ModelCost:
    """What a model costs: its share of its pool, by GPUs, and its own cache volume.

    Dollars per million tokens count prompts and answers alike. None: no price, no traffic, or rates unknown.
    """

    name: str
    namespace: str
    pool: str
    min_usd_per_hour: float | None
    """Share of the pool at fewest nodes, GPUs that no pod asks for included."""
    max_usd_per_hour: float | None
    """The same at most nodes."""
    usd_per_million_tokens_at_traffic: float | None
    """At the declared traffic over a week, with as many replicas as each hour needs."""
    usd_per_million_tokens_saturated: float | None
    """The least there is."""
    mean_replicas_at_traffic: float | None


@dataclass(frozen=True)
class BudgetPlan:
    """Most that the stack may cost per hour at most nodes."""

    usd_per_hour: float
    written: str
    """As the stack file says it."""


@dataclass(frozen=True)
class AnomalyPlan:
    """A monitor of cost that is unlike the days before, and from which amount on it tells."""

    least_usd: float
    """Unexpected cost in all, US dollars."""
    tag: tuple[str, str] | None
    """Key and value of what is watched; None: every service of the account."""


@dataclass(frozen=True)
class SpendingPlan:
    """An AWS Budget: US dollars a month over what carries the tags, and who is told."""

    usd_per_month: float
    tag_filters: tuple[str, ...]
    """`user:<key>$<value>`."""
    emails: tuple[str, ...]
    at_percent: tuple[int, ...]
    """Shares of the amount that have been spent."""
    forecast: bool
    """Also when the month is expected to pass it."""
    anomalies: AnomalyPlan | None = None
    topic: BillTopicPlan | None = None
    """None: mails only."""


@dataclass(frozen=True)
class CostPlan:
    """Cost of the whole stack; a sum skips unknown prices, which its lines and a warning show."""

    lines: tuple[CostLine, ...]
    """At on-demand prices, spot pools too: what spot may take at worst."""
    min_usd_per_hour: float
    max_usd_per_hour: float
    pools: tuple[PoolCost, ...] = ()
    models: tuple[ModelCost, ...] = ()
    budget: BudgetPlan | None = None
    spending: SpendingPlan | None = None


@dataclass(frozen=True)
class StackPlan:
    """The whole stack."""

    stack: str
    region: str
    tags: Tags
    network: CreateNetworkPlan | ExistingNetworkPlan
    cluster: CreateClusterPlan | ExistingClusterPlan
    system_nodes: NodeGroupPlan
    gpu_pools: tuple[NodeGroupPlan, ...]
    """Managed groups and Karpenter's pools."""
    gpu_operator: GpuOperatorPlan | None
    monitoring: MonitoringPlan | None
    models: tuple[ServedModel, ...]
    cost: CostPlan
    findings: tuple[Finding, ...] = ()
    storage_class: str | None = None
    """Name of the encrypted gp3 class that we make; None: it exists, or none is used."""
    keda: KedaPlan | None = None
    node_fits: tuple[NodeFitPlan, ...] = ()
    """What a node of each GPU pool holds and what is left there, in the order of `gpu_pools`."""
    cluster_autoscaler: ClusterAutoscalerPlan | None = None
    """None: no pool can grow, or another program makes it do so."""
    account: AccountPlan = field(default_factory=AccountPlan)
    karpenter: KarpenterPlan | None = None
    """None: no pool is its."""
    external_secrets: ExternalSecretsPlan | None = None
    load_balancer_controller: LoadBalancerControllerPlan | None = None
    """None: the cluster has its own, or none."""
    tenants: tuple[TenantPlan, ...] = ()
    operators: tuple[OperatorPlan, ...] = ()
    """Of the models' backends, in the order of installation."""
    gateway: GatewayPlan | None = None
    entry: EntryPlan | None = None
    """The way in through an Ingress, in the place of `gateway`."""
    pull_through: PullThroughPlan | None = None
    """None: images come from their own registries or from a mirror."""
    file_system: FileSystemPlan | None = None
    """None: no model keeps its weights on one."""

    spare_nodes: tuple[SpareNodesPlan, ...] = ()
    """Of each pool that has some."""

    @property
    def model_namespaces(self) -> tuple[str, ...]:
        """Namespaces of models and of tenants, in order."""
        return tuple(sorted({owner.namespace for owner in self.models} | {owner.namespace for owner in self.tenants}))

    @property
    def node_groups(self) -> tuple[NodeGroupPlan, ...]:
        """The GPU pools that are EKS managed node groups."""
        return tuple(pool for pool in self.gpu_pools if pool.karpenter is None)
