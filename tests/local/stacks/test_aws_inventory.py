"""Nothing that the program makes in AWS is out of sight when a destroy is judged."""

from __future__ import annotations

from typing import Any

import boto3
from moto import mock_aws

from local.providers.aws.resources import TABLE
from local.stacks.aws_inventory import IN_ACCOUNT, LISTINGS, WITHIN, own_keys


def test_every_type_that_the_provider_makes_is_listed_or_part_of_what_is() -> None:
    listed = {listing.token for listing in LISTINGS} | set(IN_ACCOUNT.values())
    unseen = sorted(set(TABLE) - listed - set(WITHIN))
    assert unseen == [], "a row of LISTINGS, or of WITHIN where AWS takes it along with another kind"
    kinds = {listing.kind for listing in LISTINGS} | set(IN_ACCOUNT)
    assert set(WITHIN.values()) <= kinds
    assert not listed & set(WITHIN)


@mock_aws
def test_a_key_that_aws_makes_when_a_service_first_asks_for_it_is_not_counted() -> None:
    def client(service: str) -> Any:
        return boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")

    kms = client("kms")
    kms.describe_key(KeyId="alias/aws/ebs")
    own, going = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.schedule_key_deletion(KeyId=going)
    assert len(kms.list_keys()["Keys"]) == 3
    assert [row["KeyId"] for row in own_keys(client)] == [own]
