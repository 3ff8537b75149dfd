"""The stack's account, examples and the API of a first `up`, asked of an account that answers like AWS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.aws_endpoint.contract.account import ACCOUNT_ID, NEWER, Account, Runner
from planning.model import PlanRefused
from preflight.account import AwsAccount
from preflight.model import PreflightReport, Verdict
from preflight.program import with_answers
from tests.components.test_aws_life import QUOTAS, REGION, reachable, up
from tests.engine_answers import ACCOUNT
from tests.local.aws_endpoint.land import land
from tests.moto_engine import moto_account
from tests.preflight.accounts import account, asked, own, planned, said
from tests.program import needed_canaries, ours, run_program, sections_of

REACHED = {"endpointAccess": "publicAndPrivate", "publicAccessCidrs": ["54.0.0.10/32"]}
LATER = {"endpointAccess": "private", "privateAccessCidrs": ["10.0.0.0/16"]}


@pytest.mark.parametrize(
    ("changed", "path", "words"),
    [
        (
            {"account": "210987654329"},
            "account",
            "account 210987654329, and the credentials are of 123456789012",
        ),
        (
            {"cluster": {**REACHED, "publicAccessCidrs": ["203.0.113.10/32"]}},
            "cluster.publicAccessCidrs[0]",
            "203.0.113.10/32 is an address of documentation",
        ),
        (
            {"registry": {"mirror": "444455556666.dkr.ecr.us-east-1.amazonaws.com/mirror"}},
            "registry.mirror",
            "444455556666 is an account of examples",
        ),
        ({"cluster": LATER}, "cluster.endpointAccess", "that VPC is still empty"),
    ],
)
def test_what_the_account_says_no_to_refuses_before_anything_is_registered(
    changed: dict[str, Any], path: str, words: str
) -> None:
    with account() as aws:
        plan = planned(own("dev", **changed))
        report = asked(plan, aws)
    assert words in said(report, Verdict.ERROR)[path][0]
    with pytest.raises(PlanRefused) as refused:
        with_answers(plan, report)
    assert f"  error    {path}" in str(refused.value)
    assert [finding.path for finding in refused.value.findings].count(path) == 1, "the warning gives way to the error"


def test_the_accounts_own_number_is_no_example_in_it() -> None:
    entry = {"principalArn": f"arn:aws:iam::{ACCOUNT_ID}:role/platform"}
    with account() as aws:
        plan = planned(own("dev", account=ACCOUNT_ID, cluster={**REACHED, "accessEntries": [entry]}))
        report = asked(plan, aws)
    assert "account" not in {each.question for each in report.of(Verdict.ERROR)}
    assert "example-account" not in {finding.rule for finding in with_answers(plan, _without(report)).findings}


def _without(report: PreflightReport) -> PreflightReport:
    """The report without what else the account lacks."""
    return replace(report, answers=tuple(answer for answer in report.answers if answer.question == "account"))


def test_a_private_api_is_settled_once_the_cluster_is_there() -> None:
    with land(Account(zones=NEWER, quotas=QUOTAS)) as here:
        here.cluster(name="vllm-on-eks-dev")
        plan = planned(own("dev", cluster=LATER))
        report = asked(plan, AwsAccount(REGION))
    answers = [answer for answer in report.answers if answer.question == "account"]
    assert {each.verdict for each in answers} == {Verdict.OK}
    assert "private-endpoint" not in {finding.rule for finding in with_answers(plan, _without(report)).findings}


def test_the_pin_is_the_providers_too_for_commands_that_run_no_program() -> None:
    engine = run_program({**sections_of("dev"), "account": ACCOUNT}, "dev", secrets=needed_canaries("dev"))
    assert engine.only("pulumi:providers:aws").inputs["allowedAccountIds"] == f'["{ACCOUNT}"]'
    free = ours("dev")
    assert "allowedAccountIds" not in free.only("pulumi:providers:aws").inputs


@pytest.mark.parametrize("address", ["10.0.1.20", "10.8.0.4"])
def test_a_private_api_is_reached_from_inside_through_the_door_that_the_stack_opened(address: str) -> None:
    """The contract refuses whoever no rule of the cluster's security group lets in (api-unreachable)."""
    with land(Account(zones=NEWER, quotas=QUOTAS, runner=Runner(None, address)), REGION) as company:
        network = {"kind": "existing", "vpcId": company.vpc, "privateSubnetIds": company.subnets}
        cluster = {"endpointAccess": "private", "privateAccessCidrs": [f"{address}/32"]}
        engine = up({**sections_of("dev"), "cluster": cluster, "network": network}, "dev")
        (door,) = engine.all("SecurityGroupIngressRule")
        assert (door.inputs["fromPort"], door.inputs["toPort"], door.inputs["ipProtocol"]) == (443, 443, "tcp")
        assert engine.inside
        for made in engine.inside:
            assert door.urn in engine.comes_after(engine.named(made.name, made.type).urn), made.name
        engine.destroy(lambda free: free[0])


def test_a_first_up_from_outside_opens_the_doors_of_later() -> None:
    doors = {"privateAccessCidrs": ["10.0.0.0/16"], "privateAccessSecurityGroupIds": ["sg-0123456789abcdef0"]}
    account = Account(zones=NEWER, has_nodes=True, quotas=QUOTAS, runner=Runner("54.0.0.10"))
    engine = run_program(reachable("dev", **doors), "dev", secrets=needed_canaries("dev"))
    origins = [
        {key: rule.inputs[key] for key in ("cidrIpv4", "referencedSecurityGroupId") if key in rule.inputs}
        for rule in engine.all("SecurityGroupIngressRule")
    ]
    assert origins == [{"cidrIpv4": "10.0.0.0/16"}, {"referencedSecurityGroupId": "sg-0123456789abcdef0"}]
    with moto_account(REGION, account):
        assert up(reachable("dev", privateAccessCidrs=["10.0.0.0/16"]), "dev").inside
