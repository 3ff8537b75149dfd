"""The runner's policy: enough for the whole life of a stack on an endpoint that enforces it, and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto.route53.models import HostedZoneIdentifier

from local.aws_endpoint.contract.permitted import PermissionNeed, allows
from tests.components.test_aws_life import REGION, account, reachable
from tests.conftest import REPO
from tests.moto_engine import MotoEngine, moto_account
from tests.preflight.accounts import asked, planned
from tests.program import needed_canaries, run_program
from tools.iam_runner import DOCUMENT, KINDS, MOST_CHARACTERS, actions, of_kind, policy

POLICIES: Mapping[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))


def life(
    document: Mapping[str, Any] | None, kind: str = "created", before: Callable[[], object] = lambda: None, **more: Any
) -> tuple[MotoEngine, set[str]]:
    """Pre-flight, up, refresh and destroy of dev, as a stack of the kind, under a policy; which actions were needed.

    `before`: what the owner of the account has made, whom no policy holds.
    """
    from preflight.account import AwsAccount

    played, sections = replace(account(), policy=document), {**reachable("dev"), **KINDS[kind], **more}
    with moto_account(REGION, played):
        played.policy = None
        before()
        played.policy = document
        asked(planned(sections), AwsAccount(REGION))
        engine = MotoEngine(REGION, plays_kubernetes=True)
        run_program(sections, "dev", secrets=needed_canaries("dev"), engine=engine)
        for made in engine.made:
            engine.drift(made)
        engine.destroy()
    return engine, played.used_actions


def test_a_stack_that_tells_about_its_bill_may_change_its_own_budget_only() -> None:
    """AWS Budgets are global: a policy for one region lets the stack's budget through, and no other."""
    budget = {"usdPerHour": 100, "notify": {"emails": ["a@team.invalid"]}}
    document = of_kind("created", budget=budget)
    (statement,) = [each for each in document["Statement"] if each["Sid"] == "Budgets"]
    assert statement["Resource"] == ["arn:aws:budgets::*:budget/spending-budget-*"]
    assert "Condition" not in statement
    assert {"budgets:ModifyBudget", "budgets:ViewBudget", "budgets:TagResource"} <= life(document, budget=budget)[1]
    foreign = PermissionNeed("budgets:ModifyBudget", "arn:aws:budgets::210987654321:budget/finance", {})
    assert not allows(document, foreign)
    assert not [each for each in POLICIES["created"]["Statement"] if each["Sid"] == "Budgets"]


def test_a_stack_that_is_told_of_unlike_cost_may_make_its_monitor_wherever_it_is() -> None:
    """Cost Explorer answers in us-east-1 only: a policy for one region lets it through, in a statement of its own."""
    anomalies = {"tagActivated": True}
    budget = {"notify": {"emails": ["a@team.invalid"], "anomalies": anomalies}}
    document = of_kind("created", budget=budget)
    (statement,) = [each for each in document["Statement"] if each["Sid"] == "Anomalies"]
    assert "Condition" not in statement
    assert {action.partition(":")[0] for action in statement["Action"]} == {"ce"}
    needed = {"ce:CreateAnomalyMonitor", "ce:CreateAnomalySubscription", "ce:TagResource", "ce:DeleteAnomalyMonitor"}
    assert needed <= life(document, budget=budget)[1]
    assert not [each for each in POLICIES["created"]["Statement"] if each["Sid"] == "Anomalies"]


