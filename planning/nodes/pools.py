"""Node groups: AMI type, labels, taints, disk, how many nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planning.findings import Findings, listed
from planning.model import (
    GPU_RESOURCE,
    GPU_TAINT,
    POOL_LABEL,
    GpuSharingPlan,
    KarpenterNodesPlan,
    NodeGroupPlan,
    TaintPlan,
)
from planning.nodes.ami import GPU_AMI_TYPES, check_instance, check_release
from planning.nodes.bottlerocket import check_bottlerocket, is_bottlerocket, plan_bottlerocket
from planning.nodes.disks import NodeDisk, plan_disk
from planning.nodes.instances import Gpu, InstanceType, UnknownInstanceType, allocatable_ephemeral_mib, instance_type
from planning.nodes.karpenter import nodes_plan
from planning.nodes.labels import MIG_DONE, MIG_DONE_LABEL, check_words, node_labels
from planning.nodes.numa import gpus_per_numa_node
from planning.nodes.reservations import CAPACITY_TYPES, target
from planning.nodes.sharing import plan_sharing, share_of
from settings.capacity import Spot
from settings.node_system import UpdateStrategy
from settings.pools import KarpenterPool, ManagedPool, NodePool

EKS_STRATEGIES = {UpdateStrategy.MINIMAL: "MINIMAL", UpdateStrategy.SURGE: "DEFAULT"}


@dataclass(frozen=True)
class Pool:
    """A GPU pool whose instance types are known; `types` all have the same GPU, count and architecture.

    `gpu` and `gpus_per_node` are the real ones; `share` is what one `nvidia.com/gpu` is to a pod. `nodes_follow`:
    an autoscaler adds nodes up to `maxNodes` (planning/nodes/growth.py); then most replicas, or those and a rollout's
    further pods, may need more than `minNodes`.
    """

    settings: NodePool
    index: int
    types: tuple[InstanceType, ...]
    gpu: Gpu
    gpus_per_node: int
    group: NodeGroupPlan
    nodes_follow: bool = False
    replicas_may_need_nodes: bool = False
    pods_may_need_nodes: bool = False

    @property
    def most_nodes(self) -> int:
        """How many nodes pods can count on: those that run, or those that may come."""
        return self.group.max_nodes if self.nodes_follow else self.group.desired_nodes

    @property
    def path(self) -> str:
        """Where the user wrote it."""
        return f"nodePools[{self.index}]"

    @property
    def sharing(self) -> GpuSharingPlan:
        """How its GPUs are divided."""
        return self.group.sharing

    @property
    def node_selector(self) -> dict[str, str]:
        """Labels of a node of the pool whose GPUs are as the pool divides them."""
        return {POOL_LABEL: self.settings.name, **self.group.labels_later}

    @property
    def share(self) -> Gpu:
        """What a pod gets for one `nvidia.com/gpu`: the whole GPU, or its part as a GPU of its own."""
        return share_of(self.gpu, self.sharing)

    @property
    def network_gbps(self) -> float:
        """Of the type with the slowest network, all the time: EKS may give us any of them."""
        return min(type_.network_gbps for type_ in self.types)

    @property
    def smallest(self) -> InstanceType:
        """The type that holds least: EKS may give us any of them."""
        return min(self.types, key=lambda type_: type_.allocatable_memory_mib)


def plan_pool(
    pool: NodePool, index: int, cluster_version: str | None, production: bool, findings: Findings
) -> Pool | None:
    """A GPU pool, or None when its instance types do not make one (findings say why)."""
    path = f"nodePools[{index}]"
    types = _gpu_types(pool, path, findings)
    check_words(pool, path, findings)
    disk = plan_disk(pool, types, path, findings) if types else None
    if is_bottlerocket(pool):
        raid0 = disk is not None and disk.instance_store_gib is not None
        check_bottlerocket(pool, path, cluster_version, raid0, findings)
    else:
        check_release(pool, path, cluster_version, findings)
    _check_risks(pool, path, production, findings)
    if disk is None or not _alike(types, path, findings):
        return None
    first = types[0]
    assert first.gpu is not None
    sharing = plan_sharing(pool, first.gpu, path, findings)
    of_karpenter = isinstance(pool, KarpenterPool)
    bottlerocket = plan_bottlerocket(pool, first.gpu, path, findings)
    per_numa_node = gpus_per_numa_node(pool, types, path, findings)
    cut_later = sharing.kind == "mig" and bottlerocket is None  # Bottlerocket cuts them before its kubelet starts
    group = NodeGroupPlan(
        name=pool.name,
        instance_types=tuple(dict.fromkeys(pool.instance_types)),
        capacity_type=CAPACITY_TYPES[pool.capacity.kind],
        ami_type=GPU_AMI_TYPES[pool.ami_family.value, first.arch],
        ami_release_version=pool.ami_release_version,
        min_nodes=pool.min_nodes,
        desired_nodes=pool.min_nodes,  # to begin with: more come when pods need them
        max_nodes=pool.max_nodes,
        spare_nodes=pool.spare_nodes,
        disk_gib=disk.root_gib,
        disk_throughput_mibps=disk.root_mibps,
        disk_iops=disk.root_iops,
        instance_store_gib=disk.instance_store_gib,
        fast_image_pull=pool.fast_start,
        zones=pool.zones,
        labels=node_labels(pool, first.gpu.name, sharing),
        taints=(GPU_TAINT, *(TaintPlan(taint.key, taint.value, taint.effect.value) for taint in pool.taints)),
        node_repair=pool.node_repair,
        gpu=first.gpu.name,
        gpus_per_node=first.gpu_count,
        sharing=sharing,
        labels_later={MIG_DONE_LABEL: MIG_DONE} if cut_later else {},
        update_strategy=EKS_STRATEGIES[pool.update_strategy],
        resources_by_tag={} if of_karpenter else _resources_by_tag(disk.pods_gib, first.gpu_count, sharing),
        karpenter=_of_karpenter(pool, first, disk, sharing),
        bottlerocket=bottlerocket,
        gpus_per_numa_node=per_numa_node,
        reservation=target(pool.capacity),
        subnet_ids=tuple(dict.fromkeys(pool.subnet_ids)) if isinstance(pool, ManagedPool) else (),
    )
    return Pool(pool, index, types, first.gpu, first.gpu_count, group)


def _check_risks(pool: NodePool, path: str, production: bool, findings: Findings) -> None:
    if isinstance(pool.capacity, Spot) and len(set(pool.instance_types)) == 1:
        findings.warning(
            f"{path}.instanceTypes",
            "spot-one-type",
            f"spot with {pool.instance_types[0]} alone is often out of capacity",
            "list several types with the same GPU",
        )
    if production and pool.ami_release_version is None:
        findings.warning(
            f"{path}.amiReleaseVersion",
            "ami-unpinned",
            "not pinned: nodes made later may get another driver (awslabs/amazon-eks-ami#2554 broke vLLM so)",
            "write the release of the AMI you tested",
        )


def _of_karpenter(
    pool: NodePool, first: InstanceType, disk: NodeDisk, sharing: GpuSharingPlan
) -> KarpenterNodesPlan | None:
    if not isinstance(pool, KarpenterPool):
        return None
    return nodes_plan(pool, first, disk.instance_store_gib is not None, sharing)


def _resources_by_tag(disk_gib: int, gpus: int, sharing: GpuSharingPlan) -> dict[str, str]:
    """What the cluster-autoscaler's template of a group without nodes lacks: it knows CPU, memory, pods and whole GPUs
    of the instance type (cloudprovider/aws/aws_manager.go, buildNodeFromTemplate), no disk and no shares of a GPU."""
    disk = {"ephemeral-storage": f"{allocatable_ephemeral_mib(disk_gib)}Mi"}
    shares = gpus * sharing.pods_per_gpu
    return {**disk, GPU_RESOURCE: str(shares)} if sharing.pods_per_gpu > 1 else disk


def _gpu_types(pool: NodePool, path: str, findings: Findings) -> tuple[InstanceType, ...]:
    types = []
    for position, name in enumerate(pool.instance_types):
        if name in pool.instance_types[:position]:
            continue
        where = f"{path}.instanceTypes[{position}]"
        try:
            type_ = instance_type(name)
        except UnknownInstanceType as unknown:
            findings.error(where, "unknown-type", unknown.problem, unknown.remedy)
            continue
        if type_.gpu is None or type_.gpu_count == 0:
            findings.error(
                where,
                "no-gpu",
                f"{name} has no GPU",
                "write for example g6.xlarge (1 L4, $0.80/h) or g5.xlarge (1 A10G)",
            )
        elif check_instance(type_, where, findings):
            types.append(type_)
    return tuple(types)


def _alike(types: tuple[InstanceType, ...], path: str, findings: Findings) -> bool:
    facts: Mapping[str, set[object]] = {
        "GPU": {type_.gpu.name for type_ in types if type_.gpu},
        "GPU count": {type_.gpu_count for type_ in types},
        "architecture": {type_.arch for type_ in types},
    }
    for what, values in facts.items():
        if len(values) > 1:
            kinds = listed(f"{e.name}: {e.gpu_count} × {e.gpu.name if e.gpu else '-'} on {e.arch}" for e in types)
            findings.error(
                f"{path}.instanceTypes", "mixed-pool", f"types differ in {what} ({kinds})", "make a pool for each"
            )
            return False
    return True
