"""What the GPU operator's programs do to a node, decided from what is installed in the cluster.

Real programs would run in the pods of the release; here no pod runs anything, so the node watcher does their part:
node-feature-discovery and the operator label GPU nodes once the operator's Deployment is there; the device plugin
advertises `nvidia.com/gpu` on a node once its own pod on that node is Ready, as many per GPU as its configuration for
that node says; the MIG manager cuts GPUs, and the MPS daemon serves shares, once their pods there are Ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from local.control_plane.cluster import is_ready
from local.nodes.capacity import NodeCapacity
from local.nodes.rendering import gpu_product_label
from planning.model import GPU_RESOURCE, GpuSharingPlan
from planning.nodes.sharing import WHOLE, mig_profiles

OPERATOR = "gpu-operator"
DEVICE_PLUGIN = "nvidia-device-plugin-daemonset"
MIG_MANAGER = "nvidia-mig-manager"
MPS_DAEMON = "nvidia-device-plugin-mps-control-daemon"
DEPLOYED = ("device-plugin", "gpu-feature-discovery", "dcgm-exporter", "operator-validator")
MIG_CONFIG = "nvidia.com/mig.config"
PLUGIN_CONFIG = "nvidia.com/device-plugin.config"
# Labels of the operator's programs that do not begin with nvidia.com/gpu.
OTHER_LABELS = (
    "nvidia.com/mig.capable",
    "nvidia.com/mig.strategy",
    "nvidia.com/mig.config.state",
    "nvidia.com/mps.capable",
)
# The group's own, by which the operator starts nothing on a node (controllers/state_manager.go, hasOperandsDisabled).
OPERANDS = f"{GPU_RESOURCE}.deploy.operands"
CONFIG_SELECTOR = "vllm-on-eks.local/config-of=devicePlugin"
DEFAULT_ANNOTATION = "vllm-on-eks.local/default-config"
"""How our stand-in chart marks the device plugin's ConfigMap; the vendor's names it in the ClusterPolicy."""


@dataclass(frozen=True)
class PluginConfigs:
    """The device plugin's configurations by name, as parsed, and the one for nodes without label."""

    configs: Mapping[str, Any] = field(default_factory=dict)
    default: str = ""


def plugin_configs(config_maps: Iterable[Any]) -> PluginConfigs:
    """Of the release's ConfigMap; none where it made none. What is not YAML counts as empty."""
    for config_map in config_maps:
        annotations = config_map.metadata.annotations or {}
        texts = config_map.data or {}
        return PluginConfigs({name: _parsed(text) for name, text in texts.items()}, annotations[DEFAULT_ANNOTATION])
    return PluginConfigs()


def sharing_of(labels: Mapping[str, str], configs: PluginConfigs) -> GpuSharingPlan:
    """How the GPUs of a node with these labels are divided once everything runs that divides them."""
    if MIG_CONFIG in labels:
        return GpuSharingPlan("mig", 1, labels[MIG_CONFIG].removeprefix("all-"))
    config = configs.configs.get(labels.get(PLUGIN_CONFIG, configs.default)) or {}
    for kind in ("mps", "timeSlicing"):
        for resource in ((config.get("sharing") or {}).get(kind) or {}).get("resources") or []:
            if resource.get("name") == GPU_RESOURCE:
                return GpuSharingPlan(kind, int(resource.get("replicas", 1)))
    return WHOLE


def is_operator(deployment: Any) -> bool:
    """True for the Deployment of the GPU operator itself, whatever the release is called."""
    labels = deployment.metadata.labels or {}
    return OPERATOR in (
        deployment.metadata.name,
        labels.get("app"),
        labels.get("app.kubernetes.io/component"),
        labels.get("app.kubernetes.io/name"),
    )


