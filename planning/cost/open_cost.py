"""OpenCost's prices out of the plan's: one for a core, one for a GiB and one for a GPU, which is all that it takes.

Its custom provider knows no instance types (opencost 1.120 pkg/cloud/provider/customprovider.go: "TODO: support
multiple custom gpu types"): nodes without GPU give the prices of cores and memory, GPU nodes what is left for a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planning.cluster.addon_network import existing_prometheus
from planning.cost.lines import gp3_usd_per_hour
from planning.findings import Findings
from planning.model import (
    PROMETHEUS_PORT,
    PROMETHEUS_SERVICE,
    CreateClusterPlan,
    ExistingClusterPlan,
    NodeGroupPlan,
    OpenCostPlan,
)
from planning.nodes.instances import InstanceType, instance_type
from planning.nodes.prices import known_prices
from settings.stack import StackSettings

SECTION = "openCost.install"
# A core's price ÷ a GiB's: OpenCost's own defaults, 0.031611 and 0.004237 (configs/default.json, 2026-11-28). It
# divides a node between cores and memory; the node's sum is the plan's whatever it is.
CORE_TO_GIB = 0.031611 / 0.004237
# From here on the recorded costs (vllm_on_eks:usd_per_hour), which know each type, are the ones to read.
TOLERATED_SHARE = 0.05
_MIB_PER_GIB = 1024


def plan_open_cost(
    settings: StackSettings,
    cluster: CreateClusterPlan | ExistingClusterPlan,
    system: NodeGroupPlan,
    pools: Sequence[NodeGroupPlan],
    findings: Findings,
) -> OpenCostPlan | None:
    """None: not asked for, or there is no Prometheus, which is refused."""
    if not settings.open_cost.install:
        return None
    monitoring = settings.monitoring
    if not monitoring.enabled:
        words = "OpenCost reads what pods asked for and used from Prometheus, and monitoring is off"
        findings.error(SECTION, "open-cost", words, "write monitoring: {enabled: true}, or leave openCost out")
        return None
    core, gib = _of_nodes(list(_priced([system], settings.region)))
    gpu = _of_gpus(list(_priced(pools, settings.region)), core, gib, findings)
    there = existing_prometheus(settings)
    own = f"http://{PROMETHEUS_SERVICE}.{monitoring.namespace}.svc:{PROMETHEUS_PORT}"
    return OpenCostPlan(
        prometheus_url=there.address if there else own,
        cluster=cluster.name,
        cpu_usd_per_hour=core,
        memory_usd_per_gib_hour=gib,
        gpu_usd_per_hour=gpu,
        storage_usd_per_gib_hour=round(gp3_usd_per_hour(1), 8),
        scrape_interval_seconds=monitoring.scrape_interval_seconds,
    )


def _priced(groups: Sequence[NodeGroupPlan], region: str) -> Iterator[tuple[InstanceType, float, int]]:
    """Types with their price, and the GPUs that a node of theirs advertises."""
    for group in groups:
        for name, usd in known_prices(group, region).items():
            yield instance_type(name), usd, group.advertised_gpus


def _gib(node: InstanceType) -> float:
    return node.memory_mib / _MIB_PER_GIB


def _of_nodes(nodes: list[tuple[InstanceType, float, int]]) -> tuple[float, float]:
    """Prices of a core and a GiB, so that nodes without GPU come out at their price; of several types their mean."""
    shares = [usd / (CORE_TO_GIB * node.vcpu + _gib(node)) for node, usd, _ in nodes]
    gib = sum(shares) / len(shares) if shares else 0.0
    return round(CORE_TO_GIB * gib, 6), round(gib, 6)


def _of_gpus(nodes: list[tuple[InstanceType, float, int]], core: float, gib: float, findings: Findings) -> float:
    """What is left of GPU nodes for a GPU; of several types the mean, and a warning where one is far from it."""
    left = [(node, usd, gpus, (usd - core * node.vcpu - gib * _gib(node)) / gpus) for node, usd, gpus in nodes if gpus]
    if not left:
        return 0.0
    mean = max(0.0, sum(rest for *_, rest in left) / len(left))
    off = {node.name: (mean - rest) * gpus / usd for node, usd, gpus, rest in left}
    far = [f"{name} {share:+.0%}" for name, share in off.items() if abs(share) > TOLERATED_SHARE]
    if far:
        findings.warning(
            SECTION,
            "open-cost-prices",
            f"OpenCost has one price for all GPUs, and nodes come out at {', '.join(sorted(far))} of theirs",
            "read vllm_on_eks:usd_per_hour and the cost dashboard, which know each type",
        )
    return round(mean, 6)
