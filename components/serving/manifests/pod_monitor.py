"""How Prometheus finds the servers."""

from __future__ import annotations

from typing import Any

from components.manifest import Manifest
from components.scraping import scrape_times
from components.serving.manifests.names import monitor_labels, server_selector
from planning.model import ServedModel


def pod_monitor(model: ServedModel) -> Manifest:
    """Scrapes each server pod; Prometheus adds the labels `namespace` and `pod` that the adapter's rule needs.

    Where a backend exports vLLM's series under other names they get their own back: all that reads them knows one name.
    """
    scraped = endpoint(model.metrics_port, model.scrape_interval_seconds)
    if model.metrics_prefix:
        renamed = {"sourceLabels": ["__name__"], "regex": f"{model.metrics_prefix}(.+)", "targetLabel": "__name__"}
        scraped["metricRelabelings"] = [{**renamed, "replacement": "vllm:$1"}]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": model.name, "namespace": model.namespace, "labels": monitor_labels(model)},
        "spec": {
            "selector": {"matchLabels": server_selector(model)},
            "podMetricsEndpoints": [scraped],
        },
    }


def endpoint(port: str, interval: int) -> dict[str, Any]:
    """A port of the pod that is asked every `interval` seconds."""
    return {"port": port, "path": "/metrics", **scrape_times(interval)}
