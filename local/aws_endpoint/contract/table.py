"""All rows, in the order in which a call is judged by them: rules.csv, with the functions of the modules beside it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import ModuleType

from local.aws_endpoint.contract import (
    access,
    addons,
    announcements,
    certificates,
    clusters,
    files,
    identity,
    inside,
    network,
    nodes,
    placing,
    registries,
    rollouts,
    spending,
    templates,
)
from local.aws_endpoint.contract.rule import SINCE, ContractRule

RULES = Path(__file__).with_name("rules.csv")
MODULES: dict[str, ModuleType] = {
    module.__name__.rsplit(".", 1)[-1]: module
    for module in (
        *(access, addons, announcements, certificates, clusters, files, identity, inside, network, nodes, placing),
        *(registries, rollouts, spending, templates),
    )
}


def _rule(row: dict[str, str]) -> ContractRule:
    """Raises KeyError where the row names a file that no module has."""
    module = MODULES[row["file"]] if row["file"] else None
    return ContractRule(
        id=row["id"],
        operations=tuple(row["operations"].split()),
        condition=row["condition"],
        source=row["source"],
        since=row["since"] or SINCE,
        code=row["code"],
        words=row["words"],
        check=row["check"] or getattr(module, "CHECKS", {}).get(row["id"]),
        effect=getattr(module, "EFFECTS", {}).get(row["id"]),
        values=json.loads(row["values"] or "{}"),
        by=row["by"],
    )


def _rows() -> list[dict[str, str]]:
    lines = RULES.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


TABLE: tuple[ContractRule, ...] = tuple(map(_rule, _rows()))
