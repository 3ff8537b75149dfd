"""Labels of a GPU pool's nodes: ours, and the reserved ones."""

from __future__ import annotations

from planning.findings import Findings
from planning.model import GPU_TAINT, POOL_LABEL, GpuSharingPlan
from planning.nodes.bottlerocket import OPERANDS_LABEL, is_bottlerocket
from settings.pools import KarpenterPool, NodePool

SYSTEM_POOL = "system"
# What the GPU Operator's MIG manager and device plugin read of a node.
MIG_LABEL = "nvidia.com/mig.config"
# The MIG manager writes it when the GPUs are cut. Before that the device plugin advertises whole GPUs, nothing in the
# operator makes it wait, and the cut reboots the node from under the pod that took one (NVIDIA/gpu-operator#2670).
MIG_DONE_LABEL, MIG_DONE = "nvidia.com/mig.config.state", "success"
DEVICE_PLUGIN_LABEL = "nvidia.com/device-plugin.config"
# By this the cluster-autoscaler knows that a new node is not ready before its GPU is advertised: without it a second
# one is bought meanwhile (cluster-autoscaler's cloudprovider/aws; kubernetes/autoscaler#2446).
ACCELERATOR_LABEL = "k8s.amazonaws.com/accelerator"
RESERVED_LABELS = ("accelerator", "gpu-type", POOL_LABEL)
RESERVED_DOMAINS = (
    *("kubernetes.io", "k8s.io", "eks.amazonaws.com", "amazonaws.com", "nvidia.com"),
    *("karpenter.sh", "k8s.aws"),  # Karpenter takes a node with such labels for its own
)


def node_labels(pool: NodePool, gpu: str, sharing: GpuSharingPlan) -> dict[str, str]:
    """What a node is found by, and what its programs and node autoscalers read."""
    return {
        "accelerator": "nvidia",
        "gpu-type": gpu,
        POOL_LABEL: pool.name,
        **({} if isinstance(pool, KarpenterPool) else {ACCELERATOR_LABEL: f"nvidia-{gpu}"}),
        # What the operator would start there is in Bottlerocket's image, and set by its user data.
        **({OPERANDS_LABEL: "false"} if is_bottlerocket(pool) else _sharing_labels(sharing)),
        **pool.labels,
    }


def _sharing_labels(sharing: GpuSharingPlan) -> dict[str, str]:
    if sharing.kind == "mig":
        return {MIG_LABEL: f"all-{sharing.profile}"}
    config = sharing.device_plugin_config
    return {DEVICE_PLUGIN_LABEL: config} if config else {}


def check_words(pool: NodePool, path: str, findings: Findings) -> None:
    """Names, labels and taints that have another owner."""
    if pool.name == SYSTEM_POOL:
        reserved = f"{SYSTEM_POOL!r} is reserved for the system node group"
        findings.error(f"{path}.name", "pool-name", reserved, "choose another name")
    for key in pool.labels:
        domain = key.split("/")[0] if "/" in key else ""
        if key in RESERVED_LABELS or any(domain == d or domain.endswith(f".{d}") for d in RESERVED_DOMAINS):
            findings.error(
                f"{path}.labels.{key}", "reserved-label", "is set by us, EKS or Kubernetes", "choose another key"
            )
    for position, taint in enumerate(pool.taints):
        if taint.key == GPU_TAINT.key:
            findings.error(
                f"{path}.taints[{position}].key",
                "reserved-taint",
                f"every GPU pool has {taint.key} already",
                "leave it out",
            )
