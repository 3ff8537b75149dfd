"""What all Helm releases of ours have in common. Why `helm.v3.Release` and not a Chart: docs/adr/0002."""

from __future__ import annotations

from typing import Any

from planning.model import ChartRef


def release_arguments(chart: ChartRef, name: str, timeout_seconds: int) -> dict[str, Any]:
    """Arguments of `helm.v3.Release` that every release sets the same way.

    `name` is set because Pulumi would add random digits to it, and names of Services follow from it. A release that
    fails its wait takes back what that revision made (`cleanup_on_fail`) but is not uninstalled: what went wrong can
    be looked at, and the next `up` is an upgrade.
    """
    where = {"repository_opts": {"repo": chart.repository}} if chart.repository else {}
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
