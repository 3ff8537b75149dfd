"""KubeAI's configuration out of what its chart writes: the ConfigMap `kubeai-config`, templates/configmap.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local.engine.operators.kubeai.pod import System

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def system_of(config: Mapping[str, Any]) -> System:
    """`system.yaml`, read. Raises KeyError for a part that KubeAI's own check wants."""
    pods = config.get("modelServerPods") or {}
    scaling = config["modelAutoscaling"]
    return System(
        resource_profiles=config["resourceProfiles"],
        pod_security=pods.get("podSecurityContext") or {},
        container_security=pods.get("securityContext") or {},
        patches=tuple(pods.get("jsonPatches") or ()),
        service_account=pods["serviceAccountName"],
        pull_secrets=tuple(pods.get("imagePullSecrets") or ()),
        surge=int(config["modelRollouts"]["surge"]),
        interval_seconds=seconds(scaling["interval"]),
        window_seconds=seconds(scaling["timeWindow"]),
        state=scaling["stateConfigMapName"],
    )


def seconds(duration: str) -> float:
    """Of a duration as Go writes it: 10s, 1m30s. Raises ValueError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
