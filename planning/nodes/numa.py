"""GPUs and cores of one NUMA node (`numaAlignment: singleNode`): where it can be had, and which pods then start.

The kubelet's Topology Manager refuses a pod whose devices no single node has; the scheduler does not know of it and
sends the next pod to the same node, over and over (pytorch/ci-infra#652). So the plan admits only pods that always fit:
of one size within a pool, a size that divides a NUMA node's GPUs, with their share of its cores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from planning.facts import rows
from planning.findings import Findings, listed
from planning.nodes.instances import InstanceType
from settings.node_system import NumaAlignment
from settings.pools import NodePool
from settings.sharing import WholeGpu
from settings.stack import StackSettings

CORE = 1000
_NOT = "leave numaAlignment out"


@dataclass(frozen=True)
class NumaFacts:
    """Of an instance type. `hints`: yes, no, unknown or empty, as the table says."""

    nodes: int
    hints: str
    source: str


@cache
def numa_facts() -> Mapping[str, NumaFacts]:
    """By instance type; those that are known."""
    return {row["name"]: NumaFacts(int(row["nodes"]), row["hints"], row["source"]) for row in rows("numa.csv")}


def gpus_per_numa_node(pool: NodePool, types: Sequence[InstanceType], path: str, findings: Findings) -> int | None:
    """Of a pool that asks for alignment and can have it; else None (findings say why)."""
    if pool.numa_alignment is NumaAlignment.ANY:
        return None
    where = f"{path}.numaAlignment"
    troubles = {type_.name: trouble for type_ in types if (trouble := _trouble(type_)) is not None}
    for name, trouble in troubles.items():
        serve = listed(known for known, facts in numa_facts().items() if facts.nodes > 1 and facts.hints == "yes")
        findings.error(where, "numa-type", f"singleNode, but {name} {trouble}", f"{_NOT}, or take {serve}")
    if not isinstance(pool.gpu_sharing, WholeGpu):
        findings.error(
            where,
            "numa-sharing",
            f"singleNode with gpuSharing: {pool.gpu_sharing.kind}: pods of one GPU are on its NUMA node as it is",
            _NOT,
        )
    return None if troubles else min(type_.gpu_count // numa_facts()[type_.name].nodes for type_ in types)


def check_numa(settings: StackSettings, findings: Findings) -> None:
    """Pods of two sizes on such nodes: the larger one waits for a half that the smaller ones never leave it."""
    for pool in settings.node_pools:
        if pool.numa_alignment is NumaAlignment.ANY:
            continue
        own = [
            (index, model) for index, model in enumerate(settings.models) if settings.pool_name_of(model) == pool.name
        ]
        sizes = {model.gpus_per_pod for _, model in own}
        for index, model in own if len(sizes) > 1 else ():
            findings.error(
                f"models[{index}].tensorParallel",
                "numa-sizes",
                f"{model.gpus_per_pod}, and models of pool {pool.name} (numaAlignment: singleNode) have "
                f"{listed(map(str, sorted(sizes)))}: the scheduler does not see NUMA nodes, and pods of two sizes "
                "leave each other halves that the kubelet refuses",
                "write one number for all of them, or a pool for each",
            )


def check_size(gpus: int, per_node: int | None, path: str, findings: Findings) -> None:
    """A pod's GPUs against a NUMA node's."""
    if per_node is not None and per_node % gpus:
        fitting = listed(str(size) for size in range(1, per_node + 1) if per_node % size == 0)
        findings.error(
            f"{path}.tensorParallel",
            "numa-size",
            f"{gpus} GPUs, and a NUMA node of the pool (numaAlignment: singleNode) has {per_node}: the kubelet refuses "
            "the pod (TopologyAffinityError)" + ("" if gpus > per_node else ", or leaves GPUs that none can use"),
            f"write one of {fitting}, or numaAlignment: any",
        )


def exclusive_cores(
    wanted_millicores: int, asked: bool, gpus: int, per_node: int, node: InstanceType, path: str, findings: Findings
) -> int:
    """Whole cores of a pod, thousandths: the CPU Manager gives exclusive ones to whole requests only. `asked`: by the
    user, and not ours to change."""
    facts = numa_facts()[node.name]
    kept = -(-(node.vcpu * CORE - node.allocatable_cpu_millicores) // CORE)
    most = (node.vcpu // facts.nodes - kept) * gpus // per_node
    cores = max(1, min(wanted_millicores // CORE, most))
    if asked and wanted_millicores != cores * CORE:
        findings.error(
            f"{path}.resources.cpu",
            "numa-cores",
            f"{wanted_millicores / CORE:g}, and a pod with {gpus} of a NUMA node's {per_node} GPUs (numaAlignment: "
            f"singleNode) gets whole cores of its own, {most} at most",
            f"write {cores}",
        )
    return cores * CORE


def _trouble(instance_type: InstanceType) -> str | None:
    facts = numa_facts().get(instance_type.name)
    if facts is None:
        return "is not in our table of NUMA nodes (EC2 does not tell them)"
    if facts.nodes == 1:
        return "has one NUMA node: everything is aligned"
    if facts.hints == "no":
        return f"does not show its GPUs' NUMA nodes to the system, and nothing could be aligned ({facts.source})"
    return None if facts.hints == "yes" else f"may not show its GPUs' NUMA nodes to the system ({facts.source})"
