"""An account has its people before it has a stack."""

from __future__ import annotations

import boto3
from moto import mock_aws

from local.stacks.aws_principals import make, principals, remove

CONFIG = {
    "p:cluster": {
        "accessEntries": [
            {"principalArn": "arn:aws:iam::123456789012:role/team/on-call"},
            {"principalArn": "arn:aws:iam::123456789012:user/ann"},
            {"principalArn": "arn:aws:iam::123456789012:root"},
        ]
    }
}


def test_roles_and_users_of_access_entries_are_named_without_their_path() -> None:
    assert list(principals(CONFIG, "p")) == [("role", "on-call"), ("user", "ann")]
    assert list(principals({}, "p")) == []


@mock_aws
def test_they_are_made_once_and_taken_away_again() -> None:
    iam = boto3.client("iam", region_name="us-east-1")
    for _ in range(2):
        make(iam, principals(CONFIG, "p"))
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == ["on-call"]
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["ann"]
    for _ in range(2):
        remove(iam, principals(CONFIG, "p"))
    assert iam.list_roles()["Roles"] == iam.list_users()["Users"] == []
