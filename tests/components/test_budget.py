"""An AWS Budget of the stack's amount, over the stack's tag, that tells the people who are written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.planning.stacks import planned
from tests.program import run_program, sections_of

BUDGET = "aws:budgets/budget:Budget"


def registered(budget: dict[str, Any], **sections: Any) -> Any:
    return run_program({**sections_of("dev"), "budget": budget, **sections}, "dev").only(BUDGET).inputs


def test_the_amount_filter_and_notices_of_a_written_budget() -> None:
    made = registered(
        {"usdPerHour": 10, "notify": {"emails": ["a@team.invalid"], "atPercent": [50, 90]}}, tags={"team": "x"}
    )
    assert (made["budgetType"], made["timeUnit"], made["limitUnit"], made["limitAmount"]) == (
        *("COST", "MONTHLY", "USD"),
        "7300.00",
    )
    assert made["costFilters"] == [{"name": "TagKeyValue", "values": ["user:stack$dev"]}]
    assert [
        (notification["notificationType"], notification["threshold"]) for notification in made["notifications"]
    ] == [
        ("ACTUAL", 50),
        ("ACTUAL", 90),
        ("FORECASTED", 100),
    ]
    assert all(notification["subscriberEmailAddresses"] == ["a@team.invalid"] for notification in made["notifications"])
    assert made["tags"]["team"] == "x"


def test_the_filter_names_the_tag_that_the_stacks_resources_carry() -> None:
    engine = run_program(
        {**sections_of("dev"), "budget": {"notify": {"emails": ["a@team.invalid"]}}, "tags": {"stack": "mine"}}
    )
    (value,) = engine.only(BUDGET).inputs["costFilters"][0]["values"]
    assert value == "user:stack$mine"
    tagged = [made for made in engine.registrations if made.type.startswith("aws:") and made.inputs.get("tags")]
    assert len(tagged) > 10
    assert {made.inputs["tags"]["stack"] for made in tagged} == {"mine"}


def test_without_an_amount_it_is_the_plans_ceiling_and_a_topic_is_told() -> None:
    topic = "arn:aws:sns:us-east-1:210987654321:bill"
    made = registered({"notify": {"topicArn": topic, "forecast": False}})
    ceiling = planned(**sections_of("dev")).cost.max_usd_per_hour
    assert float(made["limitAmount"]) == pytest.approx(ceiling * 730, abs=0.01)
    assert [notification["threshold"] for notification in made["notifications"]] == [80, 100]
    assert made["notifications"][0]["subscriberSnsTopicArns"] == [topic]
    assert "subscriberEmailAddresses" not in made["notifications"][0]


@pytest.mark.parametrize("budget", [None, {"usdPerHour": 100}])
def test_nobody_to_tell_no_budget(budget: dict[str, Any] | None) -> None:
    sections = {**sections_of("dev"), **({"budget": budget} if budget else {})}
    assert not run_program(sections, "dev").all(BUDGET)
