"""What a pod may ask of its node, what it asks by default, and how many nodes a set of pods needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from planning.nodes.instances import InstanceType, allocatable_ephemeral_mib
from planning.versions.pins import CHARTS


@dataclass(frozen=True)
class Daemon:
    """A DaemonSet on GPU nodes. Requests count for the scheduler; `typical_memory_mib` is what it really takes."""

    name: str
    cpu_millicores: int
    memory_mib: int
    typical_memory_mib: int
    part_of: str
    source: str


def _of(chart: str, values: str) -> str:
    return f"{chart} {CHARTS[chart].version}: {values}"


# typical_memory_mib are estimates from limits and from similar clusters; they only shape our default requests.
DAEMONS = (
    Daemon("aws-node", 50, 0, 120, "cluster", "aws-vpc-cni: 25m for aws-node and 25m for its policy agent, 2026-11"),
    Daemon("kube-proxy", 100, 0, 50, "cluster", "EKS add-on kube-proxy: cpu 100m, 2026-11"),
    Daemon("ebs-csi-node", 30, 120, 120, "cluster", "aws-ebs-csi-driver 2.64.0: 3 containers × 10m/40Mi"),
    Daemon("eks-pod-identity-agent", 0, 0, 30, "cluster", "aws/eks-pod-identity-agent values.yaml: no requests"),
    Daemon("eks-node-monitoring-agent", 10, 30, 100, "cluster", "aws/eks-node-monitoring-agent v1.7.0: 10m/30Mi"),
    Daemon("dcgm-server", 0, 0, 300, "cluster", "aws/eks-node-monitoring-agent v1.7.0: no requests"),
    Daemon("nvidia-device-plugin", 0, 0, 60, "gpu-operator", _of("gpu-operator", "resources {}")),
    Daemon("gpu-feature-discovery", 0, 0, 60, "gpu-operator", _of("gpu-operator", "resources {}")),
    Daemon("nvidia-operator-validator", 0, 0, 20, "gpu-operator", _of("gpu-operator", "resources {}")),
    Daemon("nvidia-dcgm-exporter", 0, 0, 400, "gpu-operator", _of("gpu-operator", "resources {}")),
    Daemon(
        "node-feature-discovery-worker",
        5,
        64,
        64,
        "gpu-operator",
        _of("gpu-operator", "5m/64Mi in the chart of node-feature-discovery"),
    ),
    Daemon("node-exporter", 0, 0, 50, "monitoring", _of("kube-prometheus-stack", "resources {}")),
)

# Of pools with that kind of sharing only.
SHARING_DAEMONS = {
    "mig": (Daemon("nvidia-mig-manager", 0, 0, 60, "gpu-operator", _of("gpu-operator", "resources {}")),),
    "mps": (Daemon("nvidia-device-plugin-mps-control-daemon", 0, 0, 100, "gpu-operator", _of("gpu-operator", "none")),),
}

# The vLLM image unpacked; containerd of the AL2023 AMI discards the packed layers. 9.4-10.8 GB packed were measured
# for images of this kind (aws-samples/karpenter-blueprints soci README and issue 32); 2.3 times that is an estimate.
IMAGE_UNPACKED_MIB = 24 * 1024
# Logs, compile caches (/cache/vllm ~ 100 MB), tokenizer files, the pod's writable layers.
SCRATCH_MIB = 8 * 1024
# Weights on disk against weights in memory: a repository's other files. Estimate.
DISK_SHARE = 1.1


@dataclass(frozen=True)
class Room:
    """An amount of everything the scheduler counts."""

    gpus: int
    cpu_millicores: int
    memory_mib: int
    ephemeral_mib: int

    def minus(self, other: Room, times: int = 1) -> Room:
        """What is left after `times` of the other."""
        return Room(
            self.gpus - times * other.gpus,
            self.cpu_millicores - times * other.cpu_millicores,
            self.memory_mib - times * other.memory_mib,
            self.ephemeral_mib - times * other.ephemeral_mib,
        )

    def plus(self, other: Room) -> Room:
        """Both together."""
        return self.minus(other, -1)

    def within(self, other: Room) -> Room:
        """No more of anything than the other has."""
        return Room(
            min(self.gpus, other.gpus),
            min(self.cpu_millicores, other.cpu_millicores),
            min(self.memory_mib, other.memory_mib),
            min(self.ephemeral_mib, other.ephemeral_mib),
        )

    def holds(self, other: Room) -> int:
        """How many of the other fit."""
        pairs = (
            (self.gpus, other.gpus),
            (self.cpu_millicores, other.cpu_millicores),
            (self.memory_mib, other.memory_mib),
            (self.ephemeral_mib, other.ephemeral_mib),
        )
        return max(0, min(mine // theirs for mine, theirs in pairs if theirs > 0))


def daemons(gpu_operator: bool, monitoring: bool) -> tuple[Daemon, ...]:
    """The DaemonSets of a stack's GPU nodes."""
    parts = {"cluster"} | ({"gpu-operator"} if gpu_operator else set()) | ({"monitoring"} if monitoring else set())
    return tuple(daemon for daemon in DAEMONS if daemon.part_of in parts)


