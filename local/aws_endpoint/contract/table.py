"""All rows, in the order in which a call is judged by them."""

from __future__ import annotations

from local.aws_endpoint.contract import (
    access,
    addons,
    announcements,
    budgets,
    clusters,
    files,
    flow,
    identity,
    inside,
    instances,
    network,
    nodes,
    placing,
    rollouts,
    templates,
)
from local.aws_endpoint.contract.rule import ContractRule

TABLE: tuple[ContractRule, ...] = (
    *access.RULES,
    *clusters.RULES,
    *placing.RULES,
    *addons.RULES,
    *nodes.RULES,
    *templates.RULES,
    *rollouts.RULES,
    *network.RULES,
    *identity.RULES,
    *announcements.RULES,
    *instances.RULES,
    *inside.RULES,
    *budgets.RULES,
    *files.RULES,
    *flow.RULES,
)
