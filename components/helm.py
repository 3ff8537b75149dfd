"""What all Helm releases of ours have in common. Why `helm.v3.Release` and not a Chart: docs/adr/0002."""

from __future__ import annotations

from typing import Any

from planning.model import ChartRef
from planning.versions.definitions import definitions_of


def release_arguments(chart: ChartRef, name: str, timeout_seconds: int) -> dict[str, Any]:
    """Arguments of `helm.v3.Release` that every release sets the same way.

    `name` is set because Pulumi would add random digits to it, and names of Services follow from it. A release that
    fails its wait takes back what that revision made (`cleanup_on_fail`) but is not uninstalled: what went wrong can
    be looked at, and the next `up` is an upgrade.
    """
    where: dict[str, Any] = {"repository_opts": {"repo": chart.repository}} if chart.repository else {}
    moved = definitions_of(chart.chart)
    if moved is not None and not moved.validated:
        # Before an upgrade Helm holds the new objects against the definitions that are there, and its hook has not
        # brought the new ones yet: "unknown field". The API server looks at them afterwards all the same.
        where["disable_openapi_validation"] = True
    if moved is not None and moved.by == "skipped":
        where["skip_crds"] = True
    return {
        "name": name,
        "chart": chart.chart,
        "version": chart.version,
        **where,
        "create_namespace": False,
        "cleanup_on_fail": True,
        "skip_await": False,
        "timeout": timeout_seconds,
    }
