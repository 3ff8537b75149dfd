"""How Prometheus finds the servers."""

from __future__ import annotations

from components.manifest import Manifest
from components.serving.manifests.names import monitor_labels, server_selector
from planning.model import ServedModel


def pod_monitor(model: ServedModel) -> Manifest:
    """Scrapes each server pod; Prometheus adds the labels `namespace` and `pod` that the adapter's rule needs."""
    interval = model.scrape_interval_seconds
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": model.name, "namespace": model.namespace, "labels": monitor_labels(model)},
        "spec": {
            "selector": {"matchLabels": server_selector(model)},
            "podMetricsEndpoints": [
                {
                    "port": "http",
                    "path": "/metrics",
                    "interval": f"{interval}s",
                    # Prometheus refuses a scrape that may take longer than its interval.
                    "scrapeTimeout": f"{min(interval, 10)}s",
                }
            ],
        },
    }
