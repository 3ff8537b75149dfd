"""List prices with their pages and days."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """A list price in us-east-1, US dollars, with the page and the day it was read from.

    `confirmed`: the page was quoted with that figure; else the figure was read once.
    """

    usd: float
    unit: str
    source: str
    dated: str
    confirmed: bool = True


_EFS = "https://aws.amazon.com/efs/pricing/, quoted by factualminds.com"
_EBS = "https://aws.amazon.com/ebs/pricing/"
PRICES = {
    "eks-standard": Price(
        0.10, "cluster hour", "https://aws.amazon.com/eks/pricing/, quoted by cloudburn.io", "2026-04-01"
    ),
    "eks-extended": Price(
        0.60, "cluster hour", "https://aws.amazon.com/eks/pricing/, quoted by cloudburn.io", "2026-04-01"
    ),
    "nat-gateway": Price(0.045, "hour", "https://aws.amazon.com/vpc/pricing/, quoted by cloudburn.io", "2026-02-24"),
    "public-ipv4": Price(
        0.005, "address hour", "https://aws.amazon.com/vpc/pricing/, quoted by cloudburn.io", "2026-02-24"
    ),
    "gp3-storage": Price(0.08, "GB month", f"{_EBS}, quoted by aws/agent-toolkit-for-aws ebs-optimization.md", "2026"),
    "gp3-iops": Price(0.005, "IOPS month above 3000", f"{_EBS}, list price since 2020", "2026-11-21", confirmed=False),
    "gp3-throughput": Price(
        0.04, "MiB/s month above 125", f"{_EBS}, list price since 2020", "2026-11-21", confirmed=False
    ),
    "nat-data": Price(0.045, "GB", "https://aws.amazon.com/vpc/pricing/, quoted by cloudburn.io", "2026-02-24"),
    "logs-ingested": Price(
        0.50, "GB", "https://aws.amazon.com/cloudwatch/pricing/, list price of us-east-1", "2026-11-27", confirmed=False
    ),
    "surge": Price(
        0.0,
        "on-demand nodes for as long as the update takes",
        "https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html",
        "2026-11-27",
    ),
    "efs-storage": Price(0.30, "GB month", _EFS, "2026-06-13"),
    "efs-one-zone": Price(0.16, "GB month", _EFS, "2026-06-13", confirmed=False),
    "efs-provisioned": Price(6.00, "MB/s month", _EFS, "2026-06-13", confirmed=False),
    "efs-read": Price(0.03, "GB read", _EFS, "2026-06-13"),
    "kms-key": Price(1.00, "key month", "https://aws.amazon.com/kms/pricing/, quoted by fnox.jdx.dev", "2026"),
}


def cite(price: str) -> str:
    """Where a price was read, and when; `unconfirmed` where no page that we could read has it."""
    price_row = PRICES[price]
    return f"{price_row.source}, {price_row.dated}{'' if price_row.confirmed else ', unconfirmed'}"
