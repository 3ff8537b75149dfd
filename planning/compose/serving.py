"""Models of a stack: each with its pool, then all together with what a rollout adds."""

from __future__ import annotations

from collections.abc import Mapping

from planning.cluster.addon_network import existing_prometheus, prometheus_namespace
from planning.cluster.file_system import client_mibps
from planning.cluster.regions import partition
from planning.compose.request import Request
from planning.findings import Findings, listed
from planning.nodes.pools import Pool
from planning.serving.backend_names import engine_of
from planning.serving.companions import check_served_names
from planning.serving.model_checks import check_digest
from planning.serving.served import PlannedServer, Surroundings, plan_model
from planning.serving.sources import Site
from planning.serving.surge import with_surge
from planning.serving.way_in import plan_way_in
from planning.versions.pull_through import image_mirror
from settings.cluster import CreateCluster
from settings.spelling import did_you_mean
from settings.stack import StackSettings


def plan_models(request: Request, pools: Mapping[str, Pool | None], findings: Findings) -> list[PlannedServer]:
    """The models that could be planned, in the order of the stack file."""
    surroundings = _surroundings(request)
    check_served_names(request.settings.models, findings)
    without_digest: set[str] = set()
    served = []
    for index, model in enumerate(request.settings.models):
        path = f"models[{index}]"
        check_digest(model, engine_of(request.settings.backend_of(model)), path, without_digest, findings)
        pool = _pool_of(request.settings.pool_name_of(model), model.name, path, pools, findings)
        planned = plan_model(model, path, pool, surroundings, findings)
        if planned is not None:
            served.append(planned)
    return with_surge(pools, served, request.daemons, findings)


def _surroundings(request: Request) -> Surroundings:
    settings = request.settings
    return Surroundings(
        stack=request.stack,
        production=request.production,
        mirror=image_mirror(settings),
        monitoring_namespace=prometheus_namespace(settings),
        prometheus=existing_prometheus(settings),
        scrape_interval_seconds=settings.monitoring.scrape_interval_seconds,
        daemons=request.daemons,
        gpu_metrics=settings.gpu_operator.enabled and settings.gpu_operator.dcgm_exporter,
        way_in=plan_way_in(settings.downloads),
        pull_secrets=settings.registry.pull_secrets,
        backend=settings.backend,
        site=_site(settings),
        shared_mibps=client_mibps(settings),
    )


def _site(settings: StackSettings) -> Site:
    cluster, region = settings.cluster, settings.region
    created = isinstance(cluster, CreateCluster)
    return Site(region, cluster.version, created, partition(region), image_mirror(settings))


def _pool_of(
    name: str | None, model: str, path: str, pools: Mapping[str, Pool | None], findings: Findings
) -> Pool | None:
    if name is not None and name in pools:
        return pools[name]
    if name is not None:
        findings.error(
            f"{path}.pool",
            "unknown-pool",
            f"no node pool {name!r} (nodePools: {listed(pools) or 'none'})",
            did_you_mean(name, pools) or "write the name of one of them",
        )
    elif pools:
        findings.error(
            f"{path}.pool", "ambiguous-pool", "there are several node pools", f"write one of {listed(pools)}"
        )
    else:
        findings.error(
            "nodePools",
            "no-pool",
            f"{model} has no node to run on",
            "write nodePools: [{name: l4, instanceTypes: [g6.xlarge]}]",
        )
    return None
