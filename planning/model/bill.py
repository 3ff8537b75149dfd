"""Who is told about the bill, and how. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublisherPlan:
    """A service that publishes into the topic."""

    service: str
    """Principal, as budgets.amazonaws.com."""
    source_arn: str
    """Pattern of aws:SourceArn with {partition} and {account}; empty: the source's account is all that is held."""


@dataclass(frozen=True)
class ChatChannelPlan:
    """A channel that Amazon Q Developer in chat applications posts into."""

    kind: str
    """slack or teams."""
    key: str
    """Hex digits of what cannot be changed in place: another workspace or team is another configuration."""
    configuration_name: str
    channel_id: str
    workspace_id: str = ""
    """Of Slack."""
    team_id: str = ""
    tenant_id: str = ""
    policies: tuple[str, ...] = ()
    """ARNs: what the channel's role may do; empty: nothing."""
    guardrails: tuple[str, ...] = ()
    """ARNs: more than these allow no role gets in the channel. Never empty: AWS takes AdministratorAccess for none."""


@dataclass(frozen=True)
class BillTopicPlan:
    """The SNS topic that is told, and what follows it."""

    arn: str | None
    """One that exists, with its policy and key; None: made with the stack."""
    region: str
    """Of the topic."""
    partition: str
    kms_key_arn: str | None
    """Key of a topic that is made; None: made with it."""
    publishers: tuple[PublisherPlan, ...]
    chats: tuple[ChatChannelPlan, ...]
    webhooks: tuple[str, ...]
    """Config secrets that hold the addresses."""
    chat_region: str
    """Where the API of chat configurations answers; they are the account's, whatever the region."""

    @property
    def has_own_key(self) -> bool:
        """Whether a key is made."""
        return self.arn is None and self.kms_key_arn is None
