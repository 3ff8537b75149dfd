"""What the AWS components made can be deleted again, in an order that their dependencies give."""

from __future__ import annotations

from typing import Any

import boto3

from tests.components.samples import CLUSTER_WITH_GUESTS, REGION
from tests.components.test_aws_replay import build
from tests.moto_engine import moto_account, replay


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def test_a_destroy_that_follows_the_dependencies_leaves_nothing_behind() -> None:
    with moto_account(REGION):
        engine = replay(lambda: build(CLUSTER_WITH_GUESTS), REGION)
        assert len(engine.destroy()) == len(engine.made)
        vpcs = client("ec2").describe_vpcs()["Vpcs"]
        assert [vpc["VpcId"] for vpc in vpcs if not vpc["IsDefault"]] == []
        assert client("ec2").describe_addresses()["Addresses"] == []
        assert client("ec2").describe_launch_templates()["LaunchTemplates"] == []
        assert client("eks").list_clusters()["clusters"] == []
        assert client("iam").list_roles()["Roles"] == []
        assert client("logs").describe_log_groups()["logGroups"] == []
