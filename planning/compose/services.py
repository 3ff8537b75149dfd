"""What is installed in the cluster beside the models. A section's service is one line here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.cluster.addons import plan_gpu_operator, plan_keda
from planning.cluster.autoscaler import plan_cluster_autoscaler
from planning.cluster.entry import plan_entry
from planning.cluster.external_secrets import plan_external_secrets
from planning.cluster.gateway import plan_gateway
from planning.cluster.karpenter import plan_karpenter
from planning.cluster.load_balancers import plan_load_balancer_controller
from planning.cluster.operators import plan_operators
from planning.cluster.tenants import plan_tenants
from planning.compose.request import Request
from planning.cost.open_cost import plan_open_cost
from planning.findings import Findings
from planning.model import StackPlan
from planning.nodes.pools import Pool
from planning.nodes.spare import plan_spare_nodes
from planning.nodes.volumes import plan_storage_class


def with_services(draft: StackPlan, pools: Sequence[Pool], request: Request, findings: Findings) -> StackPlan:
    """The draft (foundation, pools, models) with every service; findings are shown in the order of the lines."""
    settings, cluster, charts = request.settings, draft.cluster, request.charts
    nodes = (*draft.gpu_pools, draft.system_nodes)
    scalings = [model.autoscaling for model in draft.models]
    open_cost = plan_open_cost(settings, cluster, draft.system_nodes, draft.gpu_pools, findings)
    return replace(
        draft,
        cluster_autoscaler=plan_cluster_autoscaler(settings, cluster, nodes, charts, findings),
        karpenter=plan_karpenter(settings, cluster, draft.gpu_pools, charts, findings),
        gpu_operator=plan_gpu_operator(settings, pools, charts, findings),
        tenants=plan_tenants(settings, draft.models, findings),
        keda=plan_keda(settings, scalings, charts, findings),
        operators=plan_operators(settings, draft.models, open_cost, charts, findings),
        external_secrets=plan_external_secrets(settings, cluster, charts, findings),
        load_balancer_controller=plan_load_balancer_controller(settings, cluster, draft.tags, charts, findings),
        storage_class=plan_storage_class(settings),
        gateway=plan_gateway(settings, draft.tags),
        entry=plan_entry(settings, draft.models, draft.tags),
        spare_nodes=plan_spare_nodes(settings, pools, draft.models, findings),
    )
