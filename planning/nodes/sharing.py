"""One GPU for several pods: what each of them gets, what the node then advertises, what cannot work.

A share is a `Gpu` of its own, so that memory model and roofline say of it what they say of a whole one:

| kind | memory | bandwidth and FLOPs |
|---|---|---|
| mig | the profile's, cut by hardware | the profile's |
| mps | an equal part; CUDA refuses more (`set_default_device_pinned_mem_limit`) | an equal part, when all are busy |
| timeSlicing | all of it: nothing isolates, each pod must take little enough | an equal part, when all are busy |

Facts of the device plugin: cmd/mps-control-daemon/mps/daemon.go and internal/plugin/mps.go of
NVIDIA/k8s-device-plugin, read 2026-11-21. docs/gpu-sharing.md has the whole story.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from math import floor
from types import MappingProxyType

from planning.facts import rows
from planning.findings import Findings, listed
from planning.model import GpuSharingPlan
from planning.nodes.instances import Gpu, instance_types
from settings.models import Model
from settings.pools import NodePool
from settings.sharing import Mig, Mps, TimeSlicing, WholeGpu
from settings.spelling import did_you_mean

WHOLE = GpuSharingPlan()
# What pods that share all of a GPU's memory may take together when we say what to write: contexts and CUDA graphs of
# older vLLM lie beside the share that a pod is told to take. Estimate.
TOGETHER = 0.95


_SHARED_FATE = {
    "mps": (
        "pods of one GPU fail together: a GPU fault of one is reported to all of them (CUDA MPS, error containment)",
        "write kind: mig to isolate them",
    ),
    "timeSlicing": (
        "pods of one GPU take turns and share its memory: one that takes more than it should, or faults, "
        "hurts the others",
        "write kind: mps to limit memory, or kind: mig to isolate them",
    ),
}


@dataclass(frozen=True)
class MigProfile:
    """One way to cut a GPU. `memory_bytes`: what CUDA reports in an instance; shares are of the whole GPU."""

    name: str
    instances: int
    memory_bytes: int
    memory_share: Fraction
    compute_share: Fraction
    source: str


@cache
def mig_profiles(gpu: str) -> Mapping[str, MigProfile]:
    """The profiles of a GPU of the catalogue by name; empty where it has no MIG."""
    profiles = (_profile(row) for row in rows("mig.csv") if row["gpu"] == gpu)
    return MappingProxyType({profile.name: profile for profile in profiles})


def plan_sharing(pool: NodePool, gpu: Gpu, path: str, findings: Findings) -> GpuSharingPlan:
    """How the pool's GPUs are divided; whole ones where that cannot be (findings say why)."""
    sharing = pool.gpu_sharing
    if isinstance(sharing, WholeGpu):
        return WHOLE
    if isinstance(sharing, Mps | TimeSlicing):
        fate, fix = _SHARED_FATE[sharing.kind]
        findings.warning(f"{path}.gpuSharing.kind", "sharing-isolation", f"{sharing.kind}: {fate}", fix)
        return GpuSharingPlan(sharing.kind, sharing.replicas)
    profile = _mig_profile(sharing, gpu, f"{path}.gpuSharing", findings)
    return GpuSharingPlan("mig", profile.instances, profile.name) if profile else WHOLE


def share_of(gpu: Gpu, sharing: GpuSharingPlan) -> Gpu:
    """What one `nvidia.com/gpu` of such a node is to the pod that gets it; speeds as when all its neighbours work."""
    if sharing.kind == "none":
        return gpu
    if sharing.kind == "mig":
        assert sharing.profile is not None
        profile = mig_profiles(gpu.name)[sharing.profile]
        cut = _slower(gpu, profile.memory_share, profile.compute_share)
        memory_mib = floor(gpu.memory_mib * profile.memory_share)
        return replace(
            cut, name=f"{gpu.name} {profile.name}", memory_mib=memory_mib, usable_memory_bytes=profile.memory_bytes
        )
    part = Fraction(1, sharing.pods_per_gpu)
    cut = replace(_slower(gpu, part, part), name=f"{gpu.name} 1/{sharing.pods_per_gpu}")
    if sharing.kind == "timeSlicing":
        return cut
    return replace(
        cut, memory_mib=floor(gpu.memory_mib * part), usable_memory_bytes=floor(gpu.usable_memory_bytes * part)
    )


def larger_than(gpu: Gpu, sharing: GpuSharingPlan) -> list[tuple[str, GpuSharingPlan]]:
    """Larger parts of the GPU in the same way, smallest first, then the whole; each as the stack file writes it."""
    ways: list[tuple[str, GpuSharingPlan]] = []
    if sharing.kind == "none":
        return ways
    if sharing.kind == "mps":
        ways = [
            (f"{{kind: mps, replicas: {parts}}}", GpuSharingPlan("mps", parts))
            for parts in range(sharing.pods_per_gpu - 1, 1, -1)
        ]
    elif sharing.profile is not None:
        profiles = mig_profiles(gpu.name)
        mine = profiles[sharing.profile].memory_bytes
        larger = sorted((p for p in profiles.values() if p.memory_bytes > mine), key=lambda p: p.memory_bytes)
        ways = [(f"{{kind: mig, profile: {p.name}}}", GpuSharingPlan("mig", p.instances, p.name)) for p in larger]
    return [*ways, ("{kind: none}", WHOLE)]


