"""Teams that share a stack. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

STANDARD = "standard"


@dataclass(frozen=True)
class TenantPlan:
    """A team's namespace with its limits.

    `quota`: hard limits by the name of ResourceQuota (`requests.nvidia.com/gpu`, `pods`). `access`: view or operate.
    `priority`: critical, standard or batch, of every pod in the namespace.
    """

    name: str
    namespace: str
    groups: tuple[str, ...]
    access: str
    priority: str
    quota: tuple[tuple[str, str], ...]
