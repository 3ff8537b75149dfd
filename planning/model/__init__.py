"""The plan: every decision and every number, as frozen values that components, preview and tests read.

Nothing here computes; `planning.plan.plan` makes it. Units are in the names; sizes of Kubernetes objects are
Kubernetes quantities (strings) only where they are about to be written into a manifest.
"""

from planning.model.alerts import AlertRulePlan, RecordingRulePlan, RuleGroupPlan, WebhookPlan
from planning.model.cloud import (
    GPU_TAINT,
    AccessEntryPlan,
    AddonPlan,
    CreateClusterPlan,
    CreateNetworkPlan,
    ExistingClusterPlan,
    ExistingNetworkPlan,
    GpuSharingPlan,
    NodeGroupPlan,
    SubnetPlan,
    Tags,
    TaintPlan,
)
from planning.model.findings import Finding, PlanRefused, Severity
from planning.model.namespaces import NAMESPACE_OWNERS, NamespaceOwner, PodSecurity
from planning.model.nodes import NodeFitPlan, NodeLeftPlan, RoomPlan
from planning.model.scaling import (
    AutoscalingPlan,
    MetricRule,
    ScalerKind,
    ScalingMetric,
    ScalingRulePlan,
    SchedulePlan,
    Via,
    ZeroPlan,
)
from planning.model.services import (
    ChartRef,
    ClusterAutoscalerPlan,
    GpuOperatorPlan,
    KedaPlan,
    MonitoringPlan,
    SmokeTestPlan,
)
from planning.model.serving import (
    CachePlan,
    ColdStartTerm,
    DrainPlan,
    MemoryPlan,
    PodResources,
    ProbePlan,
    RepositoryPlan,
    ServedModel,
    ThroughputPlan,
    TokenPlan,
)
from planning.model.stack import BudgetPlan, CostLine, CostPlan, ModelCost, PoolCost, SpotCost, StackPlan

__all__ = [
    "GPU_TAINT",
    "NAMESPACE_OWNERS",
    "AccessEntryPlan",
    "AddonPlan",
    "AlertRulePlan",
    "AutoscalingPlan",
    "BudgetPlan",
    "CachePlan",
    "ChartRef",
    "ClusterAutoscalerPlan",
    "ColdStartTerm",
    "CostLine",
    "CostPlan",
    "CreateClusterPlan",
    "CreateNetworkPlan",
    "DrainPlan",
    "ExistingClusterPlan",
    "ExistingNetworkPlan",
    "Finding",
    "GpuOperatorPlan",
    "GpuSharingPlan",
    "KedaPlan",
    "MemoryPlan",
    "MetricRule",
    "ModelCost",
    "MonitoringPlan",
    "NamespaceOwner",
    "NodeFitPlan",
    "NodeGroupPlan",
    "NodeLeftPlan",
    "PlanRefused",
    "PodResources",
    "PodSecurity",
    "PoolCost",
    "ProbePlan",
    "RecordingRulePlan",
    "RepositoryPlan",
    "RoomPlan",
    "RuleGroupPlan",
    "ScalerKind",
    "ScalingMetric",
    "ScalingRulePlan",
    "SchedulePlan",
    "ServedModel",
    "Severity",
    "SmokeTestPlan",
    "SpotCost",
    "StackPlan",
    "SubnetPlan",
    "Tags",
    "TaintPlan",
    "ThroughputPlan",
    "TokenPlan",
    "Via",
    "WebhookPlan",
    "ZeroPlan",
]
