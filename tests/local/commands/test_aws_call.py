"""The stand-in for the AWS CLI: names by botocore's model, words of the real one where it refuses."""

from __future__ import annotations

import json

import boto3
import botocore.session
import pytest
from moto import mock_aws

from local.commands.aws_call import Unknown, main, parsed

ASK = "service-quotas request-service-quota-increase --service-code ec2 --quota-code L-DB2E81BA --desired-value 16"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            f"{ASK} --region us-east-1",
            (
                *("service-quotas", "RequestServiceQuotaIncrease"),
                {"ServiceCode": "ec2", "QuotaCode": "L-DB2E81BA", "DesiredValue": 16.0},
                "us-east-1",
            ),
        ),
        ("ec2 delete-volume --volume-id vol-1", ("ec2", "DeleteVolume", {"VolumeId": "vol-1"}, None)),
        (
            "elbv2 delete-load-balancer --load-balancer-arn arn --output json",
            ("elbv2", "DeleteLoadBalancer", {"LoadBalancerArn": "arn"}, None),
        ),
    ],
)
def test_a_command_is_read_as_the_cli_reads_it(command: str, expected: tuple[object, ...]) -> None:
    assert parsed(command.split(), botocore.session.get_session()) == expected


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "write: aws <service>"),
        ("nothing list", "no service 'nothing'"),
        ("ec2 delete-volumes", "no operation 'delete-volumes'"),
        ("ec2 delete-volume --volume vol-1", "unknown option '--volume'"),
        ("ec2 delete-volume volume-id vol-1", "unknown option 'volume-id'"),
        ("service-quotas request-service-quota-increase --desired-value many", "'many' is no number"),
        ("ec2 describe-volumes --filters Name=a", "--filters is a list"),
        ("logs delete-log-group --query x", "unknown option '--query'"),
    ],
)
def test_what_it_does_not_know_is_named(command: str, words: str) -> None:
    with pytest.raises(Unknown, match=words):
        parsed(command.split(), botocore.session.get_session())


@mock_aws
def test_a_call_does_what_it_says_and_prints_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    logs = boto3.client("logs", region_name="us-east-1")
    logs.create_log_group(logGroupName="/aws/eks/c/cluster")
    assert main(["logs", "delete-log-group", "--log-group-name", "/aws/eks/c/cluster", "--region", "us-east-1"]) == 0
    assert capsys.readouterr().out == ""
    assert logs.describe_log_groups()["logGroups"] == []
    assert main(["sts", "get-caller-identity", "--region", "us-east-1"]) == 0
    assert json.loads(capsys.readouterr().out)["Account"] == "123456789012"


@mock_aws
def test_a_refusal_has_awss_words_and_the_clis_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ec2", "delete-volume", "--volume-id", "vol-0123456789abcdef0", "--region", "us-east-1"]) == 254
    assert "InvalidVolume.NotFound" in capsys.readouterr().err
