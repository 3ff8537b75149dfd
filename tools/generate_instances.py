"""Writes planning/facts/instances.csv: what each EC2 type holds and what it leaves for pods; and region_families.csv:
which GPU families a region sells.

Run as `python tools/generate_instances.py`, `--check` to see whether the file is current. Shapes come from the raw
DescribeInstanceTypes answer that the moto package carries (no network), prices from planning/facts/prices.csv.
What kubelet leaves for pods follows the formulas that Karpenter and the EKS AMI use, see `allocatable_*` below.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

FACTS = Path(__file__).parent.parent / "planning" / "facts"
OUT = FACTS / "instances.csv"
REGIONS_OUT = FACTS / "region_families.csv"
_COLUMN_NAMES = (
    "name arch vcpu memory_mib gpu gpu_count nvme_gb ebs_bandwidth_mbps network_gbps allocatable_cpu_millicores "
    "allocatable_memory_mib allocatable_pods usd_per_hour dated source"
)
COLUMNS = _COLUMN_NAMES.split()
GPU_FAMILIES = (
    "g4dn",
    "g5",
    "g5g",
    "g6",
    "gr6",
    "g6f",
    "gr6f",
    "g6e",
    "g7",
    "g7e",
    "p4d",
    "p4de",
    "p5",
    "p5e",
    "p5en",
    "p6-b200",
    "p6-b300",
)
SYSTEM_FAMILIES = ("t3", "m5", "m6i", "m6a", "m6g", "m7i", "m7a", "m7g", "c7i", "r7i")
SYSTEM_SIZES = ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge")

# EC2 calls GPUs of two memory sizes by one name, and writes long ones its own way.
GPU_NAMES = {
    ("A100", 40960): "a100-40gb",
    ("A100", 81920): "a100-80gb",
    ("T4g", 16384): "t4g",
    ("L4", 11444): "l4-half",
    ("L4", 5722): "l4-quarter",
    ("L4", 2861): "l4-eighth",
    ("RTX PRO 4500", 32768): "rtx-pro-4500",
    ("RTX PRO Server 6000", 98304): "rtx-pro-6000",
}

# Share of the stated memory that a guest never sees; Karpenter's default, `--vm-memory-overhead-percent`.
VM_MEMORY_OVERHEAD = 0.075
HARD_EVICTION_MIB = 100
# Graviton guests set 64 MiB aside for the contiguous memory allocator (Karpenter, same file).
ARM_CMA_MIB = 64
HEADER = """\
# Made by tools/generate_instances.py; do not edit.
# Shapes: DescribeInstanceTypes as carried by moto {moto}. Allocatable: kubeReserved of the EKS AMI and Karpenter
# (aws/karpenter-provider-aws pkg/providers/instancetype/types.go). Price: on-demand, Linux, us-east-1, with its own
# date and source; empty where no public table has one.
"""


def allocatable_cpu_millicores(vcpu: int) -> int:
    """EKS reserves 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of all others."""
    reserved: float = 60 * min(vcpu, 1) + 10 * min(max(vcpu - 1, 0), 1) + 5 * min(max(vcpu - 2, 0), 2)
    reserved += 2.5 * max(vcpu - 4, 0)
    return math.floor(vcpu * 1000 - reserved)


def allocatable_memory_mib(memory_mib: int, pods: int, arch: str) -> int:
    """Guest memory less 255 MiB + 11 MiB per possible pod less the hard eviction threshold."""
    stated = memory_mib - (ARM_CMA_MIB if arch == "arm64" else 0)
    guest = math.floor(stated * (1 - VM_MEMORY_OVERHEAD))
    return guest - (255 + 11 * pods) - HARD_EVICTION_MIB


def allocatable_pods(network: dict[str, Any]) -> int:
    """Pods the VPC CNI can address: secondary IPv4 of the default card's interfaces, plus 2 on the host network."""
    card = network["NetworkCards"][network["DefaultNetworkCardIndex"]]
    interfaces: int = card["MaximumNetworkInterfaces"]
    return interfaces * (int(network["Ipv4AddressesPerInterface"]) - 1) + 2


def network_gbps(network: dict[str, Any]) -> float:
    """Sustained bandwidth: EC2's own figure where it is not an "up to", else the baseline of the cards."""
    stated = re.fullmatch(r"(?:(\d+)x )?([\d.]+) Gigabit", network["NetworkPerformance"])
    if stated:
        return int(stated[1] or 1) * float(stated[2])
    return float(sum(card["BaselineBandwidthInGbps"] for card in network["NetworkCards"]))


