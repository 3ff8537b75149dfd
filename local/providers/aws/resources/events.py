"""EventBridge's rules and targets, and the policy of a queue that they write into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.providers.aws import checks
from local.providers.aws.table import Call, Row, Tagging, UpdateCall

_RULE_PROPS = ("description", "eventPattern", "roleArn", "scheduleExpression", "state")
EVENT_RULE = Row(
    token="aws:cloudwatch/eventRule:EventRule",
    service="events",
    create=Call("put_rule"),
    id="{name}",
    id_is_template=True,
    read=Call("describe_rule", {"Name": "$id"}),
    delete=(Call("delete_rule", {"Name": "$id"}),),
    name_prop="name",
    names={"name": "Name"},
    live={"name": "Name", "arn": "Arn"},
    # PutRule replaces the whole rule.
    changes=(UpdateCall(_RULE_PROPS, Call("put_rule", {"Name": "$id"}), together=True),),
    defaults={"state": "ENABLED", "description": ""},
    tagging=Tagging(
        {"ResourceARN": "$arn"},
        "Tags",
        read=Call("list_tags_for_resource", {"ResourceARN": "arn:$partition:events:$region:$account:rule/$id"}, "Tags"),
    ),
    checks=(checks.json_document("eventPattern"),),
)


def _target(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`Targets` of PutTargets: one."""
    return {"Targets": [{"Id": inputs["targetId"], "Arn": inputs["arn"]}]}


EVENT_TARGET = Row(
    token="aws:cloudwatch/eventTarget:EventTarget",
    service="events",
    create=Call("put_targets"),
    prepare=_target,
    id="{rule}-{targetId}",
    id_is_template=True,
    import_id="{rule}/{targetId}",
    read=Call("list_targets_by_rule", {"Rule": "$rule"}, "Targets[?Id=='$targetId'] | [0]"),
    delete=(Call("remove_targets", {"Rule": "$rule", "Ids": ["$targetId"]}),),
    names={"rule": "Rule", "arn": None, "targetId": None},
    live={"arn": "Arn", "targetId": "Id"},
    unread=("rule",),
    name_prop="targetId",
)

_QUEUE = {"QueueUrl": "$queueUrl"}
QUEUE_POLICY = Row(
    token="aws:sqs/queuePolicy:QueuePolicy",
    service="sqs",
    create=Call("set_queue_attributes"),
    prepare=lambda inputs: {"Attributes": {"Policy": inputs["policy"]}},
    id="{queueUrl}",
    id_is_template=True,
    read=Call("get_queue_attributes", {**_QUEUE, "AttributeNames": ["Policy"]}, "Attributes"),
    delete=(Call("set_queue_attributes", {**_QUEUE, "Attributes": {"Policy": ""}}),),
    names={"queueUrl": "QueueUrl", "policy": None},
    live={"policy": "Policy"},
    unread=("queueUrl",),
    changes=(UpdateCall(("policy",), Call("set_queue_attributes", {**_QUEUE, "Attributes": {"Policy": "$policy"}})),),
    checks=(checks.json_document("policy"),),
)

ROWS = (EVENT_RULE, EVENT_TARGET, QUEUE_POLICY)
