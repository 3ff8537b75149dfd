"""What an instance's user data makes of it: nodeadm's NodeConfig, by which an AL2023 instance becomes a node, or
Bottlerocket's settings.

https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/. The documents of a MIME archive are merged in their order, as
nodeadm does; parts of other types (shell scripts) are not run here.
"""

from __future__ import annotations

import email
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from local.nodes import bottlerocket
from planning.model import GpuSharingPlan

NODE_CONFIG = "application/node.eks.aws"


@dataclass(frozen=True)
class NodeConfig:
    """`taints`: as in a Node. `raid0`: kubelet and containerd keep their files on the instance's NVMe disks. `sharing`:
    how the image's own device plugin divides GPUs, None where there is none; `bottlerocket`: it is that image's."""

    cluster: str
    labels: Mapping[str, str]
    taints: tuple[Mapping[str, str], ...]
    raid0: bool
    bottlerocket: bool = False
    sharing: GpuSharingPlan | None = None


def node_config(user_data: str) -> NodeConfig | None:
    """None where nothing in it makes a node of an EKS cluster."""
    if (settings := bottlerocket.settings_of(user_data)) is not None:
        return _of_bottlerocket(settings)
    merged: dict[str, Any] = {}
    for text in _documents(user_data):
        mapping = _mapping(text)
        if str(mapping.get("apiVersion", "")).startswith("node.eks.aws/") and mapping.get("kind") == "NodeConfig":
            merged = _merge(merged, mapping.get("spec") or {})
    name = (merged.get("cluster") or {}).get("name")
    if not name:
        return None
    kubelet = merged.get("kubelet") or {}
    storage = ((merged.get("instance") or {}).get("localStorage") or {}).get("strategy")
    taints = (kubelet.get("config") or {}).get("registerWithTaints") or []
    return NodeConfig(
        str(name),
        dict(_labels(kubelet.get("flags") or [])),
        tuple({"key": t["key"], "value": t.get("value") or "", "effect": t["effect"]} for t in taints),
        storage == "RAID0",
    )


def _of_bottlerocket(settings: Mapping[str, Any]) -> NodeConfig | None:
    cluster = bottlerocket.cluster_of(settings)
    if not cluster:
        return None
    labels, taints = bottlerocket.labels_of(settings), tuple(bottlerocket.taints_of(settings))
    raid0, sharing = bottlerocket.is_raid0(settings), bottlerocket.sharing_of(settings)
    return NodeConfig(cluster, labels, taints, raid0, bottlerocket=True, sharing=sharing)


def _documents(user_data: str) -> Iterator[str]:
    message = email.message_from_string(user_data.lstrip())
    if not message.is_multipart():
        yield user_data
        return
    for part in message.walk():
        if part.get_content_type() == NODE_CONFIG:
            content = part.get_payload(decode=True)
            yield content.decode() if isinstance(content, bytes) else ""


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return document if isinstance(document, Mapping) else {}


def _merge(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings key by key; flags of the kubelet are appended, as nodeadm does; anything else is replaced."""
    merged = dict(base)
    for key, value in more.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(before, value)
        elif key == "flags" and isinstance(before, list) and isinstance(value, list):
            merged[key] = [*before, *value]
        else:
            merged[key] = value
    return merged


def _labels(flags: list[str]) -> Iterator[tuple[str, str]]:
    for flag in flags:
        name, _, value = str(flag).partition("=")
        if name == "--node-labels":
            for label in filter(None, value.strip("\"'").split(",")):
                key, _, text = label.partition("=")
                yield key, text
