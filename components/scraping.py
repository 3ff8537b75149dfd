"""How often Prometheus asks, as monitors and charts' values say it. Pure."""

from __future__ import annotations

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
