"""What the AWS stand-in answers where moto has no data. Dated tables, no logic.

The AMI ids that go with a release are made up per region and name (there is no image behind them); the add-on
versions have the shape of real ones, and only say what this endpoint offers, not what EKS offers today.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from planning.facts import rows


class ClusterVersion(NamedTuple):
    """A Kubernetes minor version of EKS: its AMI release, and until when support of which kind lasts."""

    released: datetime
    standard_until: datetime
    extended_until: datetime
    ami_release: str
    platform_version: str


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def _until(version: str, kind: str) -> datetime:
    """The day on which support of a kind ends, from the plan's own table."""
    (row,) = (row for row in rows("kubernetes_versions.csv") if row["version"] == version)
    return datetime.fromisoformat(row[f"{kind}_until"]).replace(tzinfo=UTC)


def _version(version: str, released: datetime, ami_release: str, platform_version: str) -> ClusterVersion:
    ends = (_until(version, "standard"), _until(version, "extended"))
    return ClusterVersion(released, *ends, ami_release, platform_version)


# Release dates: https://endoflife.date/amazon-eks, read 2026-11-21 (page of February 2026).
# AMI releases: one per version, in the form KUBERNETES_PATCH-DATE of awslabs/amazon-eks-ami.
CLUSTER_VERSIONS: Final[dict[str, ClusterVersion]] = {
    "1.31": _version("1.31", _day(2024, 9, 26), "1.31.13-20251108", "eks.50"),
    "1.32": _version("1.32", _day(2025, 1, 25), "1.32.9-20251108", "eks.34"),
    "1.33": _version("1.33", _day(2025, 5, 28), "1.33.5-20251108", "eks.27"),
    "1.34": _version("1.34", _day(2025, 10, 6), "1.34.2-20251108", "eks.13"),
    "1.35": _version("1.35", _day(2026, 1, 28), "1.35.0-20260128", "eks.3"),
}
# Further releases that can be pinned (CHANGELOG of awslabs/amazon-eks-ami, 2026-05): shown by their own parameter only.
OTHER_AMI_RELEASES: Final[dict[str, tuple[str, ...]]] = {"1.35": ("1.35.4-20260505",)}
# Bottlerocket: one version has a variant for every minor (data/variants/1.57.x of its website, 2026-04). The commit at
# its end is made up.
BOTTLEROCKET_RELEASES: Final = ("1.57.0-0a1b2c3d", "1.56.0-4e5f6a7b")
DEFAULT_CLUSTER_VERSION: Final = "1.34"

# Name -> version offered by default, namespace, service account. Versions as of 2025-11 where remembered from
# public change logs; kube-proxy follows the cluster's version (see `addon_version`).
ADDONS: Final[dict[str, tuple[str, str]]] = {
    "vpc-cni": ("v1.20.4-eksbuild.1", "kube-system"),
    "coredns": ("v1.12.4-eksbuild.1", "kube-system"),
    "kube-proxy": ("v{minor}.0-eksbuild.2", "kube-system"),
    "eks-pod-identity-agent": ("v1.3.9-eksbuild.3", "kube-system"),
    "aws-ebs-csi-driver": ("v1.52.1-eksbuild.1", "kube-system"),
    "aws-efs-csi-driver": ("v2.1.13-eksbuild.1", "kube-system"),
    "aws-mountpoint-s3-csi-driver": ("v2.2.0-eksbuild.1", "kube-system"),
    "snapshot-controller": ("v8.3.0-eksbuild.1", "kube-system"),
    "eks-node-monitoring-agent": ("v1.4.1-eksbuild.1", "kube-system"),
    "metrics-server": ("v0.8.0-eksbuild.3", "kube-system"),
    "amazon-cloudwatch-observability": ("v4.7.0-eksbuild.1", "amazon-cloudwatch"),
    "cert-manager": ("v1.19.1-eksbuild.1", "cert-manager"),
    "kube-state-metrics": ("v2.17.0-eksbuild.4", "kube-state-metrics"),
    "prometheus-node-exporter": ("v1.10.2-eksbuild.2", "prometheus-node-exporter"),
}

# Of the minors that have another one: https://docs.aws.amazon.com/eks/latest/userguide/managing-coredns.html.
ADDONS_OF_OLDER: Final[dict[tuple[str, str], str]] = {
    ("coredns", "1.31"): "v1.11.4-eksbuild.24",
    ("coredns", "1.32"): "v1.11.4-eksbuild.24",
}

# https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
ACCESS_POLICIES: Final = (
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
# https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html
ACCESS_ENTRY_TYPES: Final = (
    "STANDARD",
    "EC2",
    "EC2_LINUX",
    "EC2_WINDOWS",
    "FARGATE_LINUX",
    "HYBRID_LINUX",
    "HYPERPOD_LINUX",
)

# Path below /aws/service/eks/optimized-ami/<version>/ -> prefix of the image's name (awslabs/amazon-eks-ami).
AMI_PARAMETERS: Final[dict[str, str]] = {
    "amazon-linux-2023/x86_64/standard": "amazon-eks-node-al2023-x86_64-standard",
    "amazon-linux-2023/arm64/standard": "amazon-eks-node-al2023-arm64-standard",
    "amazon-linux-2023/x86_64/nvidia": "amazon-eks-node-al2023-x86_64-nvidia",
    "amazon-linux-2023/arm64/nvidia": "amazon-eks-node-al2023-arm64-nvidia",
    "amazon-linux-2023/x86_64/neuron": "amazon-eks-node-al2023-x86_64-neuron",
}


def addon_version(name: str, cluster_version: str) -> str:
    """The add-on's version that goes with a cluster of `cluster_version`; KeyError for an unknown add-on."""
    return ADDONS_OF_OLDER.get((name, cluster_version)) or ADDONS[name][0].format(minor=cluster_version)


def addon_versions(name: str, cluster_version: str) -> tuple[str, ...]:
    """All versions on offer for a cluster of `cluster_version`: the default and the build before it."""
    default = addon_version(name, cluster_version)
    stem, build = default.rsplit(".", 1)
    return (default, f"{stem}.{int(build) - 1}") if int(build) > 1 else (default,)
