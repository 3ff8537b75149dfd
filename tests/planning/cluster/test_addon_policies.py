"""The managed policies of add-ons are data: the newest of a partition, and one that the contract endpoint knows."""

from __future__ import annotations

import boto3
import pytest

from planning.cluster.addon_policies import addon_policy_arn
from planning.facts import rows
from tests.moto_engine import moto_account


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        ("us-east-1", "arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2"),
        ("cn-north-1", "arn:aws-cn:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"),
        ("us-gov-west-1", "arn:aws-us-gov:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"),
    ],
)
def test_a_partition_gets_the_newest_policy_that_it_is_known_to_have(region: str, arn: str) -> None:
    assert addon_policy_arn("aws-ebs-csi-driver", region) == arn


def test_an_add_on_without_a_policy_is_no_guess() -> None:
    with pytest.raises(LookupError, match="coredns"):
        addon_policy_arn("coredns", "us-east-1")


def test_every_row_has_its_day_and_its_source() -> None:
    for row in rows("addon_policies.csv"):
        assert row["since"] >= "2020-01-01"
        assert row["source"].startswith("docs.aws.amazon.com/aws-managed-policy/")


def test_the_contract_endpoint_has_each_policy_of_the_common_partition() -> None:
    with moto_account("us-east-1"):
        iam = boto3.client("iam", region_name="us-east-1")
        for row in rows("addon_policies.csv"):
            arn = f"arn:aws:iam::aws:policy/{row['policy']}"
            assert iam.get_policy(PolicyArn=arn)["Policy"]["Arn"] == arn


def test_the_tighter_policy_covers_volumes_that_the_driver_tags_and_no_others() -> None:
    with moto_account("us-east-1"):
        iam = boto3.client("iam", region_name="us-east-1")
        arn = addon_policy_arn("aws-ebs-csi-driver", "us-east-1")
        document = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    attaching = [each for each in document["Statement"] if "ec2:AttachVolume" in each["Action"]]
    on_volumes = [each for each in attaching if "volume" in str(each["Resource"])]
    assert on_volumes
    assert all("Condition" in on_volume for on_volume in on_volumes)
