"""Regions of AWS, and what must lie in the stack's own."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from planning.facts import rows
from planning.findings import Findings, listed
from settings.cluster import Cluster, CreateCluster
from settings.spelling import did_you_mean


@cache
def _partitions() -> dict[str, str]:
    return {row["region"]: row["partition"] for row in rows("regions.csv")}


def partition(region: str) -> str:
    """The AWS partition in ARNs of a region; `aws` for one that is not in the table, which is refused elsewhere."""
    return _partitions().get(region, "aws")


def check_region(region: str, findings: Findings) -> None:
    """A region that the table does not have is misspelt, or too new to have prices here."""
    if region not in _partitions():
        near = did_you_mean(region, _partitions())
        findings.error(
            "region", "unknown-region", f"{region} is no region of AWS", near or "write one as AWS does, us-east-1"
        )
        return
    about = next(row for row in rows("partitions.csv") if row["partition"] == partition(region))
    if about["supported"] == "no":
        findings.error(
            "region",
            "unsupported-partition",
            f"{region} is in {about['name']} (partition {about['partition']}), where no stack was ever tried: its "
            "prices, GPU types and images are not in our tables",
            "write one of partition aws, for example us-east-1",
        )


def default_zones(region: str) -> tuple[str, str]:
    """Two zones that an account most likely has; which it has only the account can tell."""
    letters = {row["region"]: row["letters"].split() for row in rows("region_zones.csv")}.get(region, ["a", "b"])
    return f"{region}{letters[0]}", f"{region}{letters[1]}"


@cache
def _sold() -> dict[str, frozenset[str]]:
    return {row["region"]: frozenset(row["families"].split()) for row in rows("region_families.csv")}


def check_families(region: str, pools: Iterable[tuple[str, tuple[str, ...]]], findings: Findings) -> None:
    """GPU families that the table (its head has the date) does not have in this region; `pools`: path and types."""
    sold = _sold().get(region)
    if sold is None:
        return
    known = frozenset().union(*_sold().values())
    for path, types in pools:
        for index, name in enumerate(types):
            family = name.split(".")[0]
            if family in known - sold:
                elsewhere = listed(sorted(region for region, has in _sold().items() if family in has), 6)
                here = ", ".join(sorted(sold)) or "no GPU family"
                findings.warning(
                    f"{path}.instanceTypes[{index}]",
                    "region-family",
                    f"{family} was not sold in {region} when the table was made; there: {here}",
                    f"take one of these, or a region that sold {family}: {elsewhere}; "
                    f"`aws ec2 describe-instance-type-offerings --region {region}` says what is now",
                )


def check_arns(cluster: Cluster, region: str, findings: Findings) -> None:
    """ARNs against the stack's partition, and a key against its region: EKS takes none from elsewhere."""
    if not isinstance(cluster, CreateCluster) or region not in _partitions():
        return
    here = partition(region)
    named = [
        (f"cluster.accessEntries[{i}].principalArn", e.principal_arn) for i, e in enumerate(cluster.access_entries)
    ]
    if cluster.kms_key_arn:
        named.append(("cluster.kmsKeyArn", cluster.kms_key_arn))
    for path, arn in named:
        _, where, _, its_region, *_ = arn.split(":")
        if where != here:
            findings.error(
                path,
                "arn-partition",
                f"{arn} is of partition {where}, region {region} of {here}",
                f"write one of {here}",
            )
        elif its_region and its_region != region:
            findings.error(
                path,
                "arn-region",
                f"{arn} is in {its_region}; the key must be in the cluster's region",
                f"write one of {region}",
            )
