"""Pools whose nodes Karpenter buys: how long their drain may take, what they must not be, and the releases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from planning.cluster.addon_network import addon_network
from planning.cluster.regions import partition
from planning.findings import Findings
from planning.model import (
    POOL_LABEL,
    CreateClusterPlan,
    ExistingClusterPlan,
    KarpenterPlan,
    NodeGroupPlan,
    ServedModel,
)
from planning.nodes.bottlerocket import is_bottlerocket
from planning.nodes.karpenter import LEAST_GRACE_SECONDS
from planning.nodes.labels import SYSTEM_POOL
from planning.nodes.pools import Pool
from planning.nodes.rolls import drain_seconds, update_timeout_seconds
from planning.versions.charts import ChartSources
from planning.versions.pull_through import image_mirror
from settings.cluster import ExistingCluster
from settings.pools import KarpenterPool
from settings.sharing import Mig
from settings.stack import StackSettings

CHART, CRD_CHART = "karpenter", "karpenter-crd"
NAMESPACE = "kube-system"  # its requests to the API server come before others' there (EKS' flow schemas)
# EC2NodeClass v1, spec.tags: keys that Karpenter writes itself; the API server refuses them.
OWN_TAGS = ("karpenter.sh/", "karpenter.k8s.aws/", "kubernetes.io/cluster/", "eks:eks-cluster-name")
# Two replicas keep apart by host (its chart).
MOST_REPLICAS = 2


def with_drain(pool: Pool, models: Sequence[ServedModel], findings: Findings) -> Pool:
    """The pool with time for its nodes' pods to leave; refuses less than one pod needs."""
    asked, group = pool.settings, pool.group
    own = [model for model in models if model.pool == asked.name]
    if not isinstance(asked, KarpenterPool) or group.karpenter is None:
        return replace(pool, group=replace(group, update_timeout_seconds=update_timeout_seconds(group, own)))
    drains = (drain_seconds(model, group.advertised_gpus, on_new_nodes=True) for model in own)
    needed = max(LEAST_GRACE_SECONDS, math.ceil(max(drains, default=0) / 60) * 60)  # whole minutes, to be read
    if asked.termination_grace_seconds is not None:
        _check_grace(pool, asked.termination_grace_seconds, own, needed, findings)
        needed = asked.termination_grace_seconds
    return replace(pool, group=replace(group, karpenter=replace(group.karpenter, termination_grace_seconds=needed)))


def _check_grace(pool: Pool, grace_seconds: int, own: Sequence[ServedModel], needed: int, findings: Findings) -> None:
    where = f"{pool.path}.terminationGraceSeconds"
    longest = max(own, key=lambda model: model.drain.grace_period_seconds, default=None)
    if longest is not None and grace_seconds < longest.drain.grace_period_seconds:
        findings.error(
            where,
            "termination-grace",
            f"{grace_seconds}; a pod of {longest.name} may take {longest.drain.grace_period_seconds} s to finish what "
            "it answers, and the node would go from under it",
            f"write {needed}, or leave it out",
        )
    elif grace_seconds < needed:
        findings.warning(
            where,
            "termination-grace",
            f"{grace_seconds}; a drain that waits until each pod is Ready elsewhere may take {needed} s: those that "
            "are left then are ended together",
            f"write {needed}, or leave it out",
        )


def check_karpenter(settings: StackSettings, findings: Findings) -> None:
    """What a pool of Karpenter's must not be, in this stack."""
    own = [(index, pool) for index, pool in enumerate(settings.node_pools) if isinstance(pool, KarpenterPool)]
    for index, pool in own:
        path = f"nodePools[{index}]"
        _check_cluster(settings, path, findings)
        _check_mig(pool, path, findings)
    for key in settings.tags if own else ():
        if key.startswith(OWN_TAGS):
            findings.error(
                f"tags.{key}", "karpenter-tag", "Karpenter writes it itself on its nodes", "choose another key"
            )


def _check_cluster(settings: StackSettings, path: str, findings: Findings) -> None:
    if isinstance(settings.cluster, ExistingCluster):
        findings.error(
            f"{path}.kind",
            "two-node-autoscalers",
            f"karpenter, but cluster {settings.cluster.name} is another's and may have Karpenter or Auto Mode "
            "already: two of them buy and end nodes for the same pods",
            "write kind: managed, or make a NodePool in its own",
        )


def _check_mig(pool: KarpenterPool, path: str, findings: Findings) -> None:
    """On AL2023 the operator's MIG manager cuts a node that is there already, and reboots it. Pods therefore select a
    label that it writes afterwards, which no NodePool has: Karpenter finds the pods incompatible with every pool."""
    if isinstance(pool.gpu_sharing, Mig) and not is_bottlerocket(pool):
        findings.error(
            f"{path}.gpuSharing.kind",
            "karpenter-mig",
            "mig on al2023: GPUs are cut, and the node reboots, after it joined; pods wait for a label "
            "(nvidia.com/mig.config.state) that Karpenter cannot foresee, and no node is bought for them",
            "write amiFamily: bottlerocket, which cuts them before the node joins, or kind: managed",
        )


def plan_karpenter(
    settings: StackSettings,
    cluster: CreateClusterPlan | ExistingClusterPlan,
    pools: Sequence[NodeGroupPlan],
    charts: ChartSources,
    findings: Findings,
) -> KarpenterPlan | None:
    """The releases and the AWS half, where a pool is Karpenter's."""
    own = [pool for pool in settings.node_pools if isinstance(pool, KarpenterPool)]
    if not own:
        return None
    return KarpenterPlan(
        chart=charts.reference(CHART, findings),
        crd_chart=charts.reference(CRD_CHART, findings),
        namespace=NAMESPACE,
        cluster_name=cluster.name,
        region=settings.region,
        partition=partition(settings.region),
        replicas=min(MOST_REPLICAS, settings.system_nodes.min_nodes),
        spot=any(pool.may_be_spot for pool in own),
        node_selector={POOL_LABEL: SYSTEM_POOL},
        monitoring_namespace=settings.monitoring.namespace if settings.monitoring.enabled else None,
        scrape_interval_seconds=settings.monitoring.scrape_interval_seconds,
        mirror=image_mirror(settings),
        network=addon_network(settings),
        overlays=any(pool.karpenter is not None and pool.karpenter.told_gpus is not None for pool in pools),
    )
