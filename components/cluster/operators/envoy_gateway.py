"""Envoy Gateway's values: the controller of the gateway and, by it, the proxies."""

from __future__ import annotations

from typing import Any

from planning.model import OperatorPlan
from planning.versions.pins import PROXY_IMAGE, mirrored


def envoy_gateway_values(plan: OperatorPlan) -> dict[str, Any]:
    """Values of chart gateway-helm; its defaults are safe ones for its pods."""
    # Else it is the one that is built into the controller, which no list of images knows.
    images: dict[str, Any] = {"images": {"envoyProxy": {"image": PROXY_IMAGE}}}
    if plan.mirror:
        images["imageRegistry"] = mirrored("docker.io", plan.mirror)  # goes before every registry in the names
    # Off by default since 1.9; without it the controller takes no policy that reads bodies (gateway/by_model.py). Who
    # may write an EnvoyExtensionPolicy then runs code in the proxies: no role of ours may.
    # Backends: the address of tokens' keys with the name its certificate must have (gateway/manifests.py, key_server).
    config = {"envoyGateway": {"extensionApis": {"enableLua": True, "enableBackend": True}}}
    return {"global": images, "config": config}
