"""The AWS managed policies that add-ons of EKS work with, by partition (facts/addon_policies.csv)."""

from __future__ import annotations

from planning.cluster.regions import partition
from planning.facts import rows


def addon_policy_arn(addon: str, region: str) -> str:
    """ARN of the policy of an add-on's service account. Raises LookupError for an add-on that has none."""
    here = partition(region)
    for row_region in (here, "*"):
        for row in rows("addon_policies.csv"):
            if (row["addon"], row["partition"]) == (addon, row_region):
                return f"arn:{here}:iam::aws:policy/{row['policy']}"
    raise LookupError(f"add-on {addon}: no managed policy is known for it")
