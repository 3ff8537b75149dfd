"""Spare nodes: which pools may have some, and what the placeholder pods that hold them ask for.

The known pattern of over-provisioning (https://kubernetes.io/docs/tasks/administer-cluster/node-overprovisioning/, read
2026-11-28): pods of a priority below all others hold nodes; a model's pod that finds no room evicts one and is bound to
its node, the placeholder waits again, and the node autoscaler buys the next node for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.findings import Findings, listed
from planning.model import PodResources, ServedModel, SpareNodesPlan
from planning.nodes.pools import Pool
from planning.versions import pins
from planning.versions.pull_through import image_mirror
from settings.capacity import CapacityBlock
from settings.node_autoscaling import NoNodeAutoscaling
from settings.pools import KarpenterPool
from settings.stack import StackSettings
from settings.tenants import TenantPriority

# The image's one program sleeps; the memory is what a container's start takes (runc). A model's pod finds the node's
# CPU and memory free: it evicts all of this.
SLEEPS = PodResources("1m", "32Mi", "16Mi", shared_memory=None, gpus=0, cpu_limit="1m")
PULLS = PodResources("10m", "64Mi", "16Mi", shared_memory=None, gpus=0, cpu_limit="10m")


def plan_spare_nodes(
    settings: StackSettings, pools: Sequence[Pool], models: Sequence[ServedModel], findings: Findings
) -> tuple[SpareNodesPlan, ...]:
    """The placeholders of each pool with spare nodes; refuses those that nothing would buy or no model could use."""
    _check_bought(settings, findings)
    batch = {
        tenant.own_namespace for tenant in settings.tenants if tenant.priority is TenantPriority.BATCH
    }  # what evicts nothing: components/cluster/priority_class.py
    return tuple(
        _placeholders(pool, [model for model in models if model.pool == pool.settings.name], batch, settings, findings)
        for pool in pools
        if pool.settings.spare_nodes
    )


def gpus_by_container(pool: Pool) -> tuple[int, ...]:
    """How a placeholder asks for all GPUs that a node advertises.

    The device plugin refuses a container more than one share of MPS or time slicing, and the Topology Manager (scope
    `container`) one more GPUs than a NUMA node has: then several containers share them out.
    """
    group = pool.group
    if group.sharing.kind in ("mps", "timeSlicing"):
        return (1,) * group.advertised_gpus
    if group.gpus_per_numa_node:
        return (group.gpus_per_numa_node,) * (group.advertised_gpus // group.gpus_per_numa_node)
    return (group.advertised_gpus,)


def _placeholders(
    pool: Pool, models: Sequence[ServedModel], batch: set[str], settings: StackSettings, findings: Findings
) -> SpareNodesPlan:
    _check_used(pool, models, batch, findings)
    return SpareNodesPlan(
        pool=pool.settings.name,
        nodes=pool.settings.spare_nodes,
        image=pins.image_reference(pins.PAUSE, image_mirror(settings)),
        containers=tuple(replace(SLEEPS, gpus=gpus) for gpus in gpus_by_container(pool)),
        pulls=PULLS,
        model_images=tuple(sorted({model.image for model in models})),
        node_selector=pool.node_selector,
        taints=pool.group.taints,
        pull_secrets=settings.registry.pull_secrets,
    )


def _check_bought(settings: StackSettings, findings: Findings) -> None:
    """A node autoscaler has to bring the next spare node."""
    for index, pool in enumerate(settings.node_pools):
        if not pool.spare_nodes or isinstance(pool, KarpenterPool):
            continue
        path = f"nodePools[{index}].spareNodes"
        if isinstance(pool.capacity, CapacityBlock):
            findings.error(
                path,
                "spare-nodes",
                f"{pool.spare_nodes}, and a Capacity Block's GPUs are paid for in advance, with pods and without",
                "write minNodes: as many as the block has, and leave spareNodes out",
            )
        elif isinstance(settings.node_autoscaling, NoNodeAutoscaling):
            findings.error(
                path,
                "spare-nodes",
                f"{pool.spare_nodes}, but with nodeAutoscaling: {{kind: none}} nothing buys the next one when a "
                "replica has taken it",
                "raise minNodes instead, or leave nodeAutoscaling out",
            )


def _check_used(pool: Pool, models: Sequence[ServedModel], batch: set[str], findings: Findings) -> None:
    """A spare node is of use to a model whose further replica may be bound to it, and evicts what holds it."""
    path, spare = f"{pool.path}.spareNodes", pool.settings.spare_nodes
    low = [model.name for model in models if model.namespace in batch]
    if low:
        findings.error(
            path,
            "spare-batch",
            f"{spare}, and {listed(low, 5)} of tenants with priority: batch evict nothing: a spare node stays "
            "closed to them, at maxNodes too",
            "give batch tenants' models a pool of their own, or leave spareNodes out: other tenants' models evict them",
        )
        return
    if models and not any(_may_use(model, spare) for model in models):
        findings.error(
            path,
            "spare-unused",
            f"{spare}, and no replica of {listed([model.name for model in models], 5)} could start on it: "
            f"{_why_not(models[0], spare)}",
            "leave spareNodes out"
            if models[0].pods_per_replica == 1
            else f"write {models[0].pods_per_replica} or more",
        )


def _may_use(model: ServedModel, spare: int) -> bool:
    return model.cache.access_mode != "ReadWriteOnce" and model.pods_per_replica <= spare


def _why_not(model: ServedModel, spare: int) -> str:
    if model.cache.access_mode == "ReadWriteOnce":
        return "its volume is mounted on one node, and so are all its pods"
    return f"it takes {model.pods_per_replica} nodes at once, and {model.pods_per_replica - spare} would have to come"
