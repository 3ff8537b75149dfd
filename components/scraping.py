"""How often Prometheus asks, as monitors and charts' values say it. Pure."""

from __future__ import annotations

from typing import Any

from planning.model import AddonNetworkPlan

LONGEST_SCRAPE_SECONDS = 10
"""Prometheus' own default (global.scrape_timeout), 2026-11-28."""


def scrape_times(interval_seconds: int) -> dict[str, str]:
    """`interval` and `scrapeTimeout` of a ServiceMonitor or PodMonitor.

    Prometheus refuses a scrape that may take longer than its interval, and its operator then drops the monitor.
    """
    return {
        "interval": f"{interval_seconds}s",
        "scrapeTimeout": f"{min(interval_seconds, LONGEST_SCRAPE_SECONDS)}s",
    }


def service_monitor_values(network: AddonNetworkPlan, interval_seconds: int, **enabled: str) -> dict[str, Any]:
    """`serviceMonitor` of a chart that calls its labels `additionalLabels`; `enabled`: said where there is one."""
    if network.monitoring_namespace is None:
        return {"enabled": False}
    labels = {"additionalLabels": network.monitor_labels} if network.monitor_labels else {}
    return {**labels, "enabled": True, **enabled, **scrape_times(interval_seconds)}
