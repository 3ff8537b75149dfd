"""Cost Anomaly Detection: how many monitors an account may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.anomalies import MONITOR, kept
from local.aws_endpoint.contract.rule import Asked, Checks

SINCE = "2026-11-28"


def _second_of_dimension(asked: Asked) -> Mapping[str, Any] | None:
    dimension = (asked.given.get("AnomalyMonitor") or {}).get("MonitorDimension")
    taken = {monitor.get("MonitorDimension") for monitor in kept(asked.world.ce, MONITOR).values()}
    return {} if dimension and dimension in taken else None


CHECKS: Checks = {"anomaly-monitor-dimension": _second_of_dimension}
