"""The EFS file system that models share: what is made, what it can give a pod, and what cannot work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planning.cluster.regions import partition
from planning.findings import Findings, listed
from planning.model import (
    CreateNetworkPlan,
    ExistingNetworkPlan,
    FileSystemPlan,
    NewFileSystemPlan,
    ServedModel,
)
from planning.serving.shared import EFS
from settings.file_system import CreateFileSystem, ExistingFileSystem
from settings.pools import ManagedPool, NodePool
from settings.shared_files import on_file_system, reads_shared
from settings.stack import StackSettings

SECTION = "fileSystem"
# Per client, "Performance specifications for file systems using General Purpose performance mode"
# (docs.aws.amazon.com/efs/latest/ug/performance.html, 2026-11-28); 1,500 with version 2 of the CSI driver or newer.
ELASTIC_CLIENT_MIBPS = 1500
OTHER_CLIENT_MIBPS = 500
# What is provisioned is metered by writes; reads count a third (same page, "Provisioned throughput").
READS_FOR_PROVISIONED = 3
# Of an access point's root directory (docs.aws.amazon.com/efs/latest/ug/API_RootDirectory.html, 2026-11-28).
LONGEST_DIRECTORY = 100


def client_mibps(settings: StackSettings) -> float:
    """Most that one pod reads from the file system, MiB/s."""
    wanted = settings.file_system
    if isinstance(wanted, ExistingFileSystem) or wanted.throughput == "elastic":
        return ELASTIC_CLIENT_MIBPS
    return min(OTHER_CLIENT_MIBPS, READS_FOR_PROVISIONED * (wanted.provisioned_mibps or 0))


def plan_file_system(
    settings: StackSettings,
    stack: str,
    models: Sequence[ServedModel],
    network: CreateNetworkPlan | ExistingNetworkPlan,
    findings: Findings,
) -> FileSystemPlan | None:
    """None: no model keeps its weights on one."""
    readers = [model for model in models if model.cache.kind == EFS]
    wanted, directory = settings.file_system, f"/vllm-on-eks/{stack}"
    compiled = {model.name: f"{directory}-compiled/{model.name}" for model in models if model.compiled is not None}
    if not any(map(on_file_system, settings.models)):
        if "file_system" in settings.model_fields_set:
            message = "no model has cache: {kind: efs} or compileCache: efs, so nothing is made"
            findings.warning(SECTION, "file-system-unused", message, "leave it out, or write such a cache")
        return None
    _check_tenants(settings, findings)
    _check_directories(settings, directory, compiled, findings)
    here = partition(settings.region)
    if isinstance(wanted, ExistingFileSystem):
        return FileSystemPlan(wanted.id, None, directory, compiled, here)
    _check_key(wanted, settings.region, findings)
    _check_places(wanted, network, findings)
    for path, pool in _pools(settings):
        _check_zone(wanted, path, pool, network, findings)
    new = NewFileSystemPlan(
        throughput=wanted.throughput,
        provisioned_mibps=wanted.provisioned_mibps,
        zone=wanted.zone,
        subnet_ids=wanted.subnet_ids,
        kms_key_arn=wanted.kms_key_arn,
        infrequent_after_days=wanted.infrequent_after_days,
        backup=wanted.backup,
        protect=wanted.protect,
        stored_gib=stored_gib(readers),
    )
    return FileSystemPlan(None, new, directory, compiled, here)


def stored_gib(readers: Sequence[ServedModel]) -> int:
    """GiB on the file system: of models that read the same own weights the largest once, with what it has beside."""
    largest: dict[str, int] = {}
    for model in readers:
        own = model.source.uri
        largest[own] = max(largest.get(own, 0), model.cache.size_gib)
    return sum(largest.values())


def _pools(settings: StackSettings) -> Iterator[tuple[str, NodePool]]:
    """Pools whose nodes mount it, with their path."""
    named = {settings.pool_name_of(model) for model in settings.models if on_file_system(model)}
    for index, pool in enumerate(settings.node_pools):
        if pool.name in named:
            yield f"nodePools[{index}]", pool


def _check_directories(
    settings: StackSettings, directory: str, compiled: Mapping[str, str], findings: Findings
) -> None:
    """Access points' root directories against EFS' limit: that of the weights, and those of what models compile."""
    asked = {f"models[{index}].name": compiled.get(model.name, "") for index, model in enumerate(settings.models)}
    for path, root in {SECTION: directory, **asked}.items():
        longer = len(root) - LONGEST_DIRECTORY
        if longer > 0:
            named = "the stack" if path == SECTION else "the model or the stack"
            findings.error(
                path,
                "file-system-directory",
                f"its directory {root} has {len(root)} characters, and EFS takes {LONGEST_DIRECTORY}",
                f"give {named} a name that is {longer} characters shorter",
            )


def _check_key(wanted: CreateFileSystem, region: str, findings: Findings) -> None:
    key = wanted.kms_key_arn
    if key is not None and key.split(":")[3] != region:
        findings.error(
            f"{SECTION}.kmsKeyArn",
            "file-system-key-region",
            f"the key is in {key.split(':')[3]}, and EFS encrypts with keys of the stack's region {region}",
            f"write the ARN of a key in {region}",
        )


def _check_places(
    wanted: CreateFileSystem, network: CreateNetworkPlan | ExistingNetworkPlan, findings: Findings
) -> None:
    """Mount targets against the network: each in a subnet of it, one for each zone."""
    if isinstance(network, CreateNetworkPlan):
        if wanted.subnet_ids:
            message = "the stack makes its network, and mount targets in each of its private subnets"
            findings.error(f"{SECTION}.subnetIds", "file-system-subnets", message, "leave it out")
        if wanted.zone is not None and wanted.zone not in network.zones:
            findings.error(
                f"{SECTION}.zone",
                "file-system-zone",
                f"{wanted.zone}: the network has no private subnet there (it has {listed(network.zones)})",
                f"write one of {listed(network.zones)}, or leave it out",
            )
        return
    foreign = [each for each in wanted.subnet_ids if each not in network.private_subnet_ids]
    if foreign:
        findings.error(
            f"{SECTION}.subnetIds",
            "file-system-subnets",
            f"{listed(foreign)}: not among network.privateSubnetIds, where the nodes are",
            f"write some of {listed(network.private_subnet_ids)}, one for each zone",
        )
    if wanted.zone is not None and len(wanted.subnet_ids) != 1:
        findings.error(
            f"{SECTION}.subnetIds",
            "file-system-subnets",
            f"One Zone storage has one mount target, and which of the network's subnets is in {wanted.zone} is not "
            "known here",
            f"write subnetIds: [<the private subnet in {wanted.zone}>]",
        )


def _check_zone(
    wanted: CreateFileSystem,
    path: str,
    pool: NodePool,
    network: CreateNetworkPlan | ExistingNetworkPlan,
    findings: Findings,
) -> None:
    """One Zone storage is mounted by its zone's mount target, by the name that the driver looks up for it."""
    if wanted.zone is None or (isinstance(network, CreateNetworkPlan) and wanted.zone not in network.zones):
        return
    own = isinstance(network, CreateNetworkPlan)
    there = pool.zones == (wanted.zone,) or (
        not own and isinstance(pool, ManagedPool) and () != pool.subnet_ids == wanted.subnet_ids
    )
    if not there:
        zones = (pool.zones or network.zones) if isinstance(network, CreateNetworkPlan) else pool.zones
        where = listed(zones) if zones else "all of the network's zones"
        write = f"{path}.zones: [{wanted.zone}]" if own else f"{path}.subnetIds: [{', '.join(wanted.subnet_ids)}]"
        findings.error(
            f"{SECTION}.zone",
            "file-system-zone",
            f"{wanted.zone}, and the nodes of {pool.name} are in {where}: in another zone they do not find it, and "
            "their pods stay in ContainerCreating",
            f"write {write}, or leave zone out",
        )


def _check_tenants(settings: StackSettings, findings: Findings) -> None:
    """A claim of one namespace shows the whole directory of the stack."""
    names = sorted({model.namespace for model in settings.models if reads_shared(model)})
    owned = {tenant.own_namespace for tenant in settings.tenants}
    if len(names) > 1 and owned & set(names):
        findings.warning(
            SECTION,
            "file-system-tenants",
            f"pods of {listed(names)} can read each other's weights on it (and write none)",
            "write cache: {kind: emptyDir} where tenants must not, or a stack of their own",
        )