def test_a_stack_whose_bill_is_read_in_slack_passes_one_role_to_it_in_another_region() -> None:
    slack = {"kind": "slack", "workspaceId": "T07EA123LEP", "channelId": "C07EZ1ABC23"}
    budget = {"notify": {"channels": [slack], "anomalies": {"tagActivated": True}}}
    document = of_kind("created", budget=budget)
    (statement,) = [each for each in document["Statement"] if each["Sid"] == "Chats"]
    assert "Condition" not in statement
    assert {action.partition(":")[0] for action in statement["Action"]} == {"chatbot"}
    needed = {"sns:CreateTopic", "sns:SetTopicAttributes", "chatbot:CreateSlackChannelConfiguration", "sns:DeleteTopic"}
    assert needed <= life(document, budget=budget)[1]
    passed = next(each for each in document["Statement"] if each["Sid"] == "Pass")["Condition"]["StringEquals"]
    assert "chatbot.amazonaws.com" in passed["iam:PassedToService"]
    assert "chatbot" not in json.dumps(POLICIES["created"])


def test_a_stack_that_has_a_certificate_made_writes_cnames_of_its_own_zone_and_nothing_else_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zone = "Z0123456789ABCDEFGHIJ"
    monkeypatch.setattr(HostedZoneIdentifier, "generate", lambda *_, **__: zone)
    gateway = {
        "kind": "ingress",
        "ingressClass": "alb",
        "host": "llm.team.invalid",
        "certificate": {"kind": "acm", "hostedZoneId": zone},
    }
    sections = {"gateway": gateway, "systemNodes": {"minNodes": 3}}

    def made() -> None:
        boto3.client("route53").create_hosted_zone(Name="team.invalid", CallerReference="1")

    document = of_kind("created", **sections)
    (statement,) = [each for each in document["Statement"] if each["Sid"] == "Records"]
    assert statement["Resource"] == [f"arn:aws:route53:::hostedzone/{zone}"]
    needed = {"acm:RequestCertificate", "acm:AddTagsToCertificate", "acm:DeleteCertificate", "route53:GetHostedZone"}
    assert {*needed, "route53:ChangeResourceRecordSets"} <= life(document, before=made, **sections)[1]
    types = "route53:ChangeResourceRecordSetsRecordTypes"
    for resource, type_ in ((f"hostedzone/{zone}", "A"), ("hostedzone/Z9", "CNAME")):
        foreign = PermissionNeed("route53:ChangeResourceRecordSets", f"arn:aws:route53:::{resource}", {types: type_})
        assert not allows(document, foreign)
    assert "route53" not in json.dumps(POLICIES["created"])


@pytest.fixture(scope="module")
def used() -> dict[str, set[str]]:
    return {kind: life(POLICIES[kind], kind)[1] for kind in ("created", "karpenter")}


def test_a_stack_lives_and_goes_under_its_policy(used: dict[str, set[str]]) -> None:
    needed = {"eks:CreateCluster", "iam:PassRole", "ec2:RunInstances", "kms:CreateGrant", "iam:DeleteRole"}
    assert needed <= used["created"]
    assert {"iam:AddRoleToInstanceProfile", "sqs:CreateQueue", "events:PutTargets"} <= used["karpenter"] - used[
        "created"
    ]