def feature_labels(capacity: NodeCapacity, sharing: GpuSharingPlan = WHOLE) -> dict[str, str]:
    """Labels of a node with GPUs, as node-feature-discovery, GPU feature discovery and the operator write them.

    Shares: docs/gpu-feature-discovery of NVIDIA/k8s-device-plugin, MIG strategy `single` and shared resources.
    """
    product = gpu_product_label(capacity.gpu_product)
    count, memory_mib, more = capacity.gpu_count, capacity.gpu_memory_mib, {}
    profiles = mig_profiles(capacity.gpu_name)
    deployed = (*DEPLOYED, "mig-manager") if profiles else DEPLOYED
    profile = profiles.get(sharing.profile or "")
    if sharing.kind == "mig":
        more = {"nvidia.com/mig.strategy": "single", "nvidia.com/mig.config.state": "success" if profile else "failed"}
    if profile is not None:
        product, memory_mib = f"{product}-MIG-{profile.name}", profile.memory_bytes // 2**20
        count *= profile.instances
    elif sharing.kind in ("mps", "timeSlicing"):
        product = f"{product}-SHARED"
        strategy = {"mps": "mps", "timeSlicing": "time-slicing"}[sharing.kind]
        more = {f"{GPU_RESOURCE}.replicas": str(sharing.pods_per_gpu), f"{GPU_RESOURCE}.sharing-strategy": strategy}
    return {
        f"{GPU_RESOURCE}.present": "true",
        f"{GPU_RESOURCE}.count": str(count),
        f"{GPU_RESOURCE}.product": product,
        f"{GPU_RESOURCE}.memory": str(memory_mib),
        **({"nvidia.com/mig.capable": "true"} if profiles else {}),
        **({"nvidia.com/mps.capable": "true"} if sharing.kind == "mps" else {}),
        **more,
        **{f"{GPU_RESOURCE}.deploy.{part}": "true" for part in deployed},
    }


def label_changes(
    current: dict[str, str], capacity: NodeCapacity, operator_installed: bool, sharing: GpuSharingPlan = WHOLE
) -> dict[str, Any]:
    """Labels to set (or to remove, as None) so that a node says what the operator would say."""
    deploys = operator_installed and current.get(OPERANDS) != "false"
    labels: dict[str, str] = feature_labels(capacity, sharing) if deploys and capacity.gpu_count else {}
    changes: dict[str, Any] = {key: value for key, value in labels.items() if current.get(key) != value}
    theirs = (key for key in current if key.startswith(f"{GPU_RESOURCE}.") or key in OTHER_LABELS)
    gone = [key for key in theirs if key not in labels and key != OPERANDS]
    return changes | dict.fromkeys(gone)


def nodes_with(daemon_set: str, pods: Iterable[Any]) -> set[str]:
    """Names of the nodes on which a pod of that DaemonSet is Ready."""
    return {pod.spec.node_name for pod in pods if _is_of(daemon_set, pod) and is_ready(pod)}


def advertised_gpus(node: str, capacity: NodeCapacity, sharing: GpuSharingPlan, pods: list[Any]) -> int:
    """`nvidia.com/gpu` of a node: 0 until the programs that its way of sharing needs run there."""
    needed = [DEVICE_PLUGIN, *{"mig": [MIG_MANAGER], "mps": [MPS_DAEMON]}.get(sharing.kind, [])]
    if any(node not in nodes_with(daemon_set, pods) for daemon_set in needed):
        return 0
    return shares(capacity, sharing)


def shares(capacity: NodeCapacity, sharing: GpuSharingPlan | None) -> int:
    """`nvidia.com/gpu` of a node whose GPUs are divided so; None: they are not advertised."""
    if sharing is None:
        return 0
    if sharing.kind == "mig":
        profile = mig_profiles(capacity.gpu_name).get(sharing.profile or "")
        return capacity.gpu_count * profile.instances if profile else 0
    return capacity.gpu_count * sharing.pods_per_gpu


def gpu_change(current: dict[str, str], advertised: int) -> dict[str, Any]:
    """Merge patch of a node's status so that its allocatable GPUs are those that are advertised."""
    gpus = str(advertised) if advertised else None
    if current.get(GPU_RESOURCE) == gpus:
        return {}
    return {"capacity": {GPU_RESOURCE: gpus}, "allocatable": {GPU_RESOURCE: gpus}}


def _parsed(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return {}


def _is_of(daemon_set: str, pod: Any) -> bool:
    owners = pod.metadata.owner_references or []
    return any(owner.kind == "DaemonSet" and owner.name == daemon_set for owner in owners)