def row(raw: dict[str, Any], price: dict[str, str] | None, source: str) -> dict[str, object]:
    """One line of the table."""
    memory_mib, vcpu = raw["MemoryInfo"]["SizeInMiB"], raw["VCpuInfo"]["DefaultVCpus"]
    pods = allocatable_pods(raw["NetworkInfo"])
    gpus = raw.get("GpuInfo", {}).get("Gpus", [])
    name = gpus[0]["Name"] if gpus else ""
    arch = next(a for a in raw["ProcessorInfo"]["SupportedArchitectures"] if a != "i386")
    return {
        "name": raw["InstanceType"],
        "arch": arch,
        "vcpu": vcpu,
        "memory_mib": memory_mib,
        "gpu": GPU_NAMES.get((name, gpus[0]["MemoryInfo"]["SizeInMiB"]), name.lower()) if gpus else "",
        # A type with a part of a GPU has a count of 0 and one logical GPU.
        "gpu_count": gpus[0]["Count"] or gpus[0]["LogicalGpuCount"] if gpus else 0,
        "nvme_gb": raw.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
        "ebs_bandwidth_mbps": raw["EbsInfo"]["EbsOptimizedInfo"]["MaximumBandwidthInMbps"],
        "network_gbps": f"{network_gbps(raw['NetworkInfo']):g}",
        "allocatable_cpu_millicores": allocatable_cpu_millicores(vcpu),
        "allocatable_memory_mib": allocatable_memory_mib(memory_mib, pods, arch),
        "allocatable_pods": pods,
        "usd_per_hour": price["usd_per_hour"] if price else "",
        "dated": price["dated"] if price else "",
        "source": f"{source}; price: {price['source'] if price else 'none found'}",
    }


def table() -> str:
    """The whole file."""
    shapes = json.loads(gzip.decompress(files("moto").joinpath("ec2/resources/instance_types.json.gz").read_bytes()))
    lines = (FACTS / "prices.csv").read_text(encoding="utf-8").splitlines()
    prices = {p["name"]: p for p in csv.DictReader(line for line in lines if not line.startswith("#"))}
    out = io.StringIO()
    out.write(HEADER.format(moto=version("moto")))
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name in _wanted(shapes):
        writer.writerow(row(shapes[name], prices.get(name), f"moto {version('moto')} DescribeInstanceTypes"))
    return out.getvalue()


REGIONS_HEADER = """\
# Made by tools/generate_instances.py; do not edit.
# GPU families that a region sells: DescribeInstanceTypeOfferings of each region as carried by moto {moto},
# read {dated}. What AWS has added since is not here.
region,families
"""
READ = "2026-11-27"


def region_families() -> str:
    """The whole file of regions."""
    folder = files("moto").joinpath("ec2/resources/instance_type_offerings/region")
    moto = version("moto")
    lines = [REGIONS_HEADER.format(moto=moto, dated=READ)]
    for file in sorted(folder.iterdir(), key=lambda offer: offer.name):
        offered = json.loads(gzip.decompress(file.read_bytes()) if file.name.endswith(".gz") else file.read_bytes())
        sold = {offer["InstanceType"].split(".")[0] for offer in offered}
        lines.append(f"{file.name.split('.')[0]},{' '.join(name for name in GPU_FAMILIES if name in sold)}\n")
    return "".join(lines)


def _wanted(shapes: dict[str, dict[str, Any]]) -> list[str]:
    def family(name: str) -> str:
        return name.split(".")[0]

    gpu = [n for n in shapes if family(n) in GPU_FAMILIES]
    system = [n for n in shapes if family(n) in SYSTEM_FAMILIES and n.split(".")[1] in SYSTEM_SIZES]
    order = GPU_FAMILIES + SYSTEM_FAMILIES
    return sorted(gpu + system, key=lambda n: (order.index(family(n)), shapes[n]["MemoryInfo"]["SizeInMiB"]))


def main() -> int:
    """Writes the files, or with --check compares them."""
    tables = {OUT: table(), REGIONS_OUT: region_families()}
    if "--check" in sys.argv[1:]:
        old = [path.name for path, text in tables.items() if path.read_text(encoding="utf-8") != text]
        if old:
            print(f"{', '.join(old)} not current: run python tools/generate_instances.py", file=sys.stderr)
        return 1 if old else 0
    for path, text in tables.items():
        path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {len(text.splitlines())} lines")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
