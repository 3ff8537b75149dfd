"""What a model has to do: its traffic, what its users were promised, and what the stack may cost."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from settings.channels import Channel
from settings.findings import WrongValue
from settings.lengths import USUAL_INPUT_TOKENS, USUAL_OUTPUT_TOKENS
from settings.names import EmailAddress, KmsKeyArn, SnsTopicArn
from settings.types import Section, Share, described


class TrafficShape(StrEnum):
    """How requests come over time."""

    STEADY = "steady"
    DIURNAL = "diurnal"
    BURST = "burst"


class DeclaredTraffic(Section):
    """The requests a model is meant for; cost per token, scaling and the preview's picture follow from it."""

    requests_per_second: float = described("mean over the busiest hour", ge=1e-6, le=100_000)
    input_tokens: int = described("mean prompt length, tokens", default=USUAL_INPUT_TOKENS, ge=1, le=10_485_760)
    output_tokens: int = described("mean answer length, tokens", default=USUAL_OUTPUT_TOKENS, ge=1, le=10_485_760)
    shape: TrafficShape = described(
        "steady, diurnal (days and weekends) or burst: the default autoscaling then keeps room ready beforehand",
        default=TrafficShape.DIURNAL,
    )


class SloSettings(Section):
    """What users were promised; alerts and capacity follow from it."""

    time_to_first_token_seconds: float = described("longest time to the first token, s", default=2.0, ge=0.001, le=600)
    time_per_output_token_seconds: float = described(
        "longest mean time per further token, s", default=0.1, ge=0.0001, le=60
    )
    share: Share = described("share of requests that must hold both", default=0.99)
    availability: Share = described("share of requests that must not fail", default=0.999)
    window_days: int = described("over how many days the shares are counted", default=30, ge=1, le=90)


class AnomalyScope(StrEnum):
    """Whose cost is watched."""

    STACK = "stack"
    ACCOUNT = "account"


class AnomalySettings(Section):
    """AWS Cost Anomaly Detection: tells of a cost that is unlike the days before, long before a month is spent."""

    scope: AnomalyScope = described(
        "stack (what carries the stack's tag; only the organization's management account may) or account (every "
        "service of the account; AWS allows one such monitor)",
        default=AnomalyScope.STACK,
    )
    percent_of_day: int = described(
        "from how much unexpected cost on, % of the stack's planned day (24 hours of the budget, else of the ceiling)",
        default=25,
        ge=1,
        le=1000,
    )
    tag_activated: bool = described(
        "the stack's tag is activated as a cost allocation tag: without it a monitor of the tag sees nothing",
        default=False,
    )

    @model_validator(mode="after")
    def _tag_is_of_the_stack(self) -> Self:
        if self.tag_activated and self.scope is AnomalyScope.ACCOUNT:
            raise WrongValue("tagActivated says nothing with scope: account", "leave it out, or write scope: stack")
        return self


class BudgetNotice(Section):
    """Who AWS tells about the month's bill, before it is spent."""

    emails: tuple[EmailAddress, ...] = described("who gets a mail", default=(), max_length=10)
    topic_arn: SnsTopicArn | None = described(
        "SNS topic that is there, with its policy; default: where there are channels, one is made", default=None
    )
    channels: tuple[Channel, ...] = described(
        "where the topic's messages are read: slack, teams, or a webhook that speaks SNS", default=(), max_length=10
    )
    kms_key_arn: KmsKeyArn | None = described(
        "KMS key that encrypts a topic that is made, whose policy lets the publishers in; default: one of our own",
        default=None,
    )
    at_percent: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = described(
        "at which shares of the month's amount", default=(80, 100), min_length=1, max_length=4
    )
    forecast: bool = described("also when AWS expects the month to pass the amount", default=True)
    anomalies: AnomalySettings | None = described(
        "also when a cost is unlike the days before: mails once a day, the topic at once", default=None
    )

    @model_validator(mode="after")
    def _has_a_receiver(self) -> Self:
        if not self.emails and self.topic_arn is None and not self.channels:
            raise WrongValue(
                "notifies no one",
                "write emails: [...], channels: [...] or topicArn: arn:aws:sns:..., or leave notify out",
            )
        if self.kms_key_arn and (self.topic_arn or not self.channels):
            raise WrongValue(
                "kmsKeyArn is of a topic that is made, and none is",
                "leave it out, or leave topicArn out and write channels: [...]",
            )
        if len(set(self.at_percent)) < len(self.at_percent):
            raise WrongValue("atPercent says a share twice", "write each once")
        return self


class Budget(Section):
    """Most the stack may cost with every pool at its largest; a plan above it is refused."""

    usd_per_hour: float | None = described("US dollars per hour", default=None, ge=0.01, le=1e7)
    usd_per_month: float | None = described("US dollars per month of 730 hours", default=None, ge=0.01, le=1e10)

    notify: BudgetNotice | None = described(
        "an AWS Budget of that amount (without one: of the plan's ceiling) that tells people", default=None
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.usd_per_hour is None and self.usd_per_month is None and self.notify is None:
            raise WrongValue("says no amount", "write usdPerHour or usdPerMonth, or leave budget out")
        return self
