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
    )


def rendered(values: Mapping[str, Any], full_name: str = "kubeai") -> dict[str, Any]:
    """`system.yaml` as the chart's template writes it from its values."""
    pods = values["modelServerPods"]
    return {
        "secretNames": {name: each["name"] for name, each in values["secrets"].items()},
        "resourceProfiles": values["resourceProfiles"],
        "cacheProfiles": values["cacheProfiles"],
        "modelServers": values["modelServers"],
        "modelLoading": values["modelLoading"],
        "modelRollouts": values["modelRollouts"],
        "modelServerPods": {
            **{key: pods[key] for key in ("podSecurityContext", "jsonPatches", "securityContext") if pods.get(key)},
            **({"imagePullSecrets": values["imagePullSecrets"]} if values["imagePullSecrets"] else {}),
            "serviceAccountName": values["modelServiceAccount"]["name"] or f"{full_name}-models",
        },
        "modelAutoscaling": {
            **{key: values["modelAutoscaling"][key] for key in ("interval", "timeWindow")},
            "stateConfigMapName": f"{full_name}-autoscaler-state",
        },
        "messaging": values["messaging"],
    }


def seconds(duration: str) -> float:
    """Of a duration as Go writes it: 10s, 1m30s. Raises ValueError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
