"""What Bottlerocket is told of a node: TOML (https://bottlerocket.dev/en/os/1.57.x/api/settings/)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from planning.model import NodeGroupPlan

# As Karpenter v1.14.0 writes it (pkg/providers/amifamily/bootstrap/bottlerocket.go). Since 1.46 `bind` without folders
# takes containerd's, the snapshotter's, the kubelet's and the pods' logs' (bottlerocket-core-kit#632).
_DISKS = {
    "000-mount-instance-storage": {
        "commands": [["apiclient", "ephemeral-storage", "init"], ["apiclient", "ephemeral-storage", "bind"]],
        "essential": True,
        "mode": "always",
    }
}
# Layers of one image are downloaded in parts and unpacked side by side; what is unpacked is dropped. Figures of the
# settings' own example (data/settings/1.44.x/container-runtime-plugins.toml), 2026-11-28.
_PULLS = {
    "max-concurrent-downloads": 10,
    "max-concurrent-downloads-per-image": 5,
    "concurrent-download-chunk-size": "8mb",
    "max-concurrent-unpacks": 5,
    "max-concurrent-unpacks-per-image": 3,
    "discard-unpacked-layers": True,
}


def bottlerocket_settings(plan: NodeGroupPlan, raid0: bool) -> str | None:
    """The document that EKS and Karpenter merge with the settings by which a node joins; None where nothing is to be
    told. `raid0`: the image sets up the disks, and nothing else does."""
    settings: dict[str, Any] = {}
    if plugin := _device_plugin(plan):
        settings["kubelet-device-plugins"] = {"nvidia": plugin}
    if plan.gpus_per_numa_node:
        settings["kubernetes"] = {"cpu-manager-policy": "static", "topology-manager-policy": "single-numa-node"}
    if raid0:
        settings["bootstrap-commands"] = _DISKS
    if plan.fast_image_pull:
        settings["container-runtime"] = {"snapshotter": "soci"}
        settings["container-runtime-plugins"] = {
            "soci-snapshotter": {"pull-mode": "parallel-pull-unpack", "parallel-pull-unpack": _PULLS}
        }
    return "\n".join(_tables("settings", settings)) or None


def _device_plugin(plan: NodeGroupPlan) -> dict[str, Any]:
    """Shares keep the name nvidia.com/gpu. Two may be of one GPU: who asks for more than one is refused, under MPS by
    the plugin itself."""
    sharing = plan.sharing
    if sharing.kind == "mig" and plan.bottlerocket:
        return {
            "device-partitioning-strategy": "mig",
            "mig": {"profile": {plan.bottlerocket.mig_model: sharing.profile}},
        }
    shares = {"replicas": sharing.pods_per_gpu, "rename-by-default": False}
    if sharing.kind == "mps":
        return {"device-sharing-strategy": "mps", "mps": shares}
    if sharing.kind == "timeSlicing":
        slices = {**shares, "fail-requests-greater-than-one": True}
        return {"device-sharing-strategy": "time-slicing", "time-slicing": slices}
    return {}


def _tables(path: str, values: Mapping[str, Any]) -> Iterator[str]:
    """TOML: a table's own values, then the tables below it. A JSON string, number or list of these is one of TOML."""
    own = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    if own:
        yield f"[{path}]"
        yield from (f"{_key(key)} = {json.dumps(value)}" for key, value in own.items())
        yield ""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _tables(f"{path}.{_key(key)}", value)


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() else json.dumps(key)
