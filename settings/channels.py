"""Where AWS' messages about the bill are read: channels of Slack and Teams, addresses that speak SNS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from settings.findings import WrongValue
from settings.matching import Matching
from settings.types import ConfigKey, Section, described

# https://docs.aws.amazon.com/chatbot/latest/APIReference/API_SlackChannelConfiguration.html and
# API_TeamsChannelConfiguration.html, 2026-11-28; narrower where Slack's own ids are (a workspace begins with T, an
# Enterprise Grid with E, a channel with C or G), for a channel's name fits AWS' pattern, too.
SlackWorkspaceId = Annotated[
    str,
    Matching(
        r"[TE][0-9A-Z]{7,20}",
        "not the id of a Slack workspace",
        "write the id that the console of Amazon Q Developer in chat applications shows, for example T07EA123LEP",
    ),
]
SlackChannelId = Annotated[
    str,
    Matching(
        r"[CG][0-9A-Z]{7,20}",
        "not the id of a Slack channel",
        "write the id at the end of the channel's link, for example C07EZ1ABC23, not its name",
    ),
]
_UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
TeamsTenantId = Annotated[str, Matching(_UUID, "not the id of a tenant", "write its UUID")]
TeamsTeamId = Annotated[str, Matching(_UUID, "not the id of a team", "write its UUID, not its name")]
TeamsChannelId = Annotated[
    str,
    Field(max_length=255),
    Matching(
        r"[\w=+/.,-]*%3[aA][\w=+/.,-]*%40[\w=+/.,-]*",
        "not the id of a Teams channel as its link has it",
        "write it with %3a for ':' and %40 for '@': 19%3a<hex>%40thread.tacv2",
    ),
]
IamPolicyArn = Annotated[
    str,
    Matching(
        r"arn:aws(-[a-z]+)*:iam::(aws|\d{12}):policy(/[\w+=,.@-]+)+",
        "not the ARN of an IAM policy",
        "write arn:aws:iam::aws:policy/<name>, or arn:aws:iam::<12 digits>:policy/<name>",
    ),
]
# With one of these all who write into the channel could do everything.
ADMINISTRATORS = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")


class _ChatChannel(Section):
    """What people of the channel may do in AWS, beside reading what is posted."""

    policies: tuple[IamPolicyArn, ...] = described(
        "what people in the channel may do in AWS from there, ARNs of policies; default: nothing, they read",
        default=(),
        max_length=10,
    )

    @model_validator(mode="after")
    def _not_everything(self) -> _ChatChannel:
        wrong = [arn for arn in self.policies if arn.rsplit("/", 1)[-1] in ADMINISTRATORS]
        if wrong:
            raise WrongValue(
                f"policies has {', '.join(wrong)}: all who write into the channel could change all of the account",
                "write what they need there, arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess for example",
            )
        # What is attached is called after it in the state.
        if len({arn.rsplit("/", 1)[-1] for arn in self.policies}) < len(self.policies):
            raise WrongValue("policies has two of one name", "write each once, or give one of yours another name")
        return self


class SlackChannel(_ChatChannel):
    """A channel of Slack, by Amazon Q Developer in chat applications (AWS Chatbot)."""

    kind: Literal["slack"]
    workspace_id: SlackWorkspaceId = described("workspace that was authorized once in the console, T07EA123LEP")
    channel_id: SlackChannelId = described("channel, C07EZ1ABC23; in a private one invite @Amazon Q")


class TeamsChannel(_ChatChannel):
    """A channel of Microsoft Teams, by Amazon Q Developer in chat applications (AWS Chatbot)."""

    kind: Literal["teams"]
    tenant_id: TeamsTenantId = described("tenant, its UUID")
    team_id: TeamsTeamId = described("team that was authorized once in the console, its UUID")
    channel_id: TeamsChannelId = described("channel, as its link has it: 19%3a<hex>%40thread.tacv2")


class WebhookChannel(Section):
    """An https address that confirms SNS' subscription by itself (PagerDuty, Opsgenie); Slack's and Teams' do not."""

    kind: Literal["webhook"]
    url_key: ConfigKey = described("pulumi config secret that holds the address")


Channel = Annotated[SlackChannel | TeamsChannel | WebhookChannel, Field(discriminator="kind")]
