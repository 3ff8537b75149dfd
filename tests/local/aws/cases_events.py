"""Examples of EventBridge's rules and targets, and of a queue's policy."""

from __future__ import annotations

import json

from tests.local.aws.needs import Case

PATTERN = json.dumps({"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]})
OTHER_PATTERN = json.dumps({"source": ["aws.health"]})
QUEUE = ("queue", "aws:sqs/queue:Queue", {})
RULE = ("rule", "aws:cloudwatch/eventRule:EventRule", {"eventPattern": PATTERN})


def _queue_policy(action: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": action,
        "Resource": "arn:aws:sqs:us-west-2:123456789012:any",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


CASES: tuple[Case, ...] = (
    Case(
        "aws:cloudwatch/eventRule:EventRule",
        {"eventPattern": PATTERN, "description": "spot", "tags": {"a": "1"}},
        update={"eventPattern": OTHER_PATTERN, "tags": {"b": "1"}},
        replace={"name": "other"},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:cloudwatch/eventTarget:EventTarget",
        {"rule": "$rule.name", "arn": "$queue.arn", "targetId": "karpenter"},
        needs=(QUEUE, RULE),
        replace={"targetId": "other"},
        import_id="{rule}/{targetId}",
    ),
    Case(
        "aws:sqs/queuePolicy:QueuePolicy",
        {"queueUrl": "$queue.url", "policy": _queue_policy("sqs:SendMessage")},
        needs=(QUEUE,),
        update={"policy": _queue_policy("sqs:GetQueueUrl")},
    ),
)
