"""OpenCost's values: its exporter, asking the stack's Prometheus, with the plan's prices and no way in from outside."""

from __future__ import annotations

from typing import Any

from components.cluster.operators.resources import operator_resources
from planning.model import OperatorPlan
from planning.versions.pins import mirrored

REGISTRY = "ghcr.io"
# It exports series under the names of kube-state-metrics, for clusters without (EMIT_KSM_V1_METRICS: opencost
# core/pkg/env; docs/metrics; read 2026-11-28). Of those that our rules read there came two: joins fail, sums double.
TWICE = (
    *("kube_deployment_status_replicas_available", "kube_job_status_failed", "kube_node_labels"),
    "kube_pod_status_phase",
)


def open_cost_values(plan: OperatorPlan) -> dict[str, Any]:
    """Values of chart opencost; raises ValueError for a plan without prices."""
    costs = plan.open_cost
    if costs is None:
        raise ValueError(f"{plan.name}: nothing says what it counts with")
    monitor: dict[str, Any] = {
        "enabled": True,
        "scrapeInterval": f"{costs.scrape_interval_seconds}s",
        "metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "|".join(TWICE), "action": "drop"}],
    }
    if labels := plan.network.monitor_labels:
        monitor["additionalLabels"] = labels
    exporter: dict[str, Any] = {
        "defaultClusterId": costs.cluster,
        "resources": operator_resources(plan),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 10001,
        },
    }
    if plan.mirror:
        exporter["image"] = {"registry": mirrored(REGISTRY, plan.mirror)}
    return {
        "podSecurityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "opencost": {
            "exporter": exporter,
            # Both would answer without asking who it is: the dashboards are Grafana's, and no assistant asks here.
            "ui": {"enabled": False},
            "mcp": {"enabled": False},
            "metrics": {"serviceMonitor": monitor},
            "prometheus": {
                "internal": {"enabled": False},
                "external": {"enabled": True, "url": costs.prometheus_url},
            },
            # Every price of the chart is said again: its own are examples ($1.25 a core).
            "customPricing": {
                "enabled": True,
                "costModel": {
                    "description": "prices of the plan",
                    "CPU": costs.cpu_usd_per_hour,
                    "spotCPU": costs.cpu_usd_per_hour,
                    "RAM": costs.memory_usd_per_gib_hour,
                    "spotRAM": costs.memory_usd_per_gib_hour,
                    "GPU": costs.gpu_usd_per_hour,
                    "storage": costs.storage_usd_per_gib_hour,
                    # Traffic is in no sum of the plan.
                    **dict.fromkeys(("zoneNetworkEgress", "regionNetworkEgress", "internetNetworkEgress"), 0.0),
                },
            },
        },
    }
