"""Service Quotas answers with what the played account has."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.aws_endpoint.contract.account import NEW_ACCOUNT_QUOTAS, Account
from local.aws_endpoint.quotas import NOT_COUNTED
from tests.local.aws_endpoint.land import land


def value(client: Any, code: str) -> float:
    return float(client.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"])


def test_a_quota_is_what_the_contract_counts_with() -> None:
    with land(Account(quotas=NEW_ACCOUNT_QUOTAS)):
        client = boto3.client("service-quotas", region_name="us-east-1")
        assert {code: value(client, code) for code in NEW_ACCOUNT_QUOTAS} == NEW_ACCOUNT_QUOTAS
        for ask in (client.get_service_quota, client.get_aws_default_service_quota):
            with pytest.raises(ClientError, match="NoSuchResourceException"):
                ask(ServiceCode="ec2", QuotaCode="L-00000000")


def test_what_is_not_counted_is_enough_for_everybody() -> None:
    with land():
        assert value(boto3.client("service-quotas", region_name="us-east-1"), "L-DB2E81BA") == NOT_COUNTED


def test_a_request_for_more_is_granted_and_one_for_no_more_is_refused() -> None:
    account = Account(quotas=NEW_ACCOUNT_QUOTAS)
    with land(account):
        client = boto3.client("service-quotas", region_name="us-east-1")
        asked = {"ServiceCode": "ec2", "QuotaCode": "L-DB2E81BA"}
        granted = client.request_service_quota_increase(**asked, DesiredValue=16)["RequestedQuota"]
        assert (granted["Status"], granted["DesiredValue"]) == ("APPROVED", 16)
        assert value(client, "L-DB2E81BA") == 16
        with pytest.raises(ClientError, match="IllegalArgumentException"):
            client.request_service_quota_increase(**asked, DesiredValue=16)
    assert NEW_ACCOUNT_QUOTAS["L-DB2E81BA"] == 0
