"""Names of AIBrix' that others go by (pkg/constants/model.go, modelrouter_controller.go, dist/chart)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]
NAMESPACE, GATEWAY = "aibrix-system", "aibrix-eg"
MODEL, PORT = "model.aibrix.ai/name", "model.aibrix.ai/port"
DEFAULT_PORT = 8000
COMPONENT = "app.kubernetes.io/component"
# What its pods are labelled with.
CONTROLLER, PLUGIN, METADATA = "aibrix-controller-manager", "aibrix-gateway-plugin", "aibrix-metadata-service"
# Envoy Gateway's, of the pods that it makes for a Gateway.
OWNER = {
    "gateway.envoyproxy.io/owning-gateway-name": GATEWAY,
    "gateway.envoyproxy.io/owning-gateway-namespace": NAMESPACE,
}
# AIBRIX_GATEWAY_TIMEOUT_SECONDS, and gateway.envoyPatchPolicy.route.timeout of the chart.
REQUEST_SECONDS = 120.0


def labels_of(item: Mapping[str, Any]) -> Mapping[str, str]:
    """An object's labels."""
    return item["metadata"].get("labels") or {}


def is_ready(pod: Mapping[str, Any]) -> bool:
    """pkg/utils/pod.go, FilterReadyPod: Ready, with an address, and not about to leave."""
    status = pod.get("status") or {}
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or [])
    return ready and bool(status.get("podIP")) and "deletionTimestamp" not in pod["metadata"]


def port_of(labels: Mapping[str, str]) -> int:
    """Of a model: its label, or 8000 where that is no number."""
    text = labels.get(PORT, "")
    return int(text) if text.isdigit() else DEFAULT_PORT
