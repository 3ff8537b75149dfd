"""What a model's pod asks of its node, checked against every node its pool may give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from planning.findings import Findings
from planning.model import CachePlan, PodResources
from planning.nodes.ami import NVIDIA_AMI_FAMILIES
from planning.nodes.disks import too_small
from planning.nodes.fit import (
    IMAGE_UNPACKED_MIB,
    SHARING_DAEMONS,
    Daemon,
    Room,
    default_cpu_millicores,
    default_ephemeral_mib,
    default_memory_mib,
    default_shared_memory_mib,
    node_room,
    unrequested_memory_mib,
)
from planning.nodes.instances import allocatable_ephemeral_mib, instance_types
from planning.nodes.numa import check_size, exclusive_cores
from planning.nodes.pools import Pool
from planning.nodes.quantity import MIB, as_cpu, as_mib, mib, millicores
from planning.nodes.sidecars import beside_the_server
from planning.nodes.volumes import plan_cache
from settings.models import EmptyDirCache, Model
from settings.sources import BucketSource, HubSource, ImageSource

# The download holds file chunks and the hub client in memory, not the weights. Estimate.
DOWNLOAD_MEMORY_MIB = 3 * 1024
# CUDA context, Python, tokenizer per GPU worker; below this vLLM is killed while it starts. Estimate.
LEAST_MEMORY_PER_GPU_MIB = 4 * 1024


@dataclass(frozen=True)
class PodPlan:
    """Resources of the server and of the download, and the pod's size for the scheduler.

    `accepted`: why the user takes the risk that the node estimate is right.
    """

    server: PodResources
    download: PodResources
    room: Room
    cache: CachePlan
    accepted: str | None = None


def plan_pod(
    model: Model, pool: Pool, on_disk_bytes: int, daemons: tuple[Daemon, ...], path: str, findings: Findings
) -> PodPlan:
    """Requests as written or computed; findings where a node cannot hold them."""
    daemons = (*daemons, *SHARING_DAEMONS.get(pool.sharing.kind, ()))
    node = pool_room(pool, daemons)
    gpus = model.gpus_per_pod
    weights_mib = on_disk_bytes // MIB
    own_disk = isinstance(model.cache, EmptyDirCache) and isinstance(model.origin, HubSource | BucketSource)
    asked = model.resources
    shared = _shared_memory_mib(model, pool, path, findings)
    sidecar = beside_the_server(model)
    cores = _cores(model, node, pool, sidecar.cpu_millicores, path, findings)
    room = Room(
        gpus=gpus,
        cpu_millicores=cores,
        memory_mib=mib(asked.memory)
        if asked.memory
        else default_memory_mib(node, gpus, weights_mib, shared, unrequested_memory_mib(daemons)),
        ephemeral_mib=mib(asked.ephemeral_storage)
        if asked.ephemeral_storage
        else default_ephemeral_mib(weights_mib, own_disk),
    )
    if not asked.memory:
        room = replace(room, memory_mib=room.memory_mib - sidecar.memory_mib)
    whole = replace(
        room,
        cpu_millicores=room.cpu_millicores + sidecar.cpu_millicores,
        memory_mib=room.memory_mib + sidecar.memory_mib,
        ephemeral_mib=room.ephemeral_mib + sidecar.ephemeral_mib,
    )
    _check_node(model, whole, node, pool, path, findings)
    _check_memory(model, room, shared, path, findings)
    _check_disk(model, room, weights_mib if isinstance(model.origin, ImageSource) else 0, pool, path, findings)
    _check_download(model, node, pool, path, findings)
    server = PodResources(
        as_cpu(room.cpu_millicores),
        as_mib(room.memory_mib),
        as_mib(room.ephemeral_mib),
        as_mib(shared) if shared else None,
        gpus,
        cpu_limit=as_cpu(room.cpu_millicores) if pool.group.gpus_per_numa_node else None,
    )
    downloads = as_cpu(min(1000, room.cpu_millicores))
    download = PodResources(
        downloads,
        as_mib(mib(asked.download_memory) if asked.download_memory else min(DOWNLOAD_MEMORY_MIB, room.memory_mib)),
        as_mib(room.ephemeral_mib if own_disk else 1024),
        as_mib(64),
        0,
        # every container of a pod with cores of its own is limited to what it requests (QoS class Guaranteed)
        cpu_limit=downloads if pool.group.gpus_per_numa_node else None,
    )
    cache = plan_cache(model, on_disk_bytes, pool.group.advertised_gpus, path, findings)
    return PodPlan(server, download, whole, cache, model.accepted_risks.node_fit)


def _cores(model: Model, node: Room, pool: Pool, beside_millicores: int, path: str, findings: Findings) -> int:
    """CPU request of the server, thousandths of a core. What stands beside it comes off the default before that is
    rounded to whole cores; what the user wrote is the server's alone.
    """
    gpus, asked = model.gpus_per_pod, model.resources.cpu
    wanted = millicores(asked) if asked else default_cpu_millicores(node, gpus) - beside_millicores
    per_node = pool.group.gpus_per_numa_node
    if per_node is None:
        return wanted
    check_size(gpus, per_node, path, findings)
    return exclusive_cores(wanted, bool(asked), gpus, per_node, pool.smallest, path, findings)


def _check_download(model: Model, node: Room, pool: Pool, path: str, findings: Findings) -> None:
    asked = model.resources.download_memory
    if asked and mib(asked) > node.memory_mib:
        left = as_mib(max(0, node.memory_mib // 1024 * 1024))
        findings.estimate(
            f"{path}.resources.downloadMemory",
            "node-fit",
            f"{asked} asked, {left} left on {pool.smallest.name} after kubelet and DaemonSets: the downloader is "
            "never scheduled",
            model.accepted_risks.node_fit,
            "nodeFit",
            fix=f"write at most {left}",
        )


def pool_room(pool: Pool, daemons: tuple[Daemon, ...]) -> Room:
    """What pods may request of the smallest node of a pool; its GPUs are what the device plugin advertises."""
    return node_room(pool.smallest, pool.group.pods_disk_gib, daemons, pool.sharing.pods_per_gpu)


def _shared_memory_mib(model: Model, pool: Pool, path: str, findings: Findings) -> int:
    """/dev/shm of our own; 0 under MPS, whose clients need the daemon's, which the device plugin mounts there
    (NVIDIA/k8s-device-plugin internal/plugin/mps.go): a volume of ours would lie over it.
    """
    asked = model.resources.shared_memory
    if pool.sharing.kind != "mps":
        return mib(asked) if asked else default_shared_memory_mib(model.gpus_per_pod)
    if asked:
        findings.error(
            f"{path}.resources.sharedMemory",
            "sharing-shm",
            f"{asked}, but under gpuSharing: mps the device plugin mounts the MPS daemon's /dev/shm (64Mi) into the "
            "pod and CUDA does not find the daemon without it",
            "leave sharedMemory out",
        )
    return 0


def _check_node(model: Model, room: Room, node: Room, pool: Pool, path: str, findings: Findings) -> None:
    asks = (
        ("cpu", room.cpu_millicores, node.cpu_millicores, as_cpu, 100, lambda kind: kind.cpu_millicores),
        ("memory", room.memory_mib, node.memory_mib, as_mib, 1024, lambda kind: kind.memory_mib),
    )
    for name, requested, there, as_text, step, of in asks:
        if requested > there:
            left = as_text(max(0, there // step * step))
            findings.estimate(
                f"{path}.resources.{name}",
                "node-fit",
                f"{as_text(requested)} asked, {left} left on {pool.smallest.name} after kubelet and DaemonSets: the "
                "pod is never scheduled",
                model.accepted_risks.node_fit,
                "nodeFit",
                fix=f"write at most {left}{_roomier(pool, requested, of)}",
            )


def _roomier(pool: Pool, requested: int, of: Callable[[Room], int]) -> str:
    """The cheapest type with the same GPU that has that much."""
    fitting = [
        (instance_type.usd_per_hour, instance_type.name)
        for instance_type in instance_types().values()
        if instance_type.gpu == pool.gpu
        and instance_type.usd_per_hour is not None
        and instance_type.family in NVIDIA_AMI_FAMILIES
        and of(node_room(instance_type, pool.group.pods_disk_gib, ())) >= requested * 1.02
    ]
    return f", or use {min(fitting)[1]} (${min(fitting)[0]:g}/h)" if fitting else ""


def _check_memory(model: Model, room: Room, shared_mib: int, path: str, findings: Findings) -> None:
    least = shared_mib + LEAST_MEMORY_PER_GPU_MIB * room.gpus
    if room.memory_mib < least:
        field = "memory" if model.resources.memory else "sharedMemory"
        findings.estimate(
            f"{path}.resources.{field}",
            "pod-memory",
            f"{as_mib(room.memory_mib)} of memory hold {as_mib(shared_mib)} of /dev/shm and leave "
            f"{as_mib(max(0, room.memory_mib - shared_mib))} for {room.gpus} worker{'s' * (room.gpus > 1)}, which "
            f"need {as_mib(LEAST_MEMORY_PER_GPU_MIB)} each: the kernel kills them",
            model.accepted_risks.node_fit,
            "nodeFit",
            fix=f"write memory: {as_mib(least)} or more",
        )


def _check_disk(model: Model, room: Room, image_volume_mib: int, pool: Pool, path: str, findings: Findings) -> None:
    """`image_volume_mib`: an image of weights, which lies on the node once beside the server's."""
    # As many as the GPUs hold, or as there ever are: one more while a rollout goes on.
    per_node = max(1, min(pool.group.advertised_gpus // room.gpus, model.autoscaling.max_replicas + 1))
    needed = IMAGE_UNPACKED_MIB + image_volume_mib + per_node * room.ephemeral_mib
    short = too_small(pool.group, pool.path, needed)
    if short is None:
        return
    where, there, write = short
    have = allocatable_ephemeral_mib(pool.group.pods_disk_gib)
    findings.estimate(
        where,
        "disk-fit",
        f"{there} leave {have // 1024}Gi for pods; the image ({as_mib(IMAGE_UNPACKED_MIB)}) and "
        f"{per_node} × {model.name} ({as_mib(room.ephemeral_mib)}, see {path}) need {-(-needed // 1024)}Gi",
        model.accepted_risks.node_fit,
        "nodeFit",
        fix=write,
    )
