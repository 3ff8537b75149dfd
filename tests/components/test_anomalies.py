"""A monitor of the stack's cost, and a subscription for each way in which AWS tells of what is unlike."""

from __future__ import annotations

import json
from typing import Any

from tests.engine import Engine
from tests.program import run_program, sections_of

MONITOR = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"
SUBSCRIPTION = "aws:costexplorer/anomalySubscription:AnomalySubscription"
TOPIC = "arn:aws:sns:us-east-1:210987654321:bill"


def told(notify: dict[str, Any], **sections: Any) -> Engine:
    return run_program({**sections_of("dev"), "budget": {"usdPerHour": 10, "notify": notify}, **sections}, "dev")


def test_mails_come_once_a_day_and_the_topic_is_told_at_once() -> None:
    engine = told({"emails": ["a@team.invalid"], "topicArn": TOPIC, "anomalies": {"percentOfDay": 50}})
    mails, topic = sorted((made.inputs for made in engine.all(SUBSCRIPTION)), key=lambda each: each["frequency"])
    assert (mails["frequency"], mails["subscribers"]) == ("DAILY", [{"type": "EMAIL", "address": "a@team.invalid"}])
    assert (topic["frequency"], topic["subscribers"]) == ("IMMEDIATE", [{"type": "SNS", "address": TOPIC}])
    expected = {"key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE", "matchOptions": ["GREATER_THAN_OR_EQUAL"], "values": ["120.00"]}
    assert [each["thresholdExpression"] for each in (mails, topic)] == [{"dimension": expected}] * 2
    assert {each["tags"]["stack"] for each in (mails, topic)} == {"dev"}


def test_the_monitor_watches_the_tag_that_the_stacks_resources_carry() -> None:
    made = told({"topicArn": TOPIC, "anomalies": {}}, tags={"stack": "mine"}).only(MONITOR).inputs
    assert made["monitorType"] == "CUSTOM"
    assert json.loads(made["monitorSpecification"]) == {
        **dict.fromkeys(("And", "CostCategories", "Dimensions", "Not", "Or")),
        "Tags": {"Key": "stack", "MatchOptions": None, "Values": ["mine"]},
    }
    assert "monitorDimension" not in made
    assert made["tags"]["stack"] == "mine"


def test_of_an_account_every_service_is_watched() -> None:
    engine = told({"emails": ["a@team.invalid"], "anomalies": {"scope": "account"}})
    made = engine.only(MONITOR).inputs
    assert (made["monitorType"], made["monitorDimension"]) == ("DIMENSIONAL", "SERVICE")
    assert "monitorSpecification" not in made
    assert [each.inputs["frequency"] for each in engine.all(SUBSCRIPTION)] == ["DAILY"]


def test_a_budget_alone_makes_no_monitor() -> None:
    engine = told({"emails": ["a@team.invalid"]})
    assert not engine.all(MONITOR)
    assert not engine.all(SUBSCRIPTION)
