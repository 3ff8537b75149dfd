"""EC2 instance types and GPUs: what they hold, what pods may ask of them, what they cost.

Rows are in `facts/instances.csv` (made by `tools/generate_instances.py`) and `facts/gpus.csv` (by hand, with
sources). Look-ups that fail name the nearest entries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import floor
from types import MappingProxyType

from planning.facts import optional_float, rows
from settings.spelling import nearest

# EC2 states L4, A10G and L40S 7 % below the size they are sold with.
_SOLD_SIZE_TOLERANCE = 0.12


class UnknownInstanceType(LookupError):
    """No such EC2 type in the catalogue; `suggestions` are the nearest names."""

    def __init__(self, name: str, suggestions: tuple[str, ...]) -> None:
        self.name = name
        self.suggestions = suggestions
        self.problem = f"no instance type {name!r} in the catalogue"
        near = f"did you mean {' or '.join(suggestions)}?" if suggestions else "write one of its types"
        self.remedy = f"{near} ({_families()})"
        super().__init__(f"{self.problem}; {self.remedy}")


class UnknownGpu(LookupError):
    """No such GPU in the catalogue; `suggestions` are the nearest names."""

    def __init__(self, name: str, suggestions: tuple[str, ...]) -> None:
        self.name = name
        self.suggestions = suggestions
        super().__init__(_not_found(f"GPU {name!r}", suggestions, "GPUs: " + ", ".join(gpus())))


# Compute capabilities of generations; what vLLM needs which for: docs/features/quantization/README.md of vLLM 0.33.0.
TURING = (7, 5)
AMPERE = (8, 0)
ADA = (8, 9)


@dataclass(frozen=True)
class Gpu:
    """One GPU model with one memory size.

    `memory_mib` is what its maker or EC2 states; `usable_memory_bytes` what CUDA reports as total, which is what
    vLLM multiplies by its utilization. Speeds are data-sheet peaks without sparsity. `link`: between the GPUs of one
    machine, `nvlink` or `pcie`.
    """

    name: str
    product: str
    memory_mib: int
    usable_memory_bytes: int
    compute_capability: tuple[int, int]
    memory_bandwidth_bytes_per_second: float
    dense_flops_bf16: float
    dense_flops_fp8: float | None
    mig: bool
    link: str
    source: str

    @property
    def is_part(self) -> bool:
        """Whether EC2 sells it as a part of a GPU (g6f, gr6f), by the profile at the end of its product's name."""
        return re.search(r"-\d+Q$", self.product) is not None


@dataclass(frozen=True)
class InstanceType:
    """One EC2 type. `allocatable_*`: what kubelet leaves for pods, DaemonSets included, on an EKS node.

    `ebs_bandwidth_mbps` is the burst limit in megabits per second, `network_gbps` the sustained one.
    """

    name: str
    family: str
    arch: str
    vcpu: int
    memory_mib: int
    gpu: Gpu | None
    gpu_count: int
    nvme_gb: int
    ebs_bandwidth_mbps: int
    network_gbps: float
    allocatable_cpu_millicores: int
    allocatable_memory_mib: int
    allocatable_pods: int
    usd_per_hour: float | None
    source: str
    dated: str


def instance_type(name: str) -> InstanceType:
    """The EC2 type of that name; raises UnknownInstanceType."""
    instance = instance_types().get(name)
    if instance is None:
        raise UnknownInstanceType(name, nearest(name, instance_types(), most=3))
    return instance


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Every type of the catalogue by name, in the catalogue's order."""
    table = (_instance(row) for row in rows("instances.csv"))
    return MappingProxyType({row.name: row for row in table})


def gpu(name: str, memory_gib: float | None = None) -> Gpu:
    """The GPU of that name: `l4`, `a100-80gb`, `NVIDIA A100-SXM4-40GB`, `RTX A6000`.

    A name sold with several memory sizes takes the one in the name or `memory_gib` (as sold), else the smallest;
    a size that no card of the name has raises UnknownGpu as an unknown name does. `H100 PCIe` has no NVLink.
    """
    stated = re.search(r"(\d+) ?gi?b", name.lower())
    memory_gib = memory_gib or (float(stated[1]) if stated else None)
    matching = [
        gpu_row for gpu_row in gpus().values() if _plain(name) in (_plain(gpu_row.name), _plain(gpu_row.product))
    ]
    if memory_gib is not None:
        matching = [
            gpu_row for gpu_row in matching if abs(gpu_row.memory_mib / 1024 / memory_gib - 1) < _SOLD_SIZE_TOLERANCE
        ]
    if not matching:
        raise UnknownGpu(name, nearest(name, gpus(), 0.4, most=3))
    card = min(matching, key=lambda gpu_row: gpu_row.memory_mib)
    return replace(card, link="pcie") if "pcie" in name.lower() else card


