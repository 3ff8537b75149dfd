"""Tenants: whether their quotas hold their models, and whom their groups let in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from planning.findings import Findings, listed
from planning.model import STANDARD, ServedModel, TenantPlan
from planning.nodes.quantity import as_cpu, as_mib, mib, millicores
from settings.cluster import AccessPolicy, CreateCluster
from settings.stack import StackSettings
from settings.tenants import TenantQuota, TenantSettings

# Names of https://kubernetes.io/docs/concepts/policy/resource-quotas/, 2026-11-27.
GPUS, CPU, MEMORY, PODS, STORAGE = (
    *("requests.nvidia.com/gpu", "requests.cpu", "requests.memory"),
    *("pods", "requests.storage"),
)


@dataclass(frozen=True)
class Need:
    """What the models of a namespace request together, at most replicas and in a rollout: GPUs, cores in thousandths,
    memory and volumes in MiB, pods. `spare_gpus`: of one pod more per model, while an old one still drains."""

    gpus: int = 0
    cpu_millicores: int = 0
    memory_mib: int = 0
    pods: int = 0
    storage_mib: int = 0
    spare_gpus: int = 0


def with_priority(models: Iterable[ServedModel], settings: StackSettings) -> tuple[ServedModel, ...]:
    """The models, each at the priority of the tenant that owns its namespace."""
    owners = {tenant.own_namespace: tenant.priority.value for tenant in settings.tenants}
    return tuple(replace(model, priority=owners.get(model.namespace, STANDARD)) for model in models)


def plan_tenants(settings: StackSettings, models: Sequence[ServedModel], findings: Findings) -> tuple[TenantPlan, ...]:
    """Every tenant with its hard limits; refuses a quota that its own models do not fit."""
    _check_groups(settings, findings)
    return tuple(
        _tenant(tenant, f"tenants[{index}]", need(tenant.own_namespace, models), findings)
        for index, tenant in enumerate(settings.tenants)
    )


def need(namespace: str, models: Iterable[ServedModel]) -> Need:
    """What the models in a namespace request at most: servers, and the Job that fills a volume."""
    total = Need()
    for model in (model for model in models if model.namespace == namespace):
        pods = (model.autoscaling.max_replicas + model.max_surge) * model.pods_per_replica
        job = int(model.cache.kind in ("persistentVolume", "efs"))
        server, download = model.resources, model.download_resources
        sidecar_cpu = millicores(model.compiled.keep.cpu_request) if model.compiled else 0
        sidecar_mib = mib(model.compiled.keep.memory) if model.compiled else 0
        total = Need(
            total.gpus + pods * server.gpus,
            total.cpu_millicores
            + pods * (millicores(server.cpu_request) + sidecar_cpu)
            + job * millicores(download.cpu_request),
            total.memory_mib + pods * (mib(server.memory) + sidecar_mib) + job * mib(download.memory),
            total.pods + pods + job,
            total.storage_mib + claims_mib(model),
            total.spare_gpus + model.gpus_per_replica,
        )
    return total


def claims_mib(model: ServedModel) -> int:
    """What the claims of a model ask for; those of the shared file system, which looks at none, the least there is."""
    kept = 1024 if model.compiled else 0
    if model.cache.kind == "efs":
        return kept + 1024 * (1 + sum(each.owner == model.name for each in model.shared_downloads))
    return kept + (model.cache.size_gib * 1024 if model.cache.kind == "persistentVolume" else 0)


def _tenant(tenant: TenantSettings, path: str, least: Need, findings: Findings) -> TenantPlan:
    quota = tenant.quota
    _check_quota(quota, f"{path}.quota", least, findings)
    gpus = quota.gpus if quota.gpus is not None else least.gpus + least.spare_gpus
    written = {
        GPUS: str(gpus),
        CPU: quota.cpu,
        MEMORY: quota.memory,
        PODS: str(quota.pods) if quota.pods is not None else None,
        STORAGE: quota.storage,
    }
    hard = tuple((name, value) for name, value in written.items() if value is not None)
    return TenantPlan(
        tenant.name, tenant.own_namespace, tenant.groups, tenant.access.value, tenant.priority.value, hard
    )


def _check_quota(quota: TenantQuota, path: str, least: Need, findings: Findings) -> None:
    rows = (
        ("gpus", quota.gpus, quota.gpus, least.gpus, str(least.gpus)),
        ("cpu", quota.cpu, _limit(quota.cpu, millicores), least.cpu_millicores, as_cpu(least.cpu_millicores)),
        ("memory", quota.memory, _limit(quota.memory, mib), least.memory_mib, as_mib(least.memory_mib)),
        ("pods", quota.pods, quota.pods, least.pods, str(least.pods)),
        ("storage", quota.storage, _limit(quota.storage, mib), least.storage_mib, as_mib(least.storage_mib)),
    )
    for name, written, limit, needed, fix in rows:
        if limit is not None and limit < needed:
            findings.error(
                f"{path}.{name}",
                "tenant-quota",
                f"{written}; the tenant's models request {fix} at most replicas, rollout included: the API server "
                "would refuse their pods",
                f"write {name}: {fix if name in ('gpus', 'pods') else repr(fix)} or more, or lower maxReplicas",
            )


def _limit(written: str | None, in_units: Callable[[str], int]) -> int | None:
    return in_units(written) if written is not None else None


def _check_groups(settings: StackSettings, findings: Findings) -> None:
    """A group without members admits no one; one that sees the whole cluster anyway is no tenant's only."""
    if not isinstance(settings.cluster, CreateCluster):
        return  # whom an existing cluster's entries let in is not in the stack file
    holders = _holders(settings.cluster)
    for index, tenant in enumerate(settings.tenants):
        for place, group in enumerate(tenant.groups):
            path = f"tenants[{index}].groups[{place}]"
            if group not in holders:
                known = f" (there: {listed(sorted(holders))})" if holders else ""
                findings.warning(
                    path,
                    "tenant-group",
                    f"no cluster.accessEntries[].groups has {group}{known}: its role is bound to no one",
                    "write it there, or map it with an OIDC provider of the cluster",
                )
            elif wide := holders[group]:
                findings.warning(
                    path,
                    "tenant-isolation",
                    f"{', '.join(wide)}: the policy holds in the whole cluster, so members of {group} reach other "
                    "tenants too",
                    "write policy: none there, or its namespaces",
                )


def _holders(cluster: CreateCluster) -> Mapping[str, list[str]]:
    """By group: paths of the entries that have it and a policy without namespaces."""
    holders: dict[str, list[str]] = {}
    for index, entry in enumerate(cluster.access_entries):
        for group in entry.groups:
            wide = holders.setdefault(group, [])
            if entry.policy is not AccessPolicy.NONE and not entry.namespaces:
                wide.append(f"cluster.accessEntries[{index}].policy: {entry.policy.value}")
    return holders
