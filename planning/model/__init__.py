"""The plan: every decision and every number, as frozen values that components, preview and tests read.

Nothing here computes; `planning.plan.plan` makes it. Units are in the names; sizes of Kubernetes objects are
Kubernetes quantities (strings) only where they are about to be written into a manifest.
"""

from planning.model.cloud import (
    GPU_TAINT,
    AccessEntryPlan,
    AddonPlan,
    CreateClusterPlan,
    CreateNetworkPlan,
    ExistingClusterPlan,
    ExistingNetworkPlan,
    NodeGroupPlan,
    SubnetPlan,
    Tags,
    TaintPlan,
)
from planning.model.findings import Finding, PlanRefused, Severity
from planning.model.services import ChartRef, GpuOperatorPlan, MetricRule, MonitoringPlan, SmokeTestPlan
from planning.model.serving import (
    AutoscalingPlan,
    CachePlan,
    ColdStartTerm,
    DrainPlan,
    MemoryPlan,
    PodResources,
    ProbePlan,
    ScalingRulePlan,
    ServedModel,
    TokenPlan,
)
from planning.model.stack import CostLine, CostPlan, StackPlan

__all__ = [
    "GPU_TAINT",
    "AccessEntryPlan",
    "AddonPlan",
    "AutoscalingPlan",
    "CachePlan",
    "ChartRef",
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
    "MemoryPlan",
    "MetricRule",
    "MonitoringPlan",
    "NodeGroupPlan",
    "PlanRefused",
    "PodResources",
    "ProbePlan",
    "ScalingRulePlan",
    "ServedModel",
    "Severity",
    "SmokeTestPlan",
    "StackPlan",
    "SubnetPlan",
    "Tags",
    "TaintPlan",
    "TokenPlan",
]
