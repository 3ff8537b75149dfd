"""Each question, answered by an account that has what the plan counts on, and by one that has not."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from local.aws_endpoint.contract.account import NEW_ACCOUNT_QUOTAS, OLDER
from local.aws_endpoint.facts import BOTTLEROCKET_RELEASES
from preflight.model import Verdict
from tests.preflight.accounts import account, asked, only, own, planned, said


def client(service: str, region: str = "us-east-1") -> Any:
    return boto3.client(service, region_name=region)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_an_account_that_has_everything_agrees_with_every_guess(stack: str) -> None:
    with account() as aws:
        report = asked(planned(own(stack), stack), aws)
    assert said(report) == {}
    questions = {each.question for each in report.of(Verdict.OK)}
    assert questions == {
        "caller",
        "policies",
        "zones",
        "types",
        "quotas",
        "kubernetes",
        "ami",
        "addons",
        "cluster",
        "upgrade",
    }


def test_a_new_account_is_told_every_quota_at_once_with_the_command() -> None:
    with account(quotas=NEW_ACCOUNT_QUOTAS) as aws:
        report = asked(planned(own("prod"), "prod"), aws)
    told = said(report)["account"]
    (gpus,) = [each for each in told if "L-DB2E81BA" in each]
    assert "0 vCPU, and `up` needs" in gpus
    assert gpus.endswith("--service-code ec2 --quota-code L-DB2E81BA --desired-value 160 --region us-east-1")
    assert any("L-1216C47A" in each for each in told)


def test_a_quota_for_the_first_nodes_but_not_for_most_is_a_warning_that_counts_the_update() -> None:
    pool = {"name": "l4", "instanceTypes": ["g6.2xlarge"], "maxNodes": 2, "updateStrategy": "surge"}
    with account(quotas={"L-DB2E81BA": 8}) as aws:
        report = asked(planned(own("dev", nodePools=[pool])), aws)
    told = only(report, "quotas", Verdict.WARNING)
    assert "8 vCPU, and 48 are needed (2 + 4 in an update × g6.2xlarge (l4))" in told.text


def test_a_vpc_more_than_the_account_may_have_is_told_before() -> None:
    with account(quotas={"L-F678F1CE": 1}) as aws:
        report = asked(planned(own("dev")), aws)
    assert "1 VPC, 1 of them taken, and `up` needs 1 at once; ask for 2" in only(report, "quotas", Verdict.ERROR).text


def test_a_zone_that_eks_refuses_in_this_account_is_named_with_those_to_write() -> None:
    with account(zones=OLDER) as aws:
        report = asked(planned(own("dev")), aws)
        told = only(report, "zones", Verdict.ERROR)
        assert told.path == "network.zones"
        assert "us-east-1a is use1-az3 in account 123456789012" in told.text
        assert told.text.endswith("write zones: [us-east-1b, us-east-1c]")
        fixed = asked(planned(own("dev", network={"zones": ["us-east-1b", "us-east-1c"]})), aws)
    assert fixed.of(Verdict.ERROR) == ()


def test_a_zone_that_the_account_does_not_have_is_named() -> None:
    with account("ap-northeast-1") as aws:
        zones = ["ap-northeast-1a", "ap-northeast-1b"]
        report = asked(planned(own("dev", region="ap-northeast-1", network={"zones": zones})), aws)
    text = only(report, "zones", Verdict.ERROR).text
    assert "has no zone ap-northeast-1b" in text
    assert "write zones: [ap-northeast-1a, ap-northeast-1c]" in text


def test_a_type_that_is_not_sold_in_a_zone_of_its_pool_is_refused_with_the_zones_where_it_is() -> None:
    pools = [{"name": "l4", "instanceTypes": ["g6.2xlarge"], "maxNodes": 2}]
    zones = ["us-east-1a", "us-east-1b", "us-east-1e"]  # use1-az3 sells no g6, and is refused anyway
    with account() as aws:
        report = asked(planned(own("dev", nodePools=pools, network={"zones": zones})), aws)
    told = said(report, Verdict.ERROR)
    (types,) = told["nodePools[0].instanceTypes"]
    assert "g6.2xlarge is not sold in us-east-1e" in types
    assert "write zones of the pool: [us-east-1a, us-east-1b]" in types
    assert "write network.zones: [us-east-1a, us-east-1b]" in told["systemNodes.instanceTypes"][0]


def test_a_pinned_release_that_eks_never_made_is_refused_with_the_newest() -> None:
    pool = {"name": "l4", "instanceTypes": ["g6.2xlarge"], "maxNodes": 2, "amiReleaseVersion": "1.35.4-20260506"}
    with account() as aws:
        report = asked(planned(own("dev", nodePools=[pool])), aws)
    told = only(report, "ami", Verdict.ERROR)
    assert told.path == "nodePools[0].amiReleaseVersion"
    assert "1.35.4-20260506 is no release of AL2023_x86_64_NVIDIA" in told.text
    assert "write amiReleaseVersion: 1.35.0-20260128" in told.text


@pytest.mark.parametrize(
    ("pinned", "verdict", "words"),
    [
        (BOTTLEROCKET_RELEASES[1], Verdict.OK, f"is there; the newest is {BOTTLEROCKET_RELEASES[0]}"),
        (None, Verdict.OK, f"BOTTLEROCKET_x86_64_NVIDIA: a new group gets {BOTTLEROCKET_RELEASES[0]}"),
        ("1.57.0-ffffffff", Verdict.ERROR, f"write amiReleaseVersion: {BOTTLEROCKET_RELEASES[0]}, the newest"),
    ],
)
def test_a_version_of_bottlerocket_is_asked_for_by_its_own_parameter(
    pinned: str | None, verdict: Verdict, words: str
) -> None:
    pool: dict[str, object] = {"name": "l4", "instanceTypes": ["g6.2xlarge"], "amiFamily": "bottlerocket"}
    release = {"amiReleaseVersion": pinned} if pinned else {}
    with account() as aws:
        report = asked(planned(own("dev", nodePools=[{**pool, **release, "maxNodes": 2}])), aws)
    told = [answer.text for answer in report.of(verdict) if answer.path == "nodePools[0].amiReleaseVersion"]
    assert len(told) == 1
    assert words in told[0]


def test_a_principal_of_the_account_must_be_there() -> None:
    role = "arn:aws:iam::123456789012:role/on-call"
    stack = own("dev")
    stack["cluster"] |= {"accessEntries": [{"principalArn": role}, {"principalArn": role.replace("1", "2")}]}
    with account() as aws:
        plan = planned(stack)
        assert "does not exist" in said(asked(plan, aws))["cluster.accessEntries[0].principalArn"][0]
        client("iam").create_role(RoleName="on-call", AssumeRolePolicyDocument="{}")
        told = said(asked(plan, aws))
    assert list(told) == ["cluster.accessEntries[1].principalArn"], "another account's cannot be looked up"


def test_a_key_that_is_to_be_deleted_is_refused() -> None:
    with account() as aws:
        arn = client("kms").create_key()["KeyMetadata"]["Arn"]
        stack = own("dev")
        stack["cluster"] |= {"kmsKeyArn": arn}
        assert asked(planned(stack), aws).of(Verdict.ERROR) == ()
        client("kms").schedule_key_deletion(KeyId=arn.rsplit("/", 1)[-1])
        assert "PendingDeletion" in only(asked(planned(stack), aws), "key", Verdict.ERROR).text


def test_a_log_group_that_eks_made_again_is_told_with_the_command_and_ours_is_not() -> None:
    group = "/aws/eks/vllm-on-eks-dev/cluster"
    with account() as aws:
        logs, plan = client("logs"), planned(own("dev"))
        logs.create_log_group(logGroupName=group)
        text = only(asked(plan, aws), "cluster", Verdict.ERROR).text
        assert f"aws logs delete-log-group --log-group-name {group} --region us-east-1" in text
        logs.delete_log_group(logGroupName=group)
        logs.create_log_group(logGroupName=group, tags=plan.tags)  # by an `up` that was interrupted
        assert asked(plan, aws).of(Verdict.ERROR) == ()


def test_managed_policies_are_looked_for_in_the_partition() -> None:
    with account() as aws:
        plan = planned(own("dev"))
        wrong = "AmazonEBSCSIDriverPolicyOfNobody"
        addons = tuple(
            addon.__class__(**{**addon.__dict__, "pod_identity_policy_arn": f"arn:aws:iam::aws:policy/{wrong}"})
            for addon in plan.cluster.addons  # type: ignore[union-attr]
        )
        changed = plan.__class__(
            **{**plan.__dict__, "cluster": plan.cluster.__class__(**{**plan.cluster.__dict__, "addons": addons})}
        )
        assert wrong in said(asked(changed, aws), Verdict.ERROR)["cluster"][0]


TOKEN_KEY = "arn:aws:kms:us-east-1:111122223333:key/0aa0aa00-1111-2222-3333-444455556666"


def with_token(**token: Any) -> dict[str, Any]:
    sections = own("dev")
    secret = {"kind": "secretsManager", "name": "prod/hf", **token}
    return {**sections, "models": [{**model, "tokenSecret": secret} for model in sections["models"]]}


def test_a_token_that_is_there_is_found_and_its_value_is_not_read() -> None:
    with account() as aws:
        client("secretsmanager").create_secret(Name="prod/hf", SecretString="hf_canary4711")
        report = asked(planned(with_token()), aws)
    assert only(report, "secrets", Verdict.OK).text == "prod/hf is there"
    assert "canary" not in str(report)


def test_a_token_that_is_not_there_or_leaves_is_told_by_its_name() -> None:
    with account() as aws:
        missing = asked(planned(with_token()), aws)
        client("secretsmanager").create_secret(Name="prod/hf", SecretString="hf_canary4711")
        client("secretsmanager").delete_secret(SecretId="prod/hf")
        leaving = asked(planned(with_token()), aws)
    told = only(missing, "secrets", Verdict.ERROR)
    assert told.path == "models[0].tokenSecret.name"
    assert "no secret prod/hf in us-east-1" in told.text
    assert "restore-secret --secret-id prod/hf" in only(leaving, "secrets", Verdict.ERROR).text


@pytest.mark.parametrize(
    ("has", "says", "fix"),
    [
        (TOKEN_KEY, None, f"is encrypted with {TOKEN_KEY}"),
        (TOKEN_KEY, TOKEN_KEY.replace("0aa0aa00", "0bb0bb00"), "write the ARN of that key"),
        (None, TOKEN_KEY, "leave it out"),
        (TOKEN_KEY, TOKEN_KEY, None),
        ("0aa0aa00-1111-2222-3333-444455556666", TOKEN_KEY, None),
        ("alias/mine", TOKEN_KEY, None),
        ("alias/aws/secretsmanager", None, None),
    ],
)
def test_the_key_of_a_token_is_the_one_that_the_role_may_use(
    has: str | None, says: str | None, fix: str | None
) -> None:
    with account() as aws:
        given = {"KmsKeyId": has} if has else {}
        client("secretsmanager").create_secret(Name="prod/hf", SecretString="x", **given)
        report = asked(planned(with_token(**({"kmsKeyArn": says} if says else {}))), aws)
    wrong = [each for each in report.of(Verdict.ERROR) if each.question == "secrets"]
    assert [each.path for each in wrong] == ["models[0].tokenSecret.kmsKeyArn"] * bool(fix)
    assert all(str(fix) in each.text for each in wrong)
