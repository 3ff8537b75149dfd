"""Bottlerocket's NVIDIA variants: what a version of them can do, and what a pool asks of them.

The device plugin is a service of the image: it, the MIG manager and the MPS daemon are set by user data, and the GPU
Operator's operands stay off such nodes (bottlerocket-os/bottlerocket#4673, NVIDIA/gpu-operator#946). Facts:
planning/facts/bottlerocket.csv; docs/bottlerocket.md has the whole story.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from planning.facts import rows
from planning.findings import Findings, listed
from planning.model import BottlerocketPlan
from planning.nodes.instances import Gpu
from settings.node_system import AmiFamily
from settings.pools import ManagedPool, NodePool
from settings.sharing import Mig, Mps, TimeSlicing

# Karpenter's own for that volume (v1.14.0, pkg/providers/amifamily/bottlerocket.go); the variants' images have 4 GiB.
SYSTEM_DISK_GIB = 4
# What the MIG manager of the image calls a GPU ("mig.profile" of 1.34.x's settings). It serves B200 since
# bottlerocket-kernel-kit#136, but no document has that GPU's name there.
MIG_MODELS = {"a100-40gb": "a100.40gb", "a100-80gb": "a100.80gb", "h100": "h100.80gb", "h200": "h200.141gb"}
# It removes every operand of the GPU Operator from a node (its controllers/state_manager.go).
OPERANDS_LABEL = "nvidia.com/gpu.deploy.operands"

_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9a-f]{8}))?")
_EXAMPLE = "1.57.0-<8 hex digits>"


def is_bottlerocket(pool: NodePool) -> bool:
    """Whether the pool's nodes run Bottlerocket."""
    return pool.ami_family is AmiFamily.BOTTLEROCKET


def plan_bottlerocket(pool: NodePool, gpu: Gpu, path: str, findings: Findings) -> BottlerocketPlan | None:
    """What its user data says beside how a node joins; None for another family."""
    if not is_bottlerocket(pool):
        return None
    sharing = pool.gpu_sharing
    model = MIG_MODELS.get(gpu.name) if isinstance(sharing, Mig) else None
    if isinstance(sharing, Mig) and model is None and gpu.mig:
        findings.error(
            f"{path}.gpuSharing.kind",
            "bottlerocket-mig",
            f"mig on {gpu.name}: what Bottlerocket's MIG manager calls that GPU is in none of its documents (it has "
            f"{listed(MIG_MODELS)})",
            "write amiFamily: al2023",
        )
    return BottlerocketPlan(SYSTEM_DISK_GIB, model)


def check_bottlerocket(pool: NodePool, path: str, cluster_version: str | None, raid0: bool, findings: Findings) -> None:
    """A pinned version: its form, the cluster's Kubernetes minor, and everything that the pool asks of it."""
    release, where = pool.ami_release_version, f"{path}.amiReleaseVersion"
    if release is None:
        return
    match = _RELEASE.fullmatch(release)
    managed = isinstance(pool, ManagedPool)
    if match is None or (managed and match[4] is None) or _looks_like_al2023(release):
        versions = f"1.57.0, or {_EXAMPLE}" if not managed else f"{_EXAMPLE}, all of it (EKS refuses 1.57.0 alone)"
        findings.error(
            where,
            "ami-release",
            f"{release!r} is no version of Bottlerocket",
            f"write {versions}: SSM's parameter .../latest/image_version, which `python -m preflight <stack>` reads",
        )
        return
    have = (int(match[1]), int(match[2]), int(match[3]))
    for name, what in _asked(pool, cluster_version, raid0):
        since = _since(name)
        if since is not None and have < since:
            version = ".".join(map(str, since))
            findings.error(
                where, "bottlerocket-version", f"{release}: {what} came with {version}", f"write {version} or later"
            )


def old_driver(pool: NodePool, cluster_version: str | None, driver: int) -> str | None:
    """The first version with that driver branch, where a pinned one is older; None where all is well or unknown."""
    match = _RELEASE.fullmatch(pool.ami_release_version or "")
    since = _since(f"driver-{driver}-{cluster_version}")
    if match is None or since is None or (int(match[1]), int(match[2]), int(match[3])) >= since:
        return None
    return ".".join(map(str, since))


def alias_of(release: str) -> str:
    """Karpenter's alias: the version without the commit."""
    return f"bottlerocket@v{release.partition('-')[0]}"


def _looks_like_al2023(release: str) -> bool:
    return re.fullmatch(r"1\.\d{2}\.\d+-20\d{6}", release) is not None


def _asked(pool: NodePool, cluster_version: str | None, raid0: bool) -> Iterator[tuple[str, str]]:
    """Rows of the table that the pool needs, and what each is to the reader."""
    if cluster_version is not None:
        yield f"kubernetes-{cluster_version}", f"the variant for Kubernetes {cluster_version}"
    sharing = pool.gpu_sharing
    if isinstance(sharing, TimeSlicing):
        yield "time-slicing", "gpuSharing: timeSlicing"
    elif isinstance(sharing, Mps):
        yield "mps", "gpuSharing: mps"
    elif isinstance(sharing, Mig):
        yield "mig", "gpuSharing: mig"
    if raid0:  # of older versions Karpenter names the folders itself, less the snapshotter's
        yield "bind-all" if isinstance(pool, ManagedPool) else "instance-store", "instanceStore: raid0 as we set it up"
    if pool.fast_start:
        yield ("bind-all", "fastStart with instanceStore: raid0") if raid0 else ("soci", "fastStart")


@cache
def _since(name: str) -> tuple[int, int, int] | None:
    for row in rows("bottlerocket.csv"):
        if row["name"] == name:
            major, minor, patch = row["since"].split(".")
            return int(major), int(minor), int(patch)
    return None