def node_room(node: InstanceType, disk_gib: int, present: Iterable[Daemon], pods_per_gpu: int = 1) -> Room:
    """What pods may request of a node after the kubelet's and the DaemonSets' share.

    `pods_per_gpu`: `nvidia.com/gpu` the device plugin advertises for each GPU.
    """
    present = tuple(present)
    return Room(
        gpus=node.gpu_count * pods_per_gpu,
        cpu_millicores=node.allocatable_cpu_millicores - sum(daemon.cpu_millicores for daemon in present),
        memory_mib=node.allocatable_memory_mib - sum(daemon.memory_mib for daemon in present),
        ephemeral_mib=allocatable_ephemeral_mib(disk_gib),
    )


def unrequested_memory_mib(present: Iterable[Daemon]) -> int:
    """Memory the DaemonSets really take beyond their requests; our default requests leave it free."""
    return sum(max(0, daemon.typical_memory_mib - daemon.memory_mib) for daemon in present)


def default_cpu_millicores(room: Room, gpus: int) -> int:
    """CPU request: the pod's share of the node less 5 %, at most 4 cores and 4 more per GPU.

    One busy core per GPU worker, one for the engine's scheduler, the rest for tokenizing and HTTP; there is no limit.
    """
    share = room.cpu_millicores * gpus // max(1, room.gpus)
    return max(100, min(4000 + 4000 * gpus, share * 95 // 100) // 100 * 100)


def default_memory_mib(room: Room, gpus: int, weights_mib: int, shared_memory_mib: int, unrequested_mib: int) -> int:
    """Memory request and limit: the pod's share of the node, at most weights once through the page cache and 12 GiB
    per GPU for Python, CUDA and NCCL; /dev/shm counts against it.
    """
    share = (room.memory_mib - unrequested_mib) * gpus // max(1, room.gpus)
    memory_mib = weights_mib + 12 * 1024 * gpus + 4 * 1024 + shared_memory_mib
    return max(1024, min(memory_mib, share * 97 // 100) // 256 * 256)


def default_shared_memory_mib(gpus: int) -> int:
    """/dev/shm: NCCL and vLLM's message queues. 2 GiB per GPU of a group; 1 GiB alone. vLLM's docs ask for --ipc=host
    or enough shared memory and name no figure: estimate.
    """
    return 1024 if gpus == 1 else 2048 * gpus


def default_ephemeral_mib(weights_on_disk_mib: int, weights_in_pod: bool) -> int:
    """Ephemeral storage: scratch, and the weights when they are in an emptyDir. Images do not count for a pod."""
    weights = round(weights_on_disk_mib * DISK_SHARE) if weights_in_pod else 0
    return (weights + SCRATCH_MIB + 1023) // 1024 * 1024


@dataclass(frozen=True)
class Packing:
    """Nodes that pods were put on, and how many nodes have how much room left."""

    nodes: int
    left: tuple[tuple[Room, int], ...]

    def holds_one_more(self, pod: Room, node: Room, nodes: int) -> bool:
        """Whether `nodes` nodes would hold one more such pod."""
        return self.nodes <= nodes and (
            (self.nodes < nodes and node.holds(pod) > 0) or any(room.holds(pod) > 0 for room, _ in self.left)
        )


def pack(pods: Iterable[tuple[Room, int]], node: Room) -> Packing | None:
    """First fit of `count` pods of each kind, largest GPU need first; None when one pod fits no node.

    Pods that are alike and nodes with the same room left are counted together, so the work grows with the kinds of
    pods and not with pods.
    """
    kinds: Counter[Room] = Counter()
    for room, count in pods:
        kinds[room] += count
    partly: Counter[Room] = Counter()
    total = 0
    for pod, count in sorted(kinds.items(), key=lambda item: (-item[0].gpus, -item[0].memory_mib)):
        left = count
        for room in sorted(partly, key=lambda room: (room.gpus, room.memory_mib)):
            if left == 0:
                break
            left = _fill(partly, room, partly[room], pod, left)
        per_node = node.holds(pod)
        if left > 0 and per_node == 0:
            return None
        if left > 0:
            fresh = -(-left // per_node)
            total += fresh
            _fill(partly, node, fresh, pod, left)
    return Packing(total, tuple(partly.items()))


def _fill(partly: Counter[Room], room: Room, nodes: int, pod: Room, count: int) -> int:
    """Puts up to `count` pods on `nodes` nodes with that room left; returns how many remain."""
    per_node = room.holds(pod)
    if per_node == 0:
        return count
    placed = min(count, per_node * nodes)
    full, rest = divmod(placed, per_node)
    partly[room] -= min(partly[room], full + (rest > 0))
    partly[room.minus(pod, per_node)] += full
    if rest:
        partly[room.minus(pod, rest)] += 1
    for key in [key for key, value in partly.items() if value == 0]:
        del partly[key]
    return count - placed
