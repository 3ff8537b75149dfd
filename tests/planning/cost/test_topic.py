"""Channels of the bill that cannot work, and what is said instead."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.planning.stacks import errors, planned, refusal, stack

SLACK = {"kind": "slack", "workspaceId": "T07EA123LEP", "channelId": "C07EZ1ABC23"}
UUID = "74361522-da01-538d-aa2e-ac7918c6bb9"
TEAMS = {"kind": "teams", "tenantId": f"{UUID}1", "teamId": f"{UUID}2", "channelId": "19%3ab6ef%40thread.tacv2"}
KEY = "arn:aws:kms:eu-west-1:210987654321:key/12345678-1234-1234-1234-123456789012"
TOPIC = "arn:aws:sns:us-east-1:210987654321:bill"
NAME_TOLD = "not the id of a Slack channel; write the id at the end"


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ({"channels": [{**SLACK, "channelId": "#bill"}]}, NAME_TOLD),
        ({"channels": [{**SLACK, "channelId": "bill"}]}, NAME_TOLD),
        ({"channels": [{**SLACK, "channelId": "D07EZ1ABC23"}]}, NAME_TOLD),
        ({"channels": [{**SLACK, "workspaceId": "acme.slack.com"}]}, "not the id of a Slack workspace"),
        ({"channels": [{**TEAMS, "channelId": "19:b6ef@thread.tacv2"}]}, "write it with %3a for ':' and %40"),
        ({"channels": [{**TEAMS, "teamId": "platform"}]}, "not the id of a team"),
        ({"channels": [{**SLACK, "policies": ["arn:aws:iam::aws:policy/AdministratorAccess"]}]}, "could change all"),
        ({"channels": [{**SLACK, "policies": ["arn:aws:iam::aws:policy/job-function/PowerUserAccess"]}]}, "change all"),
        (
            {
                "channels": [
                    {**SLACK, "policies": [f"arn:aws:iam::{whose}:policy/Look" for whose in ("aws", "210987654321")]}
                ]
            },
            "policies has two of one name",
        ),
        ({"channels": [{**TEAMS, "policies": ["ReadOnlyAccess"]}]}, "not the ARN of an IAM policy"),
        ({"channels": [{"kind": "webhook", "url": "https://hooks.slack.com/x"}]}, "urlKey"),
        ({"channels": [{"kind": "discord"}]}, "'slack', 'teams', 'webhook'"),
        ({"emails": ["a@team.invalid"], "kmsKeyArn": KEY}, "kmsKeyArn is of a topic that is made"),
        ({"topicArn": TOPIC, "channels": [SLACK], "kmsKeyArn": KEY}, "kmsKeyArn is of a topic that is made"),
    ],
)
def test_a_channel_that_is_none_is_refused_by_its_settings(notify: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        stack(budget={"notify": notify})


@pytest.mark.parametrize(
    ("notify", "path", "told"),
    [
        ({"channels": [SLACK, SLACK]}, "budget.notify.channels[1]", "channels[0] is the same channel; write each once"),
        (
            {
                "channels": [
                    SLACK,
                    TEAMS,
                    {**TEAMS, "channelId": "19%3ab6f0%40thread.tacv2", "teamId": f"{UUID}2".upper()},
                ]
            },
            "budget.notify.channels[2].teamId",
            "channels[1] is of team",
        ),
        ({"channels": [SLACK], "kmsKeyArn": KEY}, "budget.notify.kmsKeyArn", "the key is in eu-west-1"),
        ({"topicArn": TOPIC}, "budget.notify.topicArn", "a budget tells topics of its own account only, 123456789013"),
    ],
)
def test_what_aws_or_the_provider_would_not_take_is_refused(notify: dict[str, Any], path: str, told: str) -> None:
    assert told in errors(refusal(account="123456789013", budget={"notify": notify}))[path]


def test_every_mistake_of_the_channels_is_said_at_once() -> None:
    other = {**TEAMS, "channelId": "19%3ab6f0%40thread.tacv2"}
    refused = errors(refusal(budget={"notify": {"channels": [SLACK, SLACK, TEAMS, other], "kmsKeyArn": KEY}}))
    assert {"budget.notify.channels[1]", "budget.notify.channels[3].teamId", "budget.notify.kmsKeyArn"} <= set(refused)


def test_a_stack_with_a_dot_has_a_configuration_whose_name_aws_takes() -> None:
    plan = planned("my.stack", cluster={"name": "mine"}, budget={"notify": {"channels": [SLACK]}})
    assert plan.cost.spending is not None
    assert plan.cost.spending.topic is not None
    (chat,) = plan.cost.spending.topic.chats
    assert chat.configuration_name == f"my-stack-bill-{chat.key}"
