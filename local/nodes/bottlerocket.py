"""What Bottlerocket's user data makes of an instance: TOML settings, by which it joins and divides its GPUs.

https://bottlerocket.dev/en/os/1.57.x/api/settings/ (kubernetes, kubelet-device-plugins, bootstrap-commands); defaults
are those of the settings' reference.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from planning.model import GpuSharingPlan

DATA_DEVICE = "/dev/xvdb"
"""Of images and emptyDirs; /dev/xvda is the system's."""
DEFAULT_REPLICAS = 2


def settings_of(user_data: str) -> Mapping[str, Any] | None:
    """The settings, empty where the user data is; None where it is no such document."""
    try:
        settings = tomllib.loads(user_data).get("settings", {} if not user_data.strip() else None)
    except tomllib.TOMLDecodeError:
        return None
    return settings if isinstance(settings, Mapping) else None


def sharing_of(settings: Mapping[str, Any]) -> GpuSharingPlan | None:
    """How the image's device plugin divides the GPUs under their own name; None: it advertises no nvidia.com/gpu (it
    does not start with MIG and MPS together, and renames shares where nothing else is said)."""
    plugin = _at(settings, "kubelet-device-plugins", "nvidia")
    strategy = plugin.get("device-sharing-strategy", "none")
    profiles = _at(plugin, "mig", "profile") if plugin.get("device-partitioning-strategy") == "mig" else {}
    if strategy == "none":
        return GpuSharingPlan("mig", 1, str(next(iter(profiles.values())))) if profiles else GpuSharingPlan()
    shares = _at(plugin, strategy)
    if profiles or shares.get("rename-by-default", True):
        return None
    kind = {"mps": "mps", "time-slicing": "timeSlicing"}[strategy]
    return GpuSharingPlan(kind, int(shares.get("replicas", DEFAULT_REPLICAS)))


def is_raid0(settings: Mapping[str, Any]) -> bool:
    """Whether a command at boot puts the kubelet's and containerd's folders on the instance's own disks."""
    commands = (
        command
        for bootstrap in _at(settings, "bootstrap-commands").values()
        for command in bootstrap.get("commands", ())
    )
    return any(command[:3] == ["apiclient", "ephemeral-storage", "bind"] for command in commands)


def cluster_of(settings: Mapping[str, Any]) -> str | None:
    """The EKS cluster that it joins."""
    return _at(settings, "kubernetes").get("cluster-name")


def labels_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """Of the node."""
    return {key: str(value) for key, value in _at(settings, "kubernetes", "node-labels").items()}


def taints_of(settings: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Of the node: a list of `value:effect` by key."""
    for key, values in _at(settings, "kubernetes", "node-taints").items():
        for taint in values:
            value, _, effect = taint.rpartition(":")
            yield {"key": key, "value": value, "effect": effect}


def _at(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        values = values.get(key) or {}
    return values
