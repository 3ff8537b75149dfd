"""OpenCost's source and prices. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenCostPlan:
    """What OpenCost asks, and what it counts with: a node is its cores, its memory and its GPUs at these prices."""

    prometheus_url: str
    cluster: str
    """What it calls the cluster."""
    cpu_usd_per_hour: float
    """Of a core."""
    memory_usd_per_gib_hour: float
    gpu_usd_per_hour: float
    """Of a GPU, beside the cores and memory of its node."""
    storage_usd_per_gib_hour: float
    scrape_interval_seconds: int
