"""Models of a stack: the size of each, the nodes they need together, each on its pool, then what a rollout adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planning.cluster.addon_network import existing_prometheus, prometheus_namespace
from planning.cluster.file_system import client_mibps
from planning.cluster.regions import partition
from planning.compose.request import Request
from planning.findings import Findings, listed
from planning.nodes.demand import PodDemand, PoolDemand
from planning.nodes.growth import with_growth
from planning.nodes.pod_resources import pool_room
from planning.nodes.pools import Pool
from planning.serving.backend_names import engine_of
from planning.serving.companions import check_served_names
from planning.serving.model_checks import check_digest
from planning.serving.served import PlannedServer, plan_model
from planning.serving.sized import SizedModel, Surroundings, size_model
from planning.serving.sources import Site
from planning.serving.surge import with_surge
from planning.serving.way_in import plan_way_in
from planning.versions.pull_through import image_mirror
from settings.cluster import CreateCluster
from settings.spelling import did_you_mean
from settings.stack import StackSettings


@dataclass(frozen=True)
class _Sized:
    """One that could be sized, its pool's name and its findings, which are told model by model."""

    model: SizedModel
    pool: str
    findings: Findings


def plan_models(
    request: Request, pools: Mapping[str, Pool | None], findings: Findings
) -> tuple[dict[str, Pool | None], list[PlannedServer]]:
    """The pools with the nodes that their models need, and the models that could be planned, in the stack file's order.

    In two passes: how many nodes a pool has follows from the sizes of all its pods, and how soon a replica serves from
    whether it finds a node.
    """
    surroundings = _surroundings(request)
    check_served_names(request.settings.models, findings)
    of_models = [Findings() for _ in request.settings.models]
    sized = _size_models(request, pools, surroundings, of_models)
    demands = {
        name: PoolDemand(
            pool_room(pool, request.daemons), tuple(_demand(each.model) for each in sized if each.pool == name)
        )
        for name, pool in pools.items()
        if pool is not None
    }
    grown = {name: pool and with_growth(pool, demands[name], request.settings) for name, pool in pools.items()}
    served = []
    for each in sized:
        pool = grown[each.pool]
        assert pool is not None
        served.append(plan_model(each.model, pool, surroundings, each.findings))
    for of_model in of_models:
        findings.add_all(of_model)
    return grown, with_surge(grown, demands, served, findings)


def _size_models(
    request: Request, pools: Mapping[str, Pool | None], around: Surroundings, of_models: Sequence[Findings]
) -> list[_Sized]:
    """`of_models`: one for each model, which takes its findings."""
    without_digest: set[str] = set()
    sized = []
    for index, (model, own) in enumerate(zip(request.settings.models, of_models, strict=True)):
        path, name = f"models[{index}]", request.settings.pool_name_of(model)
        check_digest(model, engine_of(request.settings.backend_of(model)), path, without_digest, own)
        pool = _pool_of(name, model.name, path, pools, own)
        size = size_model(model, path, pool, around, own)
        if size is not None and pool is not None:
            sized.append(_Sized(size, pool.settings.name, own))
    return sized


def _demand(sized: SizedModel) -> PodDemand:
    model = sized.model
    return PodDemand(
        name=f"{model.namespace}/{model.name}",
        room=sized.pod.room,
        fewest=model.autoscaling.min_replicas,
        most=model.autoscaling.max_replicas,
        pods=model.nodes,
    )


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
