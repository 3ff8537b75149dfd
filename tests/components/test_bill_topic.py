"""The topic that AWS tells about the bill: who may publish, whose key, and who follows it with which rights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.aws.bill_topic import key_policy, topic_policy
from planning.model import BillTopicPlan, PublisherPlan
from tests.engine import Engine, Secret
from tests.golden import assert_matches
from tests.planning.stacks import planned
from tests.program import CANARIES, run_program, sections_of

GOLDENS = Path(__file__).parent / "goldens"
TOPIC, POLICY, KEY = "aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy", "aws:kms/key:Key"
SUBSCRIPTION, BUDGET = "aws:sns/topicSubscription:TopicSubscription", "aws:budgets/budget:Budget"
SLACK_TYPE = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"
TEAMS_TYPE = "aws:chatbot/teamsChannelConfiguration:TeamsChannelConfiguration"
MINE = "arn:aws:sns:eu-west-1:210987654321:bill"
ADDRESS = "https://events.example.com/canary-bill-4711"
READ_ONLY = "arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"
SLACK = {"kind": "slack", "workspaceId": "T07EA123LEP", "channelId": "C07EZ1ABC23"}
UUID = "74361522-da01-538d-aa2e-ac7918c6bb9"
TEAMS = {"kind": "teams", "tenantId": f"{UUID}1", "teamId": f"{UUID}2", "channelId": "19%3ab6ef%40thread.tacv2"}
WEBHOOK = {"kind": "webhook", "urlKey": "billAddress"}
PLAN = BillTopicPlan(
    arn=None,
    region="us-east-1",
    partition="aws",
    kms_key_arn=None,
    publishers=(
        PublisherPlan("budgets.amazonaws.com", "arn:{partition}:budgets::{account}:*"),
        PublisherPlan("costalerts.amazonaws.com", ""),
    ),
    chats=(),
    webhooks=(),
    chat_region="us-east-2",
)


def told(*channels: dict[str, Any], **notify: Any) -> Engine:
    budget = {"usdPerHour": 10, "notify": {"channels": list(channels), **notify}}
    needed = {
        "grafanaPassword": CANARIES["grafanaPassword"],
        **({"billAddress": ADDRESS} if WEBHOOK in channels else {}),
    }
    return run_program({**sections_of("dev"), "budget": budget}, "dev", secrets=needed)


def test_the_policies_of_topic_and_key_are_as_their_golden() -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:bill-topic-1"
    documents = {"topic": json.loads(topic_policy(PLAN, arn)), "key": json.loads(key_policy(PLAN, "123456789012"))}
    assert_matches(GOLDENS / "bill-topic-policies.json", json.dumps(documents, indent=2) + "\n")


def test_only_who_is_planned_to_publish_may_and_only_for_the_topics_own_account() -> None:
    without = replace(PLAN, publishers=PLAN.publishers[:1])
    (statement,) = json.loads(topic_policy(without, MINE))["Statement"]
    assert statement["Principal"] == {"Service": "budgets.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "210987654321"}
    assert json.loads(key_policy(without, "210987654321"))["Statement"][1]["Principal"] == {
        "Service": ["budgets.amazonaws.com"]
    }


def test_budget_and_monitor_are_made_once_the_services_may_publish() -> None:
    engine = told(SLACK, anomalies={"tagActivated": True})
    policy = engine.only(POLICY)
    for type_ in (BUDGET, "aws:costexplorer/anomalySubscription:AnomalySubscription"):
        assert policy.name in engine.only(type_).dependency_names
    arn = engine.only(BUDGET).inputs["notifications"][0]["subscriberSnsTopicArns"]
    assert engine.only(SLACK_TYPE).inputs["snsTopicArns"] == arn
    assert engine.only(TOPIC).inputs["kmsMasterKeyId"]
    services = [each["Principal"]["Service"] for each in json.loads(policy.inputs["policy"])["Statement"]]
    assert services == ["budgets.amazonaws.com", "costalerts.amazonaws.com"]
    assert "costalerts" not in told(SLACK).only(POLICY).inputs["policy"]


def test_people_of_a_channel_read_and_do_nothing_unless_the_stack_says_what() -> None:
    """AWS' own default is AdministratorAccess as guardrail, under a role that this one would not have."""
    engine = told(SLACK)
    assert engine.only(SLACK_TYPE).inputs["guardrailPolicyArns"] == ["arn:aws:iam::aws:policy/AWSDenyAll"]
    (role,) = [each for each in engine.all("aws:iam/role:Role") if each.name.startswith("bill-slack")]
    attached = [
        each.inputs["policyArn"]
        for each in engine.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.name.startswith("bill-slack")
    ]
    assert attached == []
    assert json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Principal"] == {
        "Service": "chatbot.amazonaws.com"
    }
    allowed = told({**SLACK, "policies": [READ_ONLY]})
    assert allowed.only(SLACK_TYPE).inputs["guardrailPolicyArns"] == [READ_ONLY]
    names = [
        each for each in allowed.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment") if "bill-slack" in each.name
    ]
    assert [each.inputs["policyArn"] for each in names] == [READ_ONLY]