def told_to_vllm(model: Model, sharing: GpuSharingPlan) -> Model:
    """The model as vLLM's arguments must put it.

    Under MPS `cudaMemGetInfo` says that a pod's part is free and the whole GPU is the total (measured by others, see
    docs/gpu-sharing.md), and vLLM takes its share of the total: it is told the share of the whole.
    """
    if sharing.kind != "mps":
        return model
    share = floor(model.gpu_memory_utilization / sharing.pods_per_gpu * 10_000) / 10_000
    return model.model_copy(update={"gpu_memory_utilization": share})


def check_group_shared(model: Model, sharing: GpuSharingPlan, path: str, findings: Findings) -> bool:
    """A replica of several GPUs cannot be made of shares: two may be of one GPU, and MIG has no peer access."""
    if sharing.kind == "none" or model.tensor_parallel * model.pipeline_parallel == 1:
        return True
    why = {
        "mig": "CUDA shows a process one MIG instance, and NCCL does not join several",
        "mps": "the device plugin refuses a pod that asks for more than one share",
        "timeSlicing": "two shares may be the same GPU, and we let the device plugin refuse more than one",
    }[sharing.kind]
    findings.error(
        f"{path}.tensorParallel",
        "sharing-tensor-parallel",
        f"{model.tensor_parallel}, but the pool has gpuSharing: {sharing.kind}: {why}",
        "write tensorParallel: 1, or a pool whose GPUs are whole (gpuSharing: {kind: none})",
    )
    return False


@dataclass(frozen=True)
class Sharer:
    """A model that shares GPUs: where the user wrote it, what share of the memory each pod takes, how many pods."""

    path: str
    name: str
    utilization: float
    most_pods: int


def check_together(sharing: GpuSharingPlan, sharers: Sequence[Sharer], pool: str, findings: Findings) -> None:
    """Time slicing isolates no memory: whichever pods meet on a GPU, they must fit it together."""
    if sharing.kind != "timeSlicing":
        return
    hungriest = sorted(sharers, key=lambda server: -server.utilization)
    shares: list[float] = []
    for sharer in hungriest:
        shares += [sharer.utilization] * min(sharer.most_pods, sharing.pods_per_gpu - len(shares))
    if sum(shares) <= 1 + 1e-9:
        return
    fitting = floor(TOGETHER / len(shares) * 100) / 100
    for sharer in sharers:
        if sharer.utilization > fitting:
            findings.error(
                f"{sharer.path}.gpuMemoryUtilization",
                "sharing-memory",
                f"{sharer.utilization:g}, and {len(shares)} pods may meet on one GPU of {pool} (gpuSharing: "
                f"timeSlicing), which would take {sum(shares):.2f} of its memory: nothing keeps them apart, the last "
                "one ends in out of memory",
                f"write {fitting:g} or less, or gpuSharing: {{kind: mps, replicas: {sharing.pods_per_gpu}}}, which "
                "isolates memory",
            )


def _profile(row: Mapping[str, str]) -> MigProfile:
    return MigProfile(
        name=row["profile"],
        instances=int(row["instances"]),
        memory_bytes=int(float(row["memory_gib"]) * 2**30),
        memory_share=Fraction(row["memory_share"]),
        compute_share=Fraction(row["compute_share"]),
        source=row["source"],
    )


def _mig_profile(mig: Mig, gpu: Gpu, path: str, findings: Findings) -> MigProfile | None:
    known = mig_profiles(gpu.name)
    if not known:
        with_mig = listed(_gpus_with_mig(), 20)
        findings.error(
            f"{path}.kind",
            "mig-none",
            f"mig, but {gpu.name} has no MIG",
            f"write kind: mps or kind: timeSlicing with replicas, or use a GPU that has it: {with_mig}",
        )
        return None
    mig_profile = known.get(mig.profile)
    if mig_profile is None:
        hint = did_you_mean(mig.profile, known, cutoff=0.5) or "write one of them:"
        table = listed((f"{p.name} ({p.instances} × {p.memory_bytes / 2**30:.1f} GiB)" for p in known.values()), 20)
        findings.error(
            f"{path}.profile",
            "mig-profile",
            f"{gpu.name} has no MIG profile {mig.profile!r}",
            f"{hint} It has {table}",
        )
    return mig_profile


def _gpus_with_mig() -> list[str]:
    """With the cheapest EC2 type of each."""
    cheapest: dict[str, tuple[float, str]] = {}
    for instance_type in instance_types().values():
        if instance_type.gpu is not None and mig_profiles(instance_type.gpu.name):
            offer = (instance_type.usd_per_hour or float("inf"), instance_type.name)
            cheapest[instance_type.gpu.name] = min(offer, cheapest.get(instance_type.gpu.name, offer))
    return [f"{gpu} ({name})" for gpu, (_, name) in cheapest.items()]


def _slower(gpu: Gpu, bandwidth: Fraction, compute: Fraction) -> Gpu:
    fp8 = gpu.dense_flops_fp8
    return replace(
        gpu,
        memory_bandwidth_bytes_per_second=gpu.memory_bandwidth_bytes_per_second * float(bandwidth),
        dense_flops_bf16=gpu.dense_flops_bf16 * float(compute),
        dense_flops_fp8=None if fp8 is None else fp8 * float(compute),
    )
