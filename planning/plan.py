"""settings -> StackPlan: composes every decision, collects every violation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planning.alerts.choose import check_receiver, plan_alerts
from planning.backends.features import check_backends
from planning.cluster.account import plan_account
from planning.cluster.addon_network import existing_prometheus, prometheus_namespace
from planning.cluster.addons import check_gpu_operator, plan_gpu_operator, plan_keda
from planning.cluster.ages import check_ages
from planning.cluster.autoscaler import plan_cluster_autoscaler
from planning.cluster.control_plane import CALENDAR_DATED, plan_cluster
from planning.cluster.existing import check_existing
from planning.cluster.external_secrets import check_external_secrets, plan_external_secrets
from planning.cluster.gateway import check_gateway, plan_gateway
from planning.cluster.karpenter import check_karpenter, plan_karpenter, with_drain
from planning.cluster.monitoring import check_prometheus, plan_monitoring
from planning.cluster.namespaces import check_namespaces
from planning.cluster.network import plan_network
from planning.cluster.operators import plan_operators
from planning.cluster.regions import check_families, partition
from planning.cluster.routers import with_routers
from planning.cluster.tags import plan_tags
from planning.cluster.tenants import plan_tenants, with_priority
from planning.cost.budget import BudgetPool, check_budget, plan_spending
from planning.cost.lines import plan_cost
from planning.cost.shares import Asked, model_costs, pool_cost
from planning.findings import Findings, listed
from planning.model import (
    AccountPlan,
    CostPlan,
    CreateClusterPlan,
    CreateNetworkPlan,
    ExistingClusterPlan,
    ExistingNetworkPlan,
    StackPlan,
    Tags,
)
from planning.names import check_names
from planning.nodes.fit import Daemon, daemons
from planning.nodes.growth import with_growth
from planning.nodes.places import check_zones
from planning.nodes.pools import Pool, plan_pool
from planning.nodes.reservations import check_reservations
from planning.nodes.system import check_system_nodes
from planning.nodes.system_group import plan_system_nodes
from planning.nodes.volumes import check_classes, plan_storage_class
from planning.serving.companions import check_served_names
from planning.serving.model_checks import check_digest
from planning.serving.served import Served, Surroundings, plan_model
from planning.serving.stages import is_production
from planning.serving.stranded import plan_node_fits
from planning.serving.surge import check_shared_gpus, with_surge
from planning.serving.way_in import check_downloads, plan_way_in
from planning.versions.charts import ChartSources
from settings.charts import ChartFolder
from settings.models import Model
from settings.spelling import did_you_mean
from settings.stack import StackSettings


def plan(
    settings: StackSettings, stack: str, charts_here: ChartFolder | None = None, today: str | None = None
) -> StackPlan:
    """The whole stack; raises PlanRefused with every finding when it cannot work.

    `charts_here`: what is in the folder of `registry.charts`; None: it is none, or nobody looked.
    """
    findings = Findings()
    charts = ChartSources(settings.registry, charts_here)
    production = is_production(stack)
    tags = plan_tags(settings.tags, stack, findings)
    cluster = plan_cluster(settings.cluster, stack, settings.region, tags, findings)
    network = plan_network(settings, production, findings)
    system_nodes = plan_system_nodes(settings.system_nodes, settings.cluster, findings)
    pools = _pools(settings, network, production, findings)
    account = _whole(settings, stack, cluster, today or CALENDAR_DATED, findings)
    served = with_surge(pools, _models(settings, stack, production, pools, findings), _daemons(settings), findings)
    scalings = [each.model.autoscaling for each in served]
    check_system_nodes(settings, system_nodes, scalings, findings)
    monitoring = plan_monitoring(settings, scalings, charts, findings)
    check_shared_gpus(settings, pools, served, findings)
    planned = with_routers([each.model for each in served], settings, charts, findings)
    caches = [(each.path, each.model) for each in served]
    whole = tuple(with_drain(pool, planned, findings) for pool in pools.values() if pool is not None)
    priced = [("systemNodes.instanceTypes", system_nodes), *((f"{p.path}.instanceTypes", p.group) for p in whole)]
    cost = plan_cost(settings.region, cluster, network, priced, monitoring, caches, findings)
    cost = _shared_out(settings, cost, pools, served, tags, findings)
    node_fits = plan_node_fits(whole, _daemons(settings), served, findings)
    nodes = (*(pool.group for pool in whole), system_nodes)
    autoscaler = plan_cluster_autoscaler(settings, cluster, nodes, charts, findings)
    karpenter = plan_karpenter(settings, cluster, charts, findings)
    gpu, tenants = plan_gpu_operator(settings, whole, charts, findings), plan_tenants(settings, planned, findings)
    keda, operators = plan_keda(settings, scalings, charts, findings), plan_operators(settings, charts, findings)
    external = plan_external_secrets(settings, cluster, charts, findings)
    findings.raise_if_refused()
    monitoring, models = plan_alerts(settings, monitoring, planned, nodes, gpu, findings)
    return StackPlan(
        stack=stack,
        region=settings.region,
        tags=tags,
        network=network,
        cluster=cluster,
        system_nodes=system_nodes,
        gpu_pools=tuple(pool.group for pool in whole),
        gpu_operator=gpu,
        monitoring=monitoring,
        keda=keda,
        models=with_priority(models, settings),
        cost=cost,
        findings=findings.all(),
        storage_class=plan_storage_class(settings),
        node_fits=node_fits,
        cluster_autoscaler=autoscaler,
        account=account,
        karpenter=karpenter,
        external_secrets=external,
        tenants=tenants,
        operators=operators,
        gateway=plan_gateway(settings),
    )


def _whole(
    settings: StackSettings,
    stack: str,
    cluster: CreateClusterPlan | ExistingClusterPlan,
    today: str,
    findings: Findings,
) -> AccountPlan:
    """What the stack has once, whatever its models; its account is among it."""
    pools = [(f"nodePools[{index}]", pool.instance_types) for index, pool in enumerate(settings.node_pools)]
    check_families(settings.region, pools, findings)
    check_gpu_operator(settings, findings)
    check_classes(settings, findings)
    check_downloads(settings, findings)
    check_existing(settings, findings)
    check_prometheus(settings, findings)
    check_namespaces(settings, findings)
    check_names(settings, findings)
    check_receiver(settings, findings)
    check_karpenter(settings, is_production(stack), findings)
    check_backends(settings, findings)
    check_external_secrets(settings, findings)
    check_gateway(settings, findings)
    check_ages(settings, today, findings)
    return plan_account(settings, stack, cluster, findings)


def _shared_out(
    settings: StackSettings,
    cost: CostPlan,
    pools: Mapping[str, Pool | None],
    served: list[Served],
    tags: Tags,
    findings: Findings,
) -> CostPlan:
    """The cost by pool and by model, held against the budget."""
    whole = [pool for pool in pools.values() if pool is not None]
    costs = {pool.group.name: pool_cost(pool.group, settings.region) for pool in whole}
    traffic = {f"models[{index}]": model.traffic for index, model in enumerate(settings.models)}
    asked = [Asked(each.model, traffic[each.path]) for each in served]
    may_shrink = [BudgetPool(p.path, costs[p.group.name], p.group.min_nodes, p.group.max_nodes) for p in whole]
    budget = check_budget(settings.budget, cost, may_shrink, findings)
    return replace(
        cost,
        pools=tuple(costs.values()),
        models=model_costs(asked, costs.values()),
        budget=budget,
        spending=plan_spending(settings.budget, budget, cost, tags, partition(settings.region), findings),
    )


def _pools(
    settings: StackSettings,
    network: CreateNetworkPlan | ExistingNetworkPlan,
    production: bool,
    findings: Findings,
) -> dict[str, Pool | None]:
    planned = {
        pool.name: plan_pool(pool, index, settings.cluster.version, production, findings)
        for index, pool in enumerate(settings.node_pools)
    }
    for index, pool in enumerate(settings.node_pools):
        check_zones(pool, index, network, findings)
    check_reservations(settings, network, production, findings)
    return {name: pool and with_growth(pool, settings) for name, pool in planned.items()}


def _models(
    settings: StackSettings,
    stack: str,
    production: bool,
    pools: Mapping[str, Pool | None],
    findings: Findings,
) -> list[Served]:
    around = Surroundings(
        stack=stack,
        production=production,
        mirror=settings.registry.mirror,
        monitoring_namespace=prometheus_namespace(settings),
        prometheus=existing_prometheus(settings),
        scrape_interval_seconds=settings.monitoring.scrape_interval_seconds,
        daemons=_daemons(settings),
        gpu_metrics=settings.gpu_operator.enabled and settings.gpu_operator.dcgm_exporter,
        way_in=plan_way_in(settings.downloads),
        pull_secrets=settings.registry.pull_secrets,
        backend=settings.backend,
    )
    check_served_names(settings.models, findings)
    without_digest: set[str] = set()
    served = []
    for index, model in enumerate(settings.models):
        path = f"models[{index}]"
        check_digest(model, path, without_digest, findings)
        pool = _pool_of(model, path, pools, findings)
        planned = plan_model(model, path, pool, around, findings)
        if planned is not None:
            served.append(planned)
    return served


def _pool_of(model: Model, path: str, pools: Mapping[str, Pool | None], findings: Findings) -> Pool | None:
    if model.pool is not None:
        if model.pool not in pools:
            findings.error(
                f"{path}.pool",
                "unknown-pool",
                f"no node pool {model.pool!r} (nodePools: {listed(pools) or 'none'})",
                did_you_mean(model.pool, pools) or "write the name of one of them",
            )
        return pools.get(model.pool)
    if len(pools) == 1:
        return next(iter(pools.values()))
    if pools:
        findings.error(
            f"{path}.pool", "ambiguous-pool", "there are several node pools", f"write one of {listed(pools)}"
        )
    else:
        findings.error(
            "nodePools",
            "no-pool",
            f"{model.name} has no node to run on",
            "write nodePools: [{name: l4, instanceTypes: [g6.xlarge]}]",
        )
    return None


def _daemons(settings: StackSettings) -> tuple[Daemon, ...]:
    """DaemonSets that take their share of every GPU node."""
    return daemons(settings.gpu_operator.enabled, settings.monitoring.enabled)