def test_another_workspace_or_team_is_another_resource_and_another_channel_of_it_is_not() -> None:
    """The API changes a workspace, a team and a configuration's name nowhere."""
    first = told(SLACK, TEAMS)
    names = {type_: first.only(type_).name for type_ in (SLACK_TYPE, TEAMS_TYPE)}
    moved = told({**SLACK, "workspaceId": "T07EA123LEQ"}, {**TEAMS, "teamId": f"{UUID}3"})
    assert all(moved.only(type_).name != name for type_, name in names.items())
    assert moved.only(SLACK_TYPE).inputs["configurationName"] != first.only(SLACK_TYPE).inputs["configurationName"]
    other = told({**TEAMS, "channelId": "19%3ab6f0%40thread.tacv2"})
    assert other.only(TEAMS_TYPE).name == names[TEAMS_TYPE]


def test_chat_configurations_are_asked_for_where_the_api_answers() -> None:
    engine = told(SLACK, TEAMS)
    assert {engine.only(type_).inputs["region"] for type_ in (SLACK_TYPE, TEAMS_TYPE)} == {"us-east-2"}
    assert "region" not in engine.only(TOPIC).inputs


def test_an_address_is_a_secret_and_stands_nowhere() -> None:
    engine = told(WEBHOOK)
    made = engine.only(SUBSCRIPTION)
    assert (made.inputs["protocol"], made.inputs["endpointAutoConfirms"]) == ("https", True)
    assert made.plain_inputs["endpoint"] == ADDRESS
    assert isinstance(made.inputs["endpoint"], Secret)
    assert ADDRESS not in repr(planned(budget={"notify": {"channels": [WEBHOOK]}}))


def test_a_topic_that_is_there_keeps_its_policy_and_its_key() -> None:
    engine = told(SLACK, WEBHOOK, topicArn=MINE)
    assert not [each for each in engine.registrations if each.type in (TOPIC, POLICY)]
    assert not [each for each in engine.all(KEY) if each.name.startswith("bill")]
    assert engine.only(SLACK_TYPE).inputs["snsTopicArns"] == [MINE]
    assert (engine.only(SUBSCRIPTION).inputs["topic"], engine.only(SUBSCRIPTION).inputs["region"]) == (
        MINE,
        "eu-west-1",
    )


@pytest.mark.parametrize("notify", [{"emails": ["a@team.invalid"]}, {"topicArn": MINE}])
def test_without_channels_nothing_follows(notify: dict[str, Any]) -> None:
    engine = told(**notify)
    assert not [each for each in engine.registrations if each.type.startswith(("aws:sns/", "aws:chatbot/"))]


def test_a_key_of_the_account_is_taken_and_none_is_made_or_billed() -> None:
    key = "arn:aws:kms:us-east-1:210987654321:key/12345678-1234-1234-1234-123456789012"
    engine = told(SLACK, kmsKeyArn=key)
    assert engine.only(TOPIC).inputs["kmsMasterKeyId"] == key
    assert not [each for each in engine.all(KEY) if each.name.startswith("bill")]
    lines = {
        bool(written): [line.what for line in _plan(**written).cost.lines if "bill" in line.what]
        for written in ({}, {"kmsKeyArn": key})
    }
    assert lines == {False: ["KMS key of the bill's topic"], True: []}


def _plan(**notify: Any) -> Any:
    return planned(budget={"notify": {"channels": [SLACK], **notify}})
