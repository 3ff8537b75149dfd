"""What an update must not do, or not without a word: versions that skip, and what cannot be had back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from planning.versions.releases import goes_back
from planning.versions.skew import CONTROL_PLANE, step_trouble
from preview.report_model import Change
from preview.steps import ADDON, CLUSTER, GROUP, short_type
from preview.words import kind
from settings.findings import Finding, Severity

TABLE = Path(__file__).resolve().parent / "stateful.csv"


@cache
def stateful() -> Mapping[str, str]:
    """What is lost with a resource, by type (of Kubernetes: by kind)."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["type"]: row["lost"] for row in csv.DictReader(file)}


def of_moves(changes: Iterable[Change]) -> Iterator[Finding]:
    """The findings of an update."""
    for change in changes:
        yield from _versions(change)
        yield from _releases(change)
        lost = stateful().get(short_type(change["type"]))
        if lost is not None and change["action"] in ("replaced", "deleted"):
            what = f"{kind(change['type'])} {change['name']} is {change['action']}: {lost} goes"
            why = f" ({'; '.join(change['reasons'])})" if change["reasons"] else ""
            fix = "take the change back, or keep what is needed first; a resource that only moved needs an alias"
            yield Finding(change["name"], "state-lost", Severity.WARNING, what + why, fix)


def _releases(change: Change) -> Iterator[Finding]:
    """Of node groups: EKS refuses an older one."""
    for field in change["fields"] if (change["type"], change["action"]) == (GROUP, "changed") else ():
        before, after = str(field["before"] or ""), str(field["after"] or "")
        if field["path"] == "releaseVersion" and goes_back(before, after):
            what = f"amiReleaseVersion {after}: EKS takes no node group back to an older release, and {before} stands"
            fix = f"write {before} or a newer one; a pool of another name starts with any release"
            yield Finding(change["name"], "ami-rollback", Severity.ERROR, what, fix)


def _versions(change: Change) -> Iterator[Finding]:
    watched = {CLUSTER: ("version", CONTROL_PLANE), ADDON: ("addonVersion", change["name"].rpartition("addons-")[2])}
    field, component = watched.get(change["type"], ("", ""))
    for field_change in change["fields"]:
        if field_change["path"] == field and field_change["before"] and field_change["after"]:
            trouble = step_trouble(component, str(field_change["before"]), str(field_change["after"]))
            if trouble is not None:
                of_cluster = component == CONTROL_PLANE
                path = "cluster.version" if of_cluster else f"cluster.addons.{component}"
                severity = Severity.ERROR if of_cluster else Severity.WARNING
                yield Finding(path, "version-skew", severity, f"{field_change['after']}: {trouble[0]}", trouble[1])
