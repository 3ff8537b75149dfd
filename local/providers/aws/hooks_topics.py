"""SNS' attributes, which have one operation for all, and what chat configurations refuse to change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from local.providers.aws.hooks import Properties
from local.providers.aws.resource import LiveResource
from local.providers.rpc import ProviderError

_ATTRIBUTES = {"kmsMasterKeyId": "KmsMasterKeyId", "displayName": "DisplayName"}
# Sid of the one statement that SNS gives a topic.
_OWN = "__default_statement_ID"


def make_topic(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """CreateTopic takes the attributes with it."""
    inputs = resource.inputs
    attributes = {name: inputs[prop] for prop, name in _ATTRIBUTES.items() if inputs.get(prop)}
    parameters = {"Name": inputs["name"], **({"Attributes": attributes} if attributes else {}), **tagged}
    return str(resource.call("create_topic", parameters)["TopicArn"])


def change_topic(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    """SetTopicAttributes, one by one; an empty value clears."""
    for prop, name in _ATTRIBUTES.items():
        if prop in changed:
            value = resource.inputs.get(prop) or ""
            resource.call(
                "set_topic_attributes", {"TopicArn": resource.id, "AttributeName": name, "AttributeValue": value}
            )


def observe_topic(resource: LiveResource, seen: Properties) -> Properties:
    """The topic in the provider's words; its policy is a resource of its own."""
    live = resource.live
    arn = str(live["TopicArn"])
    given = {prop: live[name] for prop, name in _ATTRIBUTES.items() if live.get(name)}
    return {"arn": arn, "name": arn.rsplit(":", 1)[-1], "owner": live["Owner"], "policy": live["Policy"], **given}


def observe_topic_policy(resource: LiveResource, seen: Properties) -> Properties | None:
    """None where the topic has SNS' own policy only."""
    statements = json.loads(resource.live["Policy"]).get("Statement", [])
    return None if [statement.get("Sid") for statement in statements] == [_OWN] else {}


def own_policy_again(resource: LiveResource) -> None:
    """What SNS gives a new topic: the account may do everything with it (provider: resourceTopicPolicyDelete)."""
    arn, account = resource.id, resource.value("account")
    verbs = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic")
    statement = {
        "Sid": _OWN,
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{verb}" for verb in (*verbs, "Subscribe", "ListSubscriptionsByTopic", "Publish")],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    text = json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})
    resource.call("set_topic_attributes", {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": text})


def refuse_what_no_update_takes(fixed: tuple[str, ...]) -> Callable[..., None]:
    """The original sends the update, reads the old value back, and ends with an error
    (internal/service/chatbot/*_channel_configuration.go: no attribute of these is RequiresReplace)."""

    def refuse(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
        wrong = sorted(changed & set(fixed))
        if wrong:
            raise ProviderError(f"Provider produced inconsistent result after apply: .{', .'.join(wrong)}")

    return refuse
