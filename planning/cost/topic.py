"""The SNS topic that AWS tells about the bill: an existing one or the stack's, and the channels that follow it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from planning.cluster.regions import partition
from planning.facts import rows
from planning.findings import Findings
from planning.model import BillTopicPlan, ChatChannelPlan, PublisherPlan
from settings.channels import Channel, SlackChannel, TeamsChannel, WebhookChannel
from settings.demand import BudgetNotice
from settings.stack import StackSettings

SECTION = "budget.notify"
# chatbot.us-east-1.amazonaws.com and most others do not exist (github.com/aws/aws-cli/issues/8658); CloudFormation
# itself calls us-east-2 from everywhere (github.com/aws/aws-cdk/issues/24675).
CHAT_REGION = "us-east-2"
_KEY_DIGITS = 8
# Allows nothing, where people of a channel only read: with no guardrail AWS takes AdministratorAccess.
NOTHING = "AWSDenyAll"


def plan_topic(settings: StackSettings, stack: str, findings: Findings) -> BillTopicPlan | None:
    """None: no one is told, or by mail only."""
    notify = settings.budget.notify if settings.budget else None
    if notify is None or not (notify.topic_arn or notify.channels):
        return None
    here = partition(settings.region)
    _check_topic(notify, settings, here, findings)
    _check_twice(notify.channels, findings)
    told = {"budget", "anomalies"} if notify.anomalies else {"budget"}
    return BillTopicPlan(
        arn=notify.topic_arn,
        region=notify.topic_arn.split(":")[3] if notify.topic_arn else settings.region,
        partition=here,
        kms_key_arn=notify.kms_key_arn,
        publishers=tuple(
            PublisherPlan(row["service"], row["source_arn"])
            for row in rows("bill_publishers.csv")
            if row["about"] in told
        ),
        chats=tuple(_chats(notify.channels, stack, here)),
        webhooks=tuple(channel.url_key for channel in notify.channels if isinstance(channel, WebhookChannel)),
        chat_region=CHAT_REGION,
    )


def _check_topic(notify: BudgetNotice, settings: StackSettings, here: str, findings: Findings) -> None:
    """The topic's partition and account, and the key of a topic that is made."""
    if notify.topic_arn:
        _, whose, _, _, account, _ = notify.topic_arn.split(":")
        if whose != here:
            findings.error(
                f"{SECTION}.topicArn",
                "budget-topic",
                f"{notify.topic_arn} is not in partition {here}, where the stack is",
                f"write a topic of it, arn:{here}:sns:...",
            )
        elif settings.account and account != settings.account:
            findings.error(
                f"{SECTION}.topicArn",
                "budget-topic",
                f"{notify.topic_arn} is of account {account}, and a budget tells topics of its own account only, "
                f"{settings.account}",
                f"write a topic of {settings.account}, or channels: [...], for which one is made",
            )
    key = notify.kms_key_arn
    if key and key.split(":")[3] != settings.region:
        findings.error(
            f"{SECTION}.kmsKeyArn",
            "budget-topic-key",
            f"the key is in {key.split(':')[3]}, and the topic in {settings.region}",
            f"write the ARN of a key in {settings.region}",
        )


def _check_twice(channels: Sequence[Channel], findings: Findings) -> None:
    """Channels that are one to AWS, or to the provider."""
    seen: dict[tuple[str, ...], int] = {}
    for index, channel in enumerate(channels):
        before = seen.setdefault(_identity(channel), index)
        if before == index:
            continue
        if isinstance(channel, TeamsChannel) and channel.channel_id != _channel_id(channels[before]):
            # terraform-provider-aws internal/service/chatbot/teams_channel_configuration.go,
            # findTeamsChannelConfigurationByTeamID: with two of one team it finds none.
            findings.error(
                f"{SECTION}.channels[{index}].teamId",
                "budget-channel-team",
                f"channels[{before}] is of team {channel.team_id}, too: the provider looks a configuration up by its "
                "team, and fails where there are two",
                "write one channel for each team",
            )
        else:
            where = f"channels[{before}] is the same channel"
            findings.error(f"{SECTION}.channels[{index}]", "budget-channel-twice", where, "write each once")


def _identity(channel: Channel) -> tuple[str, ...]:
    """What no two may have alike."""
    if isinstance(channel, SlackChannel):
        return ("slack", channel.workspace_id, channel.channel_id)
    if isinstance(channel, TeamsChannel):
        return ("teams", channel.tenant_id.lower(), channel.team_id.lower())
    return ("webhook", channel.url_key)


def _channel_id(channel: Channel) -> str:
    return "" if isinstance(channel, WebhookChannel) else channel.channel_id


def _chats(channels: Sequence[Channel], stack: str, here: str) -> Iterator[ChatChannelPlan]:
    for channel in channels:
        if isinstance(channel, WebhookChannel):
            continue
        identity = _identity(channel)
        key = sha256("\n".join(identity).encode()).hexdigest()[:_KEY_DIGITS]
        slack = isinstance(channel, SlackChannel)
        yield ChatChannelPlan(
            kind=channel.kind,
            key=key,
            # Letters, digits, '-' and '_' (API_CreateSlackChannelConfiguration); a stack's name may have dots.
            configuration_name=f"{stack.replace('.', '-')}-bill-{key}",
            channel_id=channel.channel_id,
            workspace_id=channel.workspace_id if isinstance(channel, SlackChannel) else "",
            team_id="" if slack else identity[2],
            tenant_id="" if slack else identity[1],
            policies=channel.policies,
            guardrails=channel.policies or (f"arn:{here}:iam::aws:policy/{NOTHING}",),
        )
