"""EKS' AMIs: which type a node group takes, what NVIDIA's serve, what is wrong with a pinned release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from planning.findings import listed

if TYPE_CHECKING:  # the command lines need the families only, and pydantic takes longer than they do
    from planning.findings import Findings
    from planning.nodes.instances import InstanceType
    from settings.pools import NodePool, SystemNodes

# By family, as the stack file writes it, and architecture.
GPU_AMI_TYPES = {
    ("al2023", "x86_64"): "AL2023_x86_64_NVIDIA",
    ("al2023", "arm64"): "AL2023_ARM_64_NVIDIA",
    ("bottlerocket", "x86_64"): "BOTTLEROCKET_x86_64_NVIDIA",
    ("bottlerocket", "arm64"): "BOTTLEROCKET_ARM_64_NVIDIA",
}
SYSTEM_AMI_TYPES = {"x86_64": "AL2023_x86_64_STANDARD", "arm64": "AL2023_ARM_64_STANDARD"}

# Families that the driver 580 of both NVIDIA AMIs serves
# (awsdocs amazon-eks-user-guide latest/ug/ml/ml-eks-optimized-ami.adoc, 2026-11-21).
NVIDIA_AMI_FAMILIES = frozenset(
    (
        *("g4dn", "g5", "g6", "g6e", "g6f", "gr6", "gr6f", "g7e"),
        *("p3", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300"),
    )
)

# Known trouble, by family: from that release on, and where it is told.
TROUBLED_SINCE = {"p5en": ("20251108", "vLLM ends with CUDA error 802 (awslabs/amazon-eks-ami#2554, open)")}

RELEASE = re.compile(r"(\d+)\.(\d+)\.\d+-(\d{8})")


def family_trouble(instance: InstanceType) -> str | None:
    """Why no EKS image serves a GPU instance type; None where one does."""
    if instance.family in NVIDIA_AMI_FAMILIES:
        return None
    served = listed(sorted(NVIDIA_AMI_FAMILIES), 20)
    return f"the driver of EKS' NVIDIA AMIs does not serve {instance.family}, only {served}"


def check_instance(instance: InstanceType, where: str, findings: Findings) -> bool:
    """Whether EKS has an image whose driver serves that type."""
    trouble = family_trouble(instance)
    if trouble is not None:
        findings.error(where, "ami-driver", trouble, "take a type of one of these families")
    return trouble is None


def release_date(release: str) -> str | None:
    """The day (ISO) in an AMI release's name; None for what is no release."""
    match = RELEASE.fullmatch(release)
    return f"{match[3][:4]}-{match[3][4:6]}-{match[3][6:]}" if match else None


def check_release(pool: NodePool | SystemNodes, path: str, cluster_version: str | None, findings: Findings) -> None:
    """A pinned release against the cluster's Kubernetes version (None: not known) and known trouble."""
    release = pool.ami_release_version
    if release is None:
        return
    where = f"{path}.amiReleaseVersion"
    match = RELEASE.fullmatch(release)
    if match is None:
        findings.error(
            where,
            "ami-release",
            f"{release!r} is no EKS AMI release",
            "write <Kubernetes version>-<date>, for example 1.35.4-20260505",
        )
        return
    major, minor, date = int(match[1]), int(match[2]), match[3]
    if cluster_version is not None:
        have = tuple(int(part) for part in cluster_version.split("."))
        if (major, minor) > have:
            findings.error(
                where,
                "ami-release",
                f"{release} is newer than the cluster's Kubernetes {cluster_version}; nodes must not be ahead of it",
                f"write a release of {cluster_version} or older",
            )
        elif (major, minor) < have and getattr(pool, "kind", "") == "karpenter":  # takes the day of it only
            findings.warning(
                where, "ami-release", f"{release} is of an older Kubernetes than {cluster_version}", "write one of it"
            )
        elif (major, minor) < have:
            findings.error(
                where,
                "ami-release",
                f"{release} is of an older Kubernetes than the cluster's {cluster_version}, and a group has the "
                "cluster's: EKS refuses it (aws/eksctl#7976)",
                f"take a release of {cluster_version}",
            )
    for family, (since, what) in TROUBLED_SINCE.items():
        if date >= since and any(name.split(".")[0] == family for name in pool.instance_types):
            findings.warning(
                where, "ami-trouble", f"{release} on {family}: {what}", "test it before models depend on it"
            )
