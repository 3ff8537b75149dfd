"""Time from the decision to add a replica to its first answer, as a sum of named terms with a range each.

`cold_start` is that on a node which is there; what comes before on a new one is planning/nodes/growth.py's.
Ranges are for sizing probes, windows and time-outs, not promises: low is a warm node, high a bad day.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from planning.memory.size import ModelSize
from planning.model import ColdStartTerm, ServedModel
from planning.nodes.pools import Pool
from planning.nodes.volumes import UNKNOWN_MIBPS, read_mibps
from planning.serving.sources import way_of
from planning.units import GIB
from settings.models import EfsCache, EmptyDirCache, Model, VolumeCache
from settings.shared_files import keeps_compiled

# Rates in bytes per second.
IMAGE_PACKED_BYTES = 10.8e9
DOWNLOAD_FAST = 1.0e9
DOWNLOAD_SLOW = 60e6
# gp3 measured below its setting by readers that map files (a 9.4 GiB load took 142 s on an A10G: 70 MB/s at the
# 125 MiB/s default), so the slow case is 40 % of the slower of disk and EBS link.
DISK_SHARE_SLOW = 0.4
PAGE_CACHE_RATE = 3.5 * GIB
# 48 s for 8.8 GB on AL2023 with FastImagePull (AWS' guide on start-up of AI workloads); 39.6 s for 9.35 GB on gp3 of
# 1,000 MiB/s and 16,000 IOPS (aws-samples/karpenter-blueprints, soci-snapshotter).
FAST_PULL_RATE = 8.8e9 / 48
# Llama-3-8B in 4.24 s from S3 on g5.12xlarge (run-ai/runai-model-streamer docs/src/benchmarks.md); half of the network
# on a bad day: estimate.
S3_FAST = 3.5 * GIB
S3_SHARE_SLOW = 0.5
ROLLOUT_MARGIN = 1.5
IMAGE_TERM = "pull image"
LONGEST_ROLLOUT_SECONDS = 4 * 3600
# AWS publishes no throughput of instance stores by type, only random 4 KiB reads of some. So the slow case is the same
# share of the slowest of three reads of one such disk (m5d.4xlarge, 688 to 819 MB/s by hdparm, 340 MB/s written:
# gist.github.com/ouranos/bcad6055); more disks are not counted as faster.
INSTANCE_STORE_RATE = 688e6
INSTANCE_STORE_WRITE_RATE = 340e6
_UNPUBLISHED = "40 % of 688 MB/s, read from one instance-store disk of another family (AWS publishes none by type)"


@dataclass(frozen=True)
class ColdStartInputs:
    """What the times depend on. `volume_mibps`: of the volume with the weights, None where the node's disk has them."""

    weights_on_disk_bytes: int
    gpus: int
    disk_mibps: int
    ebs_bandwidth_mbps: int
    network_gbps: float
    enforce_eager: bool
    downloads_per_pod: bool
    volume_mibps: float | None = None
    shared_mibps: tuple[float, float] | None = None
    """Slow and fast end of what a pod reads from the stack's file system; None: the weights are not there."""
    way: str = "hub"
    """How weights come (planning/serving/sources.py): hub and bucket are downloaded, stream, claim, image are not."""
    fast_pull: bool = False
    """Image layers are pulled and unpacked in parallel (nodePools[].fastStart)."""
    compiled: bool = False
    """What torch.compile made is kept for the next pod (models[].compileCache)."""
    instance_store: bool = False
    """The node's disk is its instance store, and `disk_mibps` the root volume's, which then holds the system only."""


def inputs_of(model: Model, pool: Pool, size: ModelSize, shared_mibps: float = 0.0) -> ColdStartInputs:
    """What a model's times depend on, on the nodes of its pool; `shared_mibps`: of the file system, at most."""
    slowest = min(pool.types, key=lambda candidate: candidate.ebs_bandwidth_mbps)
    return ColdStartInputs(
        weights_on_disk_bytes=size.on_disk_bytes,
        gpus=model.gpus_per_pod,
        disk_mibps=pool.group.disk_throughput_mibps,
        instance_store=pool.group.instance_store_gib is not None,
        fast_pull=pool.group.fast_image_pull,
        ebs_bandwidth_mbps=slowest.ebs_bandwidth_mbps,
        network_gbps=pool.network_gbps,
        enforce_eager=model.enforce_eager,
        compiled=keeps_compiled(model),
        way=way_of(model),
        downloads_per_pod=isinstance(model.cache, EmptyDirCache),
        volume_mibps=read_mibps(model.cache) if isinstance(model.cache, VolumeCache) else None,
        shared_mibps=(model.cache.throughput_mibps or min(UNKNOWN_MIBPS, shared_mibps), shared_mibps)
        if isinstance(model.cache, EfsCache)
        else None,
    )


