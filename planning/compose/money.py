"""The bill of a stack: in all, by pool, by model, against its budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.compose.foundation import Foundation
from planning.compose.request import Request
from planning.cost.budget import BudgetPool, check_budget, plan_spending
from planning.cost.lines import plan_cost
from planning.cost.shares import ModelWithTraffic, model_costs, pool_cost
from planning.cost.topic import plan_topic
from planning.findings import Findings
from planning.model import BillTopicPlan, CostPlan, FileSystemPlan, MonitoringPlan
from planning.nodes.pools import Pool
from planning.serving.served import PlannedServer


def plan_bill(
    request: Request,
    foundation: Foundation,
    pools: Sequence[Pool],
    served: Sequence[PlannedServer],
    monitoring: MonitoringPlan | None,
    file_system: FileSystemPlan | None,
    findings: Findings,
) -> CostPlan:
    """Cost of the stack at fewest and most nodes, with the shares of pools and models."""
    groups = [
        ("systemNodes.instanceTypes", foundation.system_nodes),
        *((f"{pool.path}.instanceTypes", pool.group) for pool in pools),
    ]
    caches = [(model.path, model.model) for model in served]
    region = request.settings.region
    topic = plan_topic(request.settings, request.stack, findings)
    cost = plan_cost(
        region, foundation.cluster, foundation.network, groups, monitoring, caches, file_system, topic, findings
    )
    return _shared_out(request, cost, foundation, pools, served, topic, findings)


def _shared_out(
    request: Request,
    cost: CostPlan,
    foundation: Foundation,
    pools: Sequence[Pool],
    served: Sequence[PlannedServer],
    topic: BillTopicPlan | None,
    findings: Findings,
) -> CostPlan:
    settings = request.settings
    costs = {pool.group.name: pool_cost(pool.group, settings.region) for pool in pools}
    traffic = {f"models[{index}]": model.traffic for index, model in enumerate(settings.models)}
    asked = [ModelWithTraffic(model.model, traffic[model.path]) for model in served]
    may_shrink = [
        BudgetPool(pool.path, costs[pool.group.name], pool.group.fewest_nodes, pool.group.max_nodes) for pool in pools
    ]
    budget = check_budget(settings.budget, cost, may_shrink, findings)
    return replace(
        cost,
        pools=tuple(costs.values()),
        models=model_costs(asked, costs.values()),
        budget=budget,
        spending=plan_spending(settings.budget, budget, cost, foundation.tags, topic, findings),
    )
