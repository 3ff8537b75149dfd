"""What node-exporter would say of a KWOK node, simulated: its size and that it idles; nothing runs on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local.monitoring.exposition import Families

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text: str) -> float:
    """A Kubernetes quantity as a number: bytes, cores or a count."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([a-zA-Z]*)", str(text))
    if match is None or (match[2] != "m" and match[2] not in UNITS):
        raise ValueError(f"{text!r} is no quantity")
    return float(match[1]) / 1000 if match[2] == "m" else float(match[1]) * UNITS[match[2]]


def families(node: Mapping[str, Any]) -> Families:
    """The series that node dashboards begin with."""
    capacity = (node.get("status") or {}).get("capacity") or {}
    families = Families()
    families.add(
        "node_uname_info", {"nodename": node["metadata"]["name"], "sysname": "Linux", "release": "simulated"}, 1
    )
    total = quantity(capacity.get("memory", "0"))
    families.add("node_memory_MemTotal_bytes", {}, total, "Memory information field MemTotal_bytes.")
    families.add("node_memory_MemAvailable_bytes", {}, total, "Memory information field MemAvailable_bytes.")
    for cpu in range(int(quantity(capacity.get("cpu", "0")))):
        families.add("node_cpu_info", {"cpu": str(cpu)}, 1, "CPU information.")
    families.add("node_load1", {}, 0, "1m load average.")
    return families
