"""`BillTopic`: the SNS topic that AWS Budgets and Cost Anomaly Detection publish into, and the channels that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.aws import iam
from components.aws.eks_cluster import KEY_DELETION_WINDOW_DAYS
from components.aws.service_role import ServiceRole, ServiceRoleArgs
from components.tags import named
from planning.model import BillTopicPlan, ChatChannelPlan, PublisherPlan, Tags

# Who assumes a channel's role (docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-iam-policies.html, 2026-11-28).
CHAT_SERVICE = "chatbot.amazonaws.com"


def topic_policy(plan: BillTopicPlan, topic_arn: str) -> str:
    """Who may publish: the services alone, for sources of the topic's own account."""
    account = topic_arn.split(":")[4]
    return iam.document(*(_publishing(publisher, plan.partition, account, topic_arn) for publisher in plan.publishers))


def _publishing(publisher: PublisherPlan, partition: str, account: str, topic_arn: str) -> dict[str, Any]:
    condition: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": account}}
    if publisher.source_arn:
        source = publisher.source_arn.format(partition=partition, account=account)
        condition["ArnLike"] = {"aws:SourceArn": source}
    return {
        "Sid": f"Publish{publisher.service.partition('.')[0].capitalize()}",
        "Effect": "Allow",
        "Principal": {"Service": publisher.service},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": condition,
    }


def key_policy(plan: BillTopicPlan, account: str) -> str:
    """The account's administrators, and the publishing services for messages of the account's topics in the region.

    SNS' encryption context names the topic; whether each service sends aws:SourceAccount to KMS is documented nowhere,
    and a condition that it does not meet would swallow every message
    (docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services and
    .../gamelift/latest/flexmatchguide/queue-notification-sns-sse.html, 2026-11-28).
    """
    topics = f"arn:{plan.partition}:sns:{plan.region}:{account}:*"
    return iam.document(
        {
            "Sid": "Administer",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{plan.partition}:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "Publish",
            "Effect": "Allow",
            "Principal": {"Service": [publisher.service for publisher in plan.publishers]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": topics}},
        },
    )


@dataclass(frozen=True)
class BillTopicArgs:
    """`secrets`: by config key; those of `plan.webhooks` are addresses."""

    plan: BillTopicPlan
    secrets: Mapping[str, pulumi.Output[str]]
    tags: Tags


class BillTopic(pulumi.ComponentResource):
    """Topic, key and policy, unless the topic exists; a role and a configuration for each chat, a subscription for
    each address. `arn` is there once the services may publish."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: BillTopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:BillTopic", name, None, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        plan = args.plan
        self.arn = pulumi.Output.from_input(plan.arn) if plan.arn else self._topic(plan)
        for chat in plan.chats:
            self._chat(plan, chat)
        for key in plan.webhooks:
            aws.sns.TopicSubscription(
                f"{name}-{key}",
                topic=self.arn,
                region=plan.region,
                protocol="https",
                endpoint=args.secrets[key],
                # An address that does not confirm by itself would be told nothing, and `up` would say nothing.
                endpoint_auto_confirms=True,
                opts=self._child,
            )
        self.register_outputs({"arn": self.arn})

    def _topic(self, plan: BillTopicPlan) -> pulumi.Output[str]:
        topic = aws.sns.Topic(
            f"{self._name}-topic",
            kms_master_key_id=plan.kms_key_arn or self._key(plan),
            tags=named(self._args.tags, f"{self._name}-topic"),
            opts=self._child,
        )
        policy = aws.sns.TopicPolicy(
            f"{self._name}-topic-policy",
            arn=topic.arn,
            policy=topic.arn.apply(lambda arn: topic_policy(plan, arn)),
            opts=self._child,
        )
        arn: pulumi.Output[str] = policy.arn
        return arn

    def _key(self, plan: BillTopicPlan) -> pulumi.Output[str]:
        account = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id
        key = aws.kms.Key(
            f"{self._name}-key",
            description="messages about the bill",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_WINDOW_DAYS,
            policy=account.apply(lambda account_id: key_policy(plan, account_id)),
            tags=named(self._args.tags, f"{self._name}-key"),
            opts=self._child,
        )
        arn: pulumi.Output[str] = key.arn
        return arn

    def _chat(self, plan: BillTopicPlan, chat: ChatChannelPlan) -> None:
        """What a changed workspace or team is another resource for: the API changes neither in place."""
        name, tags = f"{self._name}-{chat.kind}-{chat.key}", self._args.tags
        trusted = iam.service_trust(CHAT_SERVICE)
        described = f"what people of a {chat.kind.capitalize()} channel may do in AWS"
        role = ServiceRole(name, ServiceRoleArgs(trusted, chat.policies, described, tags), self._child)
        shared: dict[str, Any] = {
            "configuration_name": chat.configuration_name,
            "iam_role_arn": role.arn,
            "guardrail_policy_arns": list(chat.guardrails),
            "logging_level": "ERROR",
            "sns_topic_arns": [self.arn],
            "region": plan.chat_region,
            "tags": named(tags, name),
            "opts": self._child,
        }
        if chat.kind == "slack":
            aws.chatbot.SlackChannelConfiguration(
                name, slack_team_id=chat.workspace_id, slack_channel_id=chat.channel_id, **shared
            )
        else:
            aws.chatbot.TeamsChannelConfiguration(
                name, tenant_id=chat.tenant_id, team_id=chat.team_id, channel_id=chat.channel_id, **shared
            )
