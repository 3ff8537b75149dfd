"""What gets old by itself: Kubernetes versions that leave support, and pins. Told before it is urgent."""

from __future__ import annotations

from planning.cluster.control_plane import SUPPORT
from planning.findings import Findings
from planning.nodes.ami import release_date
from planning.units import days_between
from planning.versions.skew import newer_version
from settings.cluster import CreateCluster
from settings.stack import StackSettings

AHEAD_DAYS = 60
# A pinned AMI gets no security fixes, and no later driver: half a year is as long as anybody should look away.
PIN_DAYS = 180


def check_ages(settings: StackSettings, today: str, findings: Findings) -> None:
    """`today`: ISO date on which the stack file is looked at."""
    _check_support(settings, today, findings)
    pins = [("systemNodes", settings.system_nodes.ami_release_version)]
    pins += [(f"nodePools[{index}]", pool.ami_release_version) for index, pool in enumerate(settings.node_pools)]
    for path, release in pins:
        made = release_date(release or "")
        if made is not None and (age := days_between(made, today)) > PIN_DAYS:
            findings.warning(
                f"{path}.amiReleaseVersion",
                "ami-age",
                f"{release} is {age} days old: its nodes lack the fixes since then",
                "test a newer release and write it (`python -m preflight <stack>` names the newest)",
            )


def _check_support(settings: StackSettings, today: str, findings: Findings) -> None:
    cluster = settings.cluster
    window = SUPPORT.get(cluster.version) if isinstance(cluster, CreateCluster) else None
    if window is None or not isinstance(cluster, CreateCluster):
        return
    left = days_between(today, window.standard_until)
    if 0 <= left <= AHEAD_DAYS:
        findings.warning(
            "cluster.version",
            "support-ends",
            f"standard support of {cluster.version} ends on {window.standard_until}, in {left} days; EKS upgrades the "
            "cluster by itself after that, its node groups and pinned add-ons not",
            f"write {newer_version(cluster.version)!r} before, and releases and add-on versions of it",
        )
