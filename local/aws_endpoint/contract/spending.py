"""Who is told of the bill: how many monitors an account may have, topics that are open, ids of channels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jmespath
from botocore.session import get_session

from local.aws_endpoint.anomalies import MONITOR, kept
from local.aws_endpoint.contract.rule import Asked, Checks

SINCE = "2026-11-28"
BUDGETS = "budgets.amazonaws.com"
CHAT_REGIONS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")
_CHAT_IDS = ("SlackTeamId", "SlackChannelId", "TeamId", "TenantId", "ChannelId")
# Of the three operations, in the order of their ids.
_TOPICS = jmespath.compile(
    "[NotificationsWithSubscribers[].Subscribers[], Subscribers, [Subscriber]][] | [?SubscriptionType == 'SNS'].Address"
)


def _second_of_dimension(asked: Asked) -> Mapping[str, Any] | None:
    dimension = (asked.given.get("AnomalyMonitor") or {}).get("MonitorDimension")
    taken = {monitor.get("MonitorDimension") for monitor in kept(asked.world.ce, MONITOR).values()}
    return {} if dimension and dimension in taken else None


def _publishers(topic: Any) -> Iterator[str]:
    """Services that the topic's policy lets publish, whatever their conditions."""
    for statement in json.loads(topic.policy).get("Statement", []):
        principal, actions = statement.get("Principal", {}), statement.get("Action", [])
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        verbs = {action.lower() for action in ([actions] if isinstance(actions, str) else actions)}
        if statement.get("Effect") == "Allow" and verbs & {"sns:publish", "sns:*", "*"}:
            yield from [services] if isinstance(services, str) else services


def _closed_topic(asked: Asked) -> Mapping[str, Any] | None:
    for arn in _TOPICS.search(asked.given) or []:
        topic = asked.world.topic(arn)
        if topic is None or BUDGETS not in _publishers(topic):
            return {"topic": arn}
    return None


def _no_endpoint(asked: Asked) -> Mapping[str, Any] | None:
    region = asked.world.region
    return None if region in CHAT_REGIONS else {"region": region}


@cache
def _pattern(operation: str, member: str) -> Any:
    """A parameter's pattern, from the service's model."""
    shape = get_session().get_service_model("chatbot").operation_model(operation).input_shape.members.get(member)
    return None if shape is None else re.compile(shape.metadata["pattern"])


def _odd_id(asked: Asked) -> Mapping[str, Any] | None:
    operation = asked.operation.partition(":")[2]
    for member in _CHAT_IDS:
        value, pattern = asked.given.get(member), _pattern(operation, member)
        if value is not None and pattern is not None and not pattern.fullmatch(value):
            return {"what": member}
    return None


CHECKS: Checks = {
    "anomaly-monitor-dimension": _second_of_dimension,
    "budget-topic": _closed_topic,
    "chat-region": _no_endpoint,
    "chat-ids": _odd_id,
}
