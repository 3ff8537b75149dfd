"""Examples of topics, their policies and subscriptions, and of channels that follow a topic."""

from __future__ import annotations

import json
from typing import Any

from tests.local.aws.needs import KEY, Case, trust

TOPIC = ("topic", "aws:sns/topic:Topic", {})
CHAT_ROLE = ("chat-role", "aws:iam/role:Role", {"assumeRolePolicy": trust("chatbot.amazonaws.com")})
POLICY = "arn:aws:iam::aws:policy/"
UUID = "74361522-da01-538d-aa2e-ac7918c6bb9"


def _policy(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": "arn:aws:sns:us-west-2:123456789012:any",
    }
    # SNS gives a policy back without blanks.
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _follows(name: str, **more: Any) -> dict[str, Any]:
    return {
        "configurationName": name,
        "iamRoleArn": "$chat-role.arn",
        "snsTopicArns": ["$topic.arn"],
        "guardrailPolicyArns": [f"{POLICY}AWSDenyAll"],
        "loggingLevel": "ERROR",
        "region": "us-east-2",
        "tags": {"a": "1"},
        **more,
    }


CASES: tuple[Case, ...] = (
    Case(
        "aws:sns/topic:Topic",
        {"kmsMasterKeyId": "$key.arn", "tags": {"a": "1"}},
        needs=(KEY,),
        update={"kmsMasterKeyId": None, "displayName": "bill", "tags": {"b": "1"}},
        replace={"name": "other"},
        outputs=("arn", "name", "owner"),
    ),
    Case(
        "aws:sns/topicPolicy:TopicPolicy",
        {"arn": "$topic.arn", "policy": _policy("budgets.amazonaws.com")},
        needs=(TOPIC,),
        update={"policy": _policy("costalerts.amazonaws.com")},
        outputs=("owner",),
    ),
    Case(
        "aws:sns/topicSubscription:TopicSubscription",
        {
            "topic": "$topic.arn",
            "protocol": "https",
            "endpoint": "https://events.example.com/x",
            "endpointAutoConfirms": True,
        },
        needs=(TOPIC,),
        replace={"endpoint": "https://events.example.com/y"},
        outputs=("arn", "ownerId"),
    ),
    Case(
        "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
        _follows("slack", slackTeamId="T07EA123LEP", slackChannelId="C07EZ1ABC23"),
        needs=(TOPIC, CHAT_ROLE),
        update={
            "slackChannelId": "C07EZ1ABC24",
            "guardrailPolicyArns": [f"{POLICY}ReadOnlyAccess"],
            "tags": {"b": "1"},
        },
        outputs=("chatConfigurationArn",),
        not_imported=("region",),
    ),
    Case(
        "aws:chatbot/teamsChannelConfiguration:TeamsChannelConfiguration",
        _follows("teams", tenantId=f"{UUID}1", teamId=f"{UUID}2", channelId="19%3ab6ef%40thread.tacv2"),
        needs=(TOPIC, CHAT_ROLE),
        update={"channelId": "19%3ab6f0%40thread.tacv2", "tags": {"b": "1"}},
        outputs=("chatConfigurationArn",),
        # By its team, in a region that the id does not name.
        importable=False,
    ),
)