@pytest.mark.parametrize("kind", ["created", "karpenter"])
def test_every_action_of_the_table_was_needed_or_is_said_to_be_beyond_the_replay(
    kind: str, used: dict[str, set[str]]
) -> None:
    """So the policy cannot grow by what nobody uses: `changes` and `beyond` have a source in their row."""
    allowed = {action for each in POLICIES[kind]["Statement"] for action in each["Action"]}
    explained = {action for row in actions().values() for key in ("changes", "beyond") for action in row[key]}
    assert sorted(allowed - used[kind] - explained) == []
    assert sorted(used[kind] - allowed) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_committed_policies_are_those_of_what_is_registered(kind: str) -> None:
    """Mend with: python -m tools.iam_runner"""
    assert POLICIES[kind] == of_kind(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_is_one_that_iam_takes(kind: str) -> None:
    text = json.dumps(POLICIES[kind], separators=(",", ":"))
    assert len(text) <= MOST_CHARACTERS, len(text)
    assert "*:*" not in json.dumps([each["Action"] for each in POLICIES[kind]["Statement"]])
    sids = [each["Sid"] for each in POLICIES[kind]["Statement"]]
    assert len(sids) == len(set(sids))


def test_who_makes_nothing_of_the_network_may_make_nothing_of_it() -> None:
    made = {kind: {a for each in POLICIES[kind]["Statement"] for a in each["Action"]} for kind in KINDS}
    assert {"ec2:CreateVpc", "ec2:CreateNatGateway"} <= made["created"]
    assert not made["existing-network"] & {"ec2:CreateVpc", "ec2:CreateNatGateway", "ec2:DeleteSubnet"}
    assert not made["existing-cluster"] & {"eks:CreateCluster", "eks:DeleteCluster", "kms:CreateKey"}
    assert "eks:CreateNodegroup" in made["existing-cluster"]


@pytest.mark.parametrize(
    ("action", "resource", "values"),
    [
        ("iam:PassRole", "arn:aws:iam::1:role/Admin", {"iam:PassedToService": "eks.amazonaws.com"}),
        ("iam:PassRole", "arn:aws:iam::1:role/node-role-role-1", {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("iam:PutRolePolicy", "arn:aws:iam::1:role/Admin", {}),
        (
            "iam:AttachRolePolicy",
            "arn:aws:iam::1:role/node-role-role-1",
            {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
        ("iam:CreateUser", "*", {}),
        ("s3:GetObject", "*", {}),
    ],
)
def test_roles_and_policies_of_others_are_out_of_reach(action: str, resource: str, values: dict[str, str]) -> None:
    assert not allows(POLICIES["created"], PermissionNeed(action, resource, values))


@pytest.mark.parametrize("missing", ["eks:CreateNodegroup", "iam:PassRole", "ec2:CreateTags", "kms:CreateGrant"])
def test_without_one_action_the_up_ends_with_its_name(missing: str) -> None:
    cut = json.loads(json.dumps(POLICIES["created"]))
    for statement in cut["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != missing]
    with pytest.raises(Exception, match=f"is not authorized to perform: {missing}"):
        life(cut)


def test_a_policy_of_a_region_allows_nothing_regional_elsewhere() -> None:
    resources = [{"type": "aws:ec2/vpc:Vpc", "name": "network-vpc", "inputs": {}}]
    document = policy(resources, "eu-central-1")
    here, there = ({"aws:RequestedRegion": region} for region in ("eu-central-1", "us-east-1"))
    assert allows(document, PermissionNeed("ec2:CreateVpc", "*", here))
    assert not allows(document, PermissionNeed("ec2:CreateVpc", "*", there))


def test_every_aws_resource_that_a_component_can_make_has_a_row() -> None:
    """Stacks with Karpenter, another network or what comes next: the kinds above do not register everything."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (REPO / "components").rglob("*.py"))
    made = set(re.findall(r"aws\.(\w+)\.([A-Z]\w*)\(", sources))
    tokens = {f"aws:{module}/{name[0].lower()}{name[1:]}:{name}" for module, name in made if not name.endswith("Args")}
    assert len(tokens) > 25
    assert sorted(tokens - set(actions())) == []


def test_who_has_a_certificate_of_acm_may_look_at_it_and_no_one_else() -> None:
    def actions_of(annotations: dict[str, str]) -> set[str]:
        inputs = {"metadata": {"annotations": annotations}}
        made = policy([{"type": "kubernetes:networking.k8s.io/v1:Ingress", "name": "i", "inputs": inputs}])
        return {action for statement in made["Statement"] for action in statement["Action"]}

    assert "acm:DescribeCertificate" in actions_of({"alb.ingress.kubernetes.io/certificate-arn": "arn"})
    assert "acm:DescribeCertificate" not in actions_of({"haproxy.org/allow-list": "10.0.0.0/8"})


def test_a_resource_without_a_row_is_an_error_with_what_to_do() -> None:
    with pytest.raises(LookupError, match=r"aws:s3/bucket:Bucket: no row in iam_actions.csv"):
        policy([{"type": "aws:s3/bucket:Bucket", "name": "x", "inputs": {}}])
