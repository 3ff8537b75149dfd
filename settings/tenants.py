"""Teams that share a stack: whose namespace, how much of the GPUs, who may look and who may act."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from settings.matching import Matching
from settings.names import ObjectName
from settings.types import BytesQuantity, CpuQuantity, DnsLabel, Section, described

# https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html, 2026-11-27: prefixes that EKS refuses.
# Without the rule a tenant could be bound to system:authenticated, which is every user.
RESERVED_PREFIXES = ("system:", "eks:", "aws:", "amazon:", "iam:")
GroupName = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Matching(
        r"(?!system:|eks:|aws:|amazon:|iam:)[A-Za-z0-9]([\w.:/@-]*[A-Za-z0-9])?",
        "not a group that people can be given",
        "write letters, digits and ._:/@-, not beginning with " + ", ".join(RESERVED_PREFIXES),
    ),
]


class TenantAccess(StrEnum):
    """What a tenant's people may do in its namespace; nothing in another's."""

    VIEW = "view"
    OPERATE = "operate"


class TenantPriority(StrEnum):
    """Who gets a GPU when there are too few: critical before standard before batch, by preemption."""

    CRITICAL = "critical"
    STANDARD = "standard"
    BATCH = "batch"


class TenantQuota(Section):
    """Most that all pods of the namespace may request together. What is left out has no limit, GPUs excepted."""

    gpus: int | None = described(
        "GPUs; default: what the tenant's models need at most replicas, and one pod more of each",
        default=None,
        ge=0,
        le=10_000,
    )
    cpu: CpuQuantity | None = described("cores", default=None)
    memory: BytesQuantity | None = described("memory", default=None)
    pods: int | None = described("pods", default=None, ge=1, le=10_000)
    storage: BytesQuantity | None = described("volumes together", default=None)


class TenantSettings(Section):
    """One team: the models of its namespace are its own."""

    name: DnsLabel = described("name, also in metrics and costs")
    namespace: DnsLabel | None = described("its namespace; default: its name", default=None)
    groups: tuple[GroupName, ...] = described(
        "Kubernetes groups of its people, as in cluster.accessEntries[].groups", default=(), max_length=20
    )
    access: TenantAccess = described(
        "view: look at everything but Secrets; operate: own pods, Jobs, Services, ConfigMaps and Secrets too",
        default=TenantAccess.VIEW,
    )
    priority: TenantPriority = described("of its models and of all its pods", default=TenantPriority.STANDARD)
    api_keys: ObjectName | None = described(
        "Secret of its namespace whose keys alone open its models at the gateway; default: the gateway's keys do",
        default=None,
    )
    quota: TenantQuota = described("most it may use", default_factory=TenantQuota)

    @property
    def own_namespace(self) -> str:
        """The namespace, written or not."""
        return self.namespace or self.name
