"""Volumes: which storage class there is, who may mount what it makes, and how fast weights come from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planning.facts import optional_float, rows
from planning.findings import Findings
from planning.model import CachePlan, CreateNetworkPlan, ExistingNetworkPlan
from planning.nodes.fit import DISK_SHARE
from planning.units import GIB
from settings.cluster import CreateCluster
from settings.models import EfsCache, Model, StreamCache, VolumeCache
from settings.pools import ManagedPool
from settings.sources import ClaimSource, ImageSource
from settings.stack import StackSettings

GP3_CLASS = "gp3"

# Of an unknown class: an elastic file system read by one client took 43 minutes for 140 GB
# (modelplaneai/modelplane#204: 54 MB/s). Deliberately slow: probes and time-outs are sized by it.
UNKNOWN_MIBPS = 60


@dataclass(frozen=True)
class StorageClass:
    """A row of facts/volumes.csv; `read_mibps` None: not known."""

    kind: str
    read_mibps: float | None
    in_new_cluster: bool


@cache
def storage_classes() -> dict[str, StorageClass]:
    """By name."""
    return {
        row["storage_class"]: StorageClass(
            row["kind"], optional_float(row["read_mibps"]), row["in_new_cluster"] == "yes"
        )
        for row in rows("volumes.csv")
    }


def read_mibps(cache: VolumeCache) -> float:
    """What a pod reads from the volume, MiB/s."""
    known = storage_classes().get(cache.storage_class)
    return cache.throughput_mibps or (known and known.read_mibps) or UNKNOWN_MIBPS


def check_classes(settings: StackSettings, findings: Findings) -> None:
    """Classes that nothing in a cluster of our own provides: their claims would be Pending forever."""
    if not isinstance(settings.cluster, CreateCluster):
        return
    asked = [
        (f"models[{index}].cache.storageClass", model.cache.storage_class)
        for index, model in enumerate(settings.models)
        if isinstance(model.cache, VolumeCache)
    ]
    if settings.monitoring.installed:
        asked.append(("monitoring.storageClass", settings.monitoring.storage_class))
    there = [name for name, storage_class in storage_classes().items() if storage_class.in_new_cluster]
    for where, name in asked:
        if name not in (*there, *settings.cluster.storage_classes):
            more = "" if where.startswith("monitoring") else ", or cache: {kind: efs}"
            findings.error(
                where,
                "storage-class",
                f"{name}: in a cluster that this stack creates nothing provides it (no driver and no file system), "
                "and the claim would stay Pending",
                f"write {' or '.join(there)}{more}. A class that you make in it yourself stands in "
                f"cluster.storageClasses: [{name}]",
            )


def plan_cache(model: Model, on_disk_bytes: int, advertised_gpus: int, path: str, findings: Findings) -> CachePlan:
    """Size and kind of the weights' volume. `advertised_gpus`: `nvidia.com/gpu` of a node."""
    needed_gib = -(-round(on_disk_bytes * DISK_SHARE) // GIB) + 1
    cache = model.cache
    if isinstance(cache, StreamCache):
        return CachePlan("stream", 0)
    if isinstance(model.origin, ClaimSource | ImageSource):
        return CachePlan("claim" if isinstance(model.origin, ClaimSource) else "image", 0)
    if not isinstance(cache, VolumeCache | EfsCache):
        return CachePlan("emptyDir", needed_gib)
    where = f"{path}.cache"
    size_gib = cache.size_gib or needed_gib
    if size_gib < needed_gib:
        findings.estimate(
            f"{where}.sizeGib",
            "cache-size",
            f"{size_gib} GiB; the weights take about {needed_gib} GiB with their other files",
            model.accepted_risks.node_fit,
            "nodeFit",
            fix=f"write {needed_gib}",
        )
    if isinstance(cache, EfsCache):
        return CachePlan("efs", size_gib)
    _check_access(cache, max(1, advertised_gpus // model.gpus_per_pod), model, where, findings)
    return CachePlan("persistentVolume", size_gib, cache.storage_class, cache.access_mode)


def _check_access(cache: VolumeCache, per_node: int, model: Model, where: str, findings: Findings) -> None:
    known = storage_classes().get(cache.storage_class)
    if cache.access_mode == "ReadWriteMany" and known is not None and known.kind == "ebs":
        findings.error(
            f"{where}.accessMode",
            "cache-access",
            f"ReadWriteMany, but {cache.storage_class} makes EBS volumes, which one node mounts",
            "write kind: efs, emptyDir, or ReadWriteOnce, which keeps all pods on one node",
        )
    most = model.autoscaling.max_replicas
    alone = model.nodes == 1  # else it is refused (planning/serving/groups.py)
    if cache.access_mode == "ReadWriteOnce" and most > per_node and alone:
        findings.error(
            f"{where}.accessMode",
            "cache-access",
            f"ReadWriteOnce: one node mounts the volume and holds {per_node} replica{'s' * (per_node > 1)}, "
            f"autoscaling.maxReplicas is {most}",
            f"write kind: efs, emptyDir, or maxReplicas: {per_node}",
        )


def check_volume_zones(
    settings: StackSettings, network: CreateNetworkPlan | ExistingNetworkPlan, findings: Findings
) -> None:
    """Pods that follow their EBS volume into its zone, on a pool whose nodes start in any.

    The cluster-autoscaler moves a group's size and cannot choose a zone; Karpenter reads the volume's and buys there
    (https://docs.aws.amazon.com/eks/latest/eksctl/autoscaling.html, zone-aware auto scaling, 2026-11-28).
    """
    pools = {pool.name: (index, pool) for index, pool in enumerate(settings.node_pools)}
    for index, model in enumerate(settings.models):
        number, pool = pools.get(settings.pool_name_of(model) or "", (0, None))
        if not isinstance(pool, ManagedPool) or not _is_zonal(model) or _in_one_zone(pool, network):
            continue
        if isinstance(network, CreateNetworkPlan):
            first = f"zones: [{network.zones[0]}]"
        else:
            first = f"subnetIds: [{network.private_subnet_ids[0]}]"
        findings.warning(
            f"models[{index}].cache.storageClass",
            "volume-zone",
            f"an EBS volume stays in the zone of the first pod that mounts it, and nodes of {pool.name} start in "
            "several: a server waits for as long as that zone has no node with a free GPU",
            f"write cache: {{kind: efs}}, or nodePools[{number}].{first}",
        )


def _is_zonal(model: Model) -> bool:
    """Whether its weights are on a volume that one zone has; of a class that is not known: no."""
    if not isinstance(model.cache, VolumeCache) or isinstance(model.origin, ClaimSource | ImageSource):
        return False
    known = storage_classes().get(model.cache.storage_class)
    return known is not None and known.kind == "ebs" and model.cache.access_mode == "ReadWriteOnce"


def _in_one_zone(pool: ManagedPool, network: CreateNetworkPlan | ExistingNetworkPlan) -> bool:
    if isinstance(network, CreateNetworkPlan):
        return len(pool.zones or network.zones) == 1
    return len(pool.subnet_ids or network.private_subnet_ids) == 1


def plan_storage_class(settings: StackSettings) -> str | None:
    """The gp3 class we make: a new EKS cluster has gp2 only, unencrypted; an existing one has its own."""
    names = {model.cache.storage_class for model in settings.models if isinstance(model.cache, VolumeCache)}
    if settings.monitoring.installed:
        names.add(settings.monitoring.storage_class)
    return GP3_CLASS if isinstance(settings.cluster, CreateCluster) and GP3_CLASS in names else None