def cold_start(inputs: ColdStartInputs) -> tuple[ColdStartTerm, ...]:
    """All terms in order, on a node that is there."""
    terms = [
        ColdStartTerm("schedule", 1, 10, "kube-scheduler and kubelet; estimate"),
        _image(inputs),
        *_fetch(inputs),
        *load_terms(inputs),
    ]
    return tuple(terms)


def load_terms(inputs: ColdStartInputs) -> tuple[ColdStartTerm, ...]:
    """The terms between the start of the vLLM container and its first /health: the startup probe's span."""
    weights = _streamed(inputs) if inputs.way == "stream" else _shared(inputs) if inputs.shared_mibps else _read(inputs)
    python = ColdStartTerm(
        "start Python and CUDA",
        15,
        30 + 5 * inputs.gpus,
        "16-20 s need no GPU (llm-d-autoscaling gpu-free-overprovisioning); 5 s per worker more: estimate",
    )
    if inputs.enforce_eager:
        return (python, weights)
    return (
        python,
        weights,
        _compile(inputs),
        ColdStartTerm(
            "capture CUDA graphs", 5, 30, "11.4 s for Qwen3-32B on H100 (llm-d-autoscaling); range: estimate"
        ),
    )


def _compile(inputs: ColdStartInputs) -> ColdStartTerm:
    measured = "torch.compile 53-80 s, 6 s from a cache on the node (AWS fast-model-loading)"
    if inputs.compiled:
        why = f"kept on the file system; {measured}; high: 4 s more to unpack, estimate; the first server of all: 80 s"
        return ColdStartTerm("compile", 6, 10, why)
    return ColdStartTerm("compile", 6, 80, f"{measured}; with compileCache: efs: 10 s")


def seconds(terms: tuple[ColdStartTerm, ...]) -> tuple[float, float]:
    """Sum of the low and of the high ends, s."""
    return sum(term.low_seconds for term in terms), sum(term.high_seconds for term in terms)


def replica_seconds(model: ServedModel) -> tuple[float, float]:
    """Low and high end of what scaling counts with: on a new node, where more replicas may need one, s.

    A replica that finds a node comes sooner; but one let go too early costs its node too, and the policy was found on
    cold starts that began with a node's (simulation/supply.py).
    """
    return seconds((*(model.node_start if model.replicas_may_need_nodes else ()), *model.cold_start))


def on_spare_node(terms: tuple[ColdStartTerm, ...]) -> tuple[ColdStartTerm, ...]:
    """Those of a pod that takes a placeholder's place: the node is there, and has pulled the pool's images for it."""
    return tuple(term for term in terms if term.name != IMAGE_TERM)


def pod_seconds(model: ServedModel) -> tuple[float, float]:
    """Low and high end from a pod's creation to Ready, on a new node where any pod may need one, s: for time-outs."""
    return seconds((*model.node_start, *model.cold_start))


def download_seconds(weights_on_disk_bytes: int, volume_mibps: float | None = None) -> float:
    """How long the download takes on a bad day, s; `volume_mibps`: of the volume that it is written to."""
    rate = DOWNLOAD_SLOW if volume_mibps is None else min(DOWNLOAD_SLOW, volume_mibps * 2**20 * DISK_SHARE_SLOW)
    return weights_on_disk_bytes / rate


def deadlines(
    times: ColdStartInputs,
    nodes: tuple[ColdStartTerm, ...],
    terms: tuple[ColdStartTerm, ...],
    grace_period_seconds: float,
    replicas: int,
) -> tuple[int, int]:
    """Of the download Job and of a rollout of so many replicas, s."""
    # The Job's deadline covers its pod's wait for a node, the image, and the slower of network and volume.
    before = seconds((*nodes, *terms[:2]))[1]
    download = before + download_seconds(times.weights_on_disk_bytes, times.volume_mibps)
    high = seconds((*nodes, *terms))[1]
    rollout = (high * ROLLOUT_MARGIN + grace_period_seconds) * replicas
    return (
        math.ceil(max(600, download * ROLLOUT_MARGIN)),
        min(LONGEST_ROLLOUT_SECONDS, math.ceil(max(900, rollout))),
    )


