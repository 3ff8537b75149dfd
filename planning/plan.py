"""settings -> StackPlan: composes every decision, collects every violation. The parts are in `planning/compose`."""

from __future__ import annotations

from dataclasses import replace

from planning.alerts.canary import with_canaries
from planning.alerts.choose import plan_alerts
from planning.cluster.account import plan_account
from planning.cluster.control_plane import CALENDAR_DATED
from planning.cluster.file_system import plan_file_system
from planning.cluster.monitoring import plan_monitoring
from planning.cluster.routers import with_routers
from planning.cluster.system import check_system_nodes
from planning.cluster.tenants import with_priority
from planning.cluster.tracing import with_tracing
from planning.compose.checks import check_settings
from planning.compose.foundation import plan_foundation
from planning.compose.money import plan_bill
from planning.compose.nodes import plan_pools, with_models
from planning.compose.request import Request
from planning.compose.services import with_services
from planning.compose.serving import plan_models
from planning.findings import Findings
from planning.model import SPARE_OWNER, StackPlan
from planning.nodes.pools import Pool
from planning.serving.shared import with_shared_downloads
from planning.serving.stranded import plan_node_fits
from planning.serving.surge import check_shared_gpus
from planning.versions.charts import ChartSources
from planning.versions.pull_through import plan_pull_through
from settings.charts import ChartFolder
from settings.stack import StackSettings


def plan(
    settings: StackSettings, stack: str, charts_here: ChartFolder | None = None, today: str | None = None
) -> StackPlan:
    """The whole stack; raises PlanRefused with every finding when it cannot work.

    `charts_here`: what is in the folder of `registry.charts`; None: there is none, or it was not read.
    """
    findings = Findings()
    request = Request(settings, stack, ChartSources(settings.registry, charts_here), today or CALENDAR_DATED)
    draft = with_services(*_draft(request, findings), request, findings)
    findings.raise_if_refused()
    nodes = (*draft.gpu_pools, draft.system_nodes)
    watched = draft.monitoring
    if watched is not None and draft.spare_nodes:
        watched = replace(watched, pods_may_wait_in=(SPARE_OWNER.usual,))
    monitoring, models = plan_alerts(settings, watched, draft.models, nodes, draft.gpu_operator, findings)
    return replace(draft, monitoring=monitoring, models=with_priority(models, settings), findings=findings.all())


def _draft(request: Request, findings: Findings) -> tuple[StackPlan, tuple[Pool, ...]]:
    """Foundation, node pools, models and their cost, without the services beside them; and the pools as planned."""
    settings, charts = request.settings, request.charts
    foundation = plan_foundation(request, findings)
    written = plan_pools(request, foundation.network, findings)
    check_settings(request, findings)
    account = plan_account(settings, request.stack, foundation.cluster, findings)
    pools, served = plan_models(request, written, findings)
    scalings = [model.model.autoscaling for model in served]
    check_system_nodes(settings, foundation.system_nodes, scalings, findings)
    monitoring = plan_monitoring(settings, scalings, charts, findings)
    check_shared_gpus(settings, pools, served, findings)
    rolled = with_canaries([model.model for model in served], settings, findings)
    models = with_tracing(with_routers(rolled, settings, charts, findings), settings)
    models = with_shared_downloads(models)
    file_system = plan_file_system(settings, request.stack, models, foundation.network, findings)
    node_pools = with_models(pools, models, findings)
    cost = plan_bill(request, foundation, node_pools, served, monitoring, file_system, findings)
    draft = StackPlan(
        stack=request.stack,
        region=settings.region,
        tags=foundation.tags,
        network=foundation.network,
        cluster=foundation.cluster,
        system_nodes=foundation.system_nodes,
        gpu_pools=tuple(pool.group for pool in node_pools),
        gpu_operator=None,
        monitoring=monitoring,
        models=tuple(models),
        cost=cost,
        node_fits=plan_node_fits(node_pools, request.daemons, served, findings),
        account=account,
        file_system=file_system,
        pull_through=plan_pull_through(settings),
    )
    return draft, node_pools