@cache
def gpus() -> Mapping[str, Gpu]:
    """Every GPU of the catalogue by name."""
    return MappingProxyType({row["name"]: _gpu(row) for row in rows("gpus.csv")})


def usable_memory_bytes(memory_gib: float) -> int:
    """What CUDA reports on a card outside the table that is sold with that memory.

    A fraction is taken as CUDA's own figure, a whole number as the maker's, of which drivers keep 1 % on HBM cards
    (40 GB, 80 GB and more) and about 2 % on others; cards with ECC in GDDR6 keep more (L4 8 %), so name those.
    """
    high_bandwidth = memory_gib == 40 or memory_gib >= 80
    share = 1.0 if not float(memory_gib).is_integer() else 0.99 if high_bandwidth else 0.98
    return int(memory_gib * share * 2**30)


def allocatable_ephemeral_mib(disk_gib: int) -> int:
    """Ephemeral storage pods may ask of a node with that root volume, MiB.

    kubelet's default hard eviction threshold `nodefs.available<10%` and the `ephemeral-storage: 1Gi` that EKS
    nodes reserve for system daemons (nodeadm kubelet defaults, awslabs/amazon-eks-ami) come off, and about 2 % that
    XFS itself takes of a gp3 volume.
    """
    capacity = disk_gib * 1024 * 0.98
    return max(0, floor(capacity - capacity * 0.10 - 1024))


def _instance(row: Mapping[str, str]) -> InstanceType:
    return InstanceType(
        name=row["name"],
        family=row["name"].split(".")[0],
        arch=row["arch"],
        vcpu=int(row["vcpu"]),
        memory_mib=int(row["memory_mib"]),
        gpu=gpus()[row["gpu"]] if row["gpu"] else None,
        gpu_count=int(row["gpu_count"]),
        nvme_gb=int(row["nvme_gb"]),
        ebs_bandwidth_mbps=int(row["ebs_bandwidth_mbps"]),
        network_gbps=float(row["network_gbps"]),
        allocatable_cpu_millicores=int(row["allocatable_cpu_millicores"]),
        allocatable_memory_mib=int(row["allocatable_memory_mib"]),
        allocatable_pods=int(row["allocatable_pods"]),
        usd_per_hour=optional_float(row["usd_per_hour"]),
        source=row["source"],
        dated=row["dated"],
    )


def _gpu(row: Mapping[str, str]) -> Gpu:
    major, minor = row["compute_capability"].split(".")
    fp8 = optional_float(row["dense_tflops_fp8"])
    return Gpu(
        name=row["name"],
        product=row["product"],
        memory_mib=int(row["memory_mib"]),
        usable_memory_bytes=int(float(row["usable_memory_gib"]) * 2**30),
        compute_capability=(int(major), int(minor)),
        memory_bandwidth_bytes_per_second=float(row["memory_bandwidth_gb_per_second"]) * 1e9,
        dense_flops_bf16=float(row["dense_tflops_bf16"]) * 1e12,
        dense_flops_fp8=None if fp8 is None else fp8 * 1e12,
        mig=row["mig"] == "yes",
        link=row["link"],
        source=row["source"],
    )


def _plain(name: str) -> str:
    """A GPU name without maker, brand, socket and memory size."""
    return re.sub(r"nvidia|geforce|tesla|rtx|sxm\d?|pcie|hbm\d?e?|\d+ ?gi?b|[^a-z0-9]", "", name.lower())


def _families() -> str:
    families = dict.fromkeys(instance_type.family for instance_type in instance_types().values())
    return "families in the catalogue: " + ", ".join(families)


def _not_found(what: str, suggestions: tuple[str, ...], all_of_them: str) -> str:
    nearest = f"; did you mean {' or '.join(suggestions)}?" if suggestions else ""
    return f"no {what} in the catalogue{nearest} ({all_of_them})"
