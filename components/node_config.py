"""What an image is told of its node: nodeadm of the AL2023 AMIs (awslabs/amazon-eks-ami, nodeadm/doc/api.md), or
Bottlerocket."""

from __future__ import annotations

from collections.abc import Iterator

from components.bottlerocket import bottlerocket_settings
from planning.model import NodeGroupPlan

_DOCUMENT = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="node"

--node
Content-Type: application/node.eks.aws

---
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
{spec}
--node--
"""
# One XFS over all NVMe disks, and containerd's, the snapshotter's, the kubelet's and the pods' logs' folders on it
# (LocalStorageOptions; DisabledMounts names what can be left off).
_RAID0 = """  instance:
    localStorage:
      strategy: RAID0
"""
# The SOCI snapshotter of the AMI in its parallel mode (nodeadm/internal/api/featuregates.go, FastImagePull; ignored
# below 4 vCPUs or 7 GiB, nodeadm/internal/containerd/config.go, UseSOCISnapshotter).
_FAST_PULL = """  featureGates:
    FastImagePull: true
"""


# Devices and exclusive cores of a pod come from one NUMA node, or the pod is refused
# (https://kubernetes.io/docs/tasks/administer-cluster/topology-manager/, policy single-numa-node).
_ONE_NUMA_NODE = """  kubelet:
    config:
      cpuManagerPolicy: static
      topologyManagerPolicy: single-numa-node
"""


def node_document(plan: NodeGroupPlan, raid0: bool) -> str | None:
    """User data of the pool's nodes, in the words of their image; None where nothing is to be told."""
    return bottlerocket_settings(plan, raid0) if plan.bottlerocket else node_config(plan, raid0)


def node_config(plan: NodeGroupPlan, raid0: bool) -> str | None:
    """The MIME document, which EKS and Karpenter merge with the one by which a node joins, so that no cluster is named
    here; None where there is none. `raid0`: nodeadm sets up the disks, and nothing else does."""
    spec = "".join(_parts(plan, raid0))
    return _DOCUMENT.format(spec=spec) if spec else None


def _parts(plan: NodeGroupPlan, raid0: bool) -> Iterator[str]:
    if raid0:
        yield _RAID0
    if plan.fast_image_pull:
        yield _FAST_PULL
    if plan.gpus_per_numa_node:
        yield _ONE_NUMA_NODE