def _read(inputs: ColdStartInputs) -> ColdStartTerm:
    own = inputs.volume_mibps is None
    if own and inputs.instance_store:
        disk, why = INSTANCE_STORE_RATE, _UNPUBLISHED
    else:
        disk = min((inputs.volume_mibps or inputs.disk_mibps) * 2**20, inputs.ebs_bandwidth_mbps * 1e6 / 8)
        why = f"40 % of the slower of {'gp3' if own else 'the volume'} and EBS link"
    return ColdStartTerm(
        "load weights",
        round(inputs.weights_on_disk_bytes / max(disk, PAGE_CACHE_RATE), 1),
        round(inputs.weights_on_disk_bytes / (disk * DISK_SHARE_SLOW), 1),
        f"low: page cache at 3.5 GiB/s; high: {why}",
    )


def _shared(inputs: ColdStartInputs) -> ColdStartTerm:
    """From the file system: vLLM reads ahead by itself on NFS (0.32.0 model_loader/weight_utils.py, _get_fs_type)."""
    assert inputs.shared_mibps is not None
    slow, fast = inputs.shared_mibps
    best = min(fast * 2**20, inputs.network_gbps * 1e9 / 8)
    return ColdStartTerm(
        "load weights",
        round(inputs.weights_on_disk_bytes / best, 1),
        round(inputs.weights_on_disk_bytes / min(slow * 2**20, best), 1),
        f"EFS: at most {fast:g} MiB/s for one client (EFS guide, performance); high: {slow:g} MiB/s, by one report "
        "(modelplaneai/modelplane#204) or cache.throughputMibps",
    )


def _from_s3(inputs: ColdStartInputs) -> tuple[float, float]:
    """Seconds from S3, at best and on a bad day; the table's network is what an instance has all the time."""
    link = inputs.network_gbps * 1e9 / 8
    return inputs.weights_on_disk_bytes / min(S3_FAST, link), inputs.weights_on_disk_bytes / (link * S3_SHARE_SLOW)


def _streamed(inputs: ColdStartInputs) -> ColdStartTerm:
    low, high = _from_s3(inputs)
    why = "S3 by many connections: 3.5 GiB/s (run-ai benchmarks.md), at most the instance's network; high: half of it"
    return ColdStartTerm("stream weights", round(low, 1), round(high, 1), why)


def _image(inputs: ColdStartInputs) -> ColdStartTerm:
    ebs = min(inputs.disk_mibps * 2**20, inputs.ebs_bandwidth_mbps * 1e6 / 8)
    slowest_disk = INSTANCE_STORE_WRITE_RATE if inputs.instance_store else ebs
    unpack = IMAGE_PACKED_BYTES * 2.3 / slowest_disk
    link = inputs.network_gbps * 1e9 / 8
    usual = round(max(160.0, unpack * 1.5), 1)
    fast = round(max(IMAGE_PACKED_BYTES / FAST_PULL_RATE, IMAGE_PACKED_BYTES / link, unpack), 1)
    known = "0 when the node has it"
    if inputs.fast_pull:
        why = f"{known}; in parallel 8.8 GB took 48 s (AWS), else by network or disk; without fastStart: {usual:g} s"
        return ColdStartTerm(IMAGE_TERM, 0, fast, why)
    why = f"{known}; 10.76 GB took 138 s (karpenter-blueprints#32); on slow disks by unpacked size"
    return ColdStartTerm(IMAGE_TERM, 0, usual, f"{why}; with nodePools[].fastStart: {min(fast, usual):g} s")


def _fetch(inputs: ColdStartInputs) -> Iterator[ColdStartTerm]:
    """What brings the weights to the node before the server starts."""
    if inputs.way == "image":
        # Pulled and unpacked as images are; weights do not get smaller by packing.
        share = inputs.weights_on_disk_bytes / (IMAGE_PACKED_BYTES * 2.3)
        pull = _image(inputs)
        why = "the volume's image, pulled as another image is, by its size; 0 when the node has it"
        yield ColdStartTerm("pull weights", 0, round(pull.high_seconds * share, 1), why)
    elif inputs.downloads_per_pod and inputs.way == "bucket":
        low, high = _from_s3(inputs)
        yield ColdStartTerm("download weights", round(low, 1), round(high, 1), "S3, at most the instance's network")
    elif inputs.downloads_per_pod and inputs.way == "hub":
        yield _download(inputs)


def _download(inputs: ColdStartInputs) -> ColdStartTerm:
    link = inputs.network_gbps * 1e9 / 8
    return ColdStartTerm(
        "download weights",
        round(inputs.weights_on_disk_bytes / min(DOWNLOAD_FAST, link), 1),
        round(download_seconds(inputs.weights_on_disk_bytes), 1),
        "Hugging Face: 60 MB/s to 1 GB/s, at most the instance's network; estimate",
    )
