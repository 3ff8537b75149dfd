"""What DCGM exporter would say of a node's GPUs, simulated: real names and labels, numbers from the simulated engines.

Names and labels: NVIDIA/dcgm-exporter 4.8.2, etc/default-counters.csv and its Prometheus output (read 2026-11-21).
Which GPU a pod has is decided here (the least used one, kept while the pod lives): no device plugin hands any out.
A node's annotation `vllm-on-eks.local/xid: "79"` makes its GPUs report that XID: how tests provoke the alert.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.monitoring.exposition import Families
from planning.model import GPU_RESOURCE

Object = Mapping[str, Any]

XID_ANNOTATION = "vllm-on-eks.local/xid"
DRIVER_VERSION = "595.91.07"
IDLE_POWER_WATTS, BUSY_POWER_WATTS = 18.0, 72.0
"""Of an L4 (72 W board). Other cards draw more; nothing here depends on it."""
IDLE_CELSIUS, BUSY_CELSIUS = 34.0, 68.0
IDLE_MIB, RESERVED_MIB = 4.0, 450.0

# name -> what the file of counters says of it
HELP: Mapping[str, str] = {
    "DCGM_FI_DEV_SM_CLOCK": "SM clock frequency (in MHz).",
    "DCGM_FI_DEV_MEM_CLOCK": "Memory clock frequency (in MHz).",
    "DCGM_FI_DEV_GPU_TEMP": "GPU temperature (in C).",
    "DCGM_FI_DEV_POWER_USAGE": "Power draw (in W).",
    "DCGM_FI_DEV_GPU_UTIL": "GPU utilization (in %).",
    "DCGM_FI_DEV_MEM_COPY_UTIL": "Memory utilization (in %).",
    "DCGM_FI_DEV_XID_ERRORS": "Value of the last XID error encountered.",
    "DCGM_FI_DEV_FB_FREE": "Framebuffer memory free (in MiB).",
    "DCGM_FI_DEV_FB_USED": "Framebuffer memory used (in MiB).",
    "DCGM_FI_DEV_FB_RESERVED": "Framebuffer memory reserved (in MiB).",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": "Ratio of time the graphics engine is active.",
}


@dataclass(frozen=True)
class GpuLoad:
    """What one pod does to its GPU: share of the time it is busy, and share of the memory it holds."""

    busy: float
    memory: float


@dataclass
class Assignments:
    """Which GPUs of a node which pods have: (namespace, pod) -> indexes."""

    held: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)

    def update(self, gpus: int, pods: Iterable[Object]) -> None:
        """Gives back what pods held that are gone, and the least used GPUs to new ones (shared ones have many pods)."""
        gpus_by_pod = {(p["metadata"]["namespace"], p["metadata"]["name"]): gpus_of(p) for p in pods}
        self.held = {key: held for key, held in self.held.items() if gpus_by_pod.get(key)}
        for key, count in sorted(gpus_by_pod.items()):
            if key in self.held or not count:
                continue
            used = [index for held in self.held.values() for index in held]
            self.held[key] = tuple(sorted(range(gpus), key=lambda index: (used.count(index), index))[:count])

    def of(self, index: int) -> list[tuple[str, str]]:
        return sorted(key for key, held in self.held.items() if index in held)


def gpus_of(pod: Object) -> int:
    """GPUs that a pod's containers ask for."""
    limits = [(c.get("resources") or {}).get("limits") or {} for c in pod["spec"]["containers"]]
    return sum(int(amount) for limit in limits for name, amount in limit.items() if name == GPU_RESOURCE)


def physical_gpus(node: Object) -> int:
    """GPUs of the node itself; under MIG the operator's label counts instances, which DCGM lists one by one, too."""
    return int((node["metadata"].get("labels") or {}).get(f"{GPU_RESOURCE}.count", "0"))


def families(node: Object, assignments: Assignments, loads: Mapping[tuple[str, str], GpuLoad], driver: str) -> Families:
    """All series of one node's GPUs."""
    labels = node["metadata"].get("labels") or {}
    xid = float((node["metadata"].get("annotations") or {}).get(XID_ANNOTATION, "0"))
    memory_mib = float(labels.get(f"{GPU_RESOURCE}.memory", "0"))
    families = Families()
    for index in range(physical_gpus(node)):
        holders = assignments.of(index)
        busy = min(sum(loads[key].busy for key in holders if key in loads), 1.0)
        held = min(sum(loads[key].memory for key in holders if key in loads), 1.0)
        used = max(held * memory_mib, IDLE_MIB)
        values = {
            "DCGM_FI_DEV_SM_CLOCK": 2040.0 if busy else 210.0,
            "DCGM_FI_DEV_MEM_CLOCK": 6250.0 if busy else 405.0,
            "DCGM_FI_DEV_GPU_TEMP": round(IDLE_CELSIUS + busy * (BUSY_CELSIUS - IDLE_CELSIUS)),
            "DCGM_FI_DEV_POWER_USAGE": IDLE_POWER_WATTS + busy * (BUSY_POWER_WATTS - IDLE_POWER_WATTS),
            "DCGM_FI_DEV_GPU_UTIL": round(100 * busy),
            "DCGM_FI_DEV_MEM_COPY_UTIL": round(70 * busy),
            "DCGM_FI_DEV_XID_ERRORS": xid,
            "DCGM_FI_DEV_FB_FREE": max(round(memory_mib - used - RESERVED_MIB), 0),
            "DCGM_FI_DEV_FB_USED": round(used),
            "DCGM_FI_DEV_FB_RESERVED": RESERVED_MIB,
            "DCGM_FI_PROF_GR_ENGINE_ACTIVE": round(busy, 4),
        }
        for holder in holders or [("", "")]:
            labels_of_gpu = _labels(node, labels, index, driver, holder)
            for name, value in values.items():
                families.add(name, labels_of_gpu, value, HELP[name])
    return families


def _labels(
    node: Object, labels: Mapping[str, str], index: int, driver: str, holder: tuple[str, str]
) -> dict[str, str]:
    name = node["metadata"]["name"]
    seed = hashlib.sha256(f"{name}/{index}".encode()).hexdigest()
    pod_labels = {
        "gpu": str(index),
        "UUID": f"GPU-{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-{seed[20:32]}",
        "pci_bus_id": f"00000000:{0x30 + index:02X}:00.0",
        "device": f"nvidia{index}",
        "modelName": labels.get(f"{GPU_RESOURCE}.product", "").removesuffix("-SHARED").replace("-", " "),
        "Hostname": name,
        "DCGM_FI_DRIVER_VERSION": driver,
    }
    if holder[1]:
        pod_labels |= {"container": "vllm", "namespace": holder[0], "pod": holder[1]}
    return pod_labels
