"""A plan above its budget is refused with the way out; one under it is not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from planning.cost.budget import budget_of, excess
from planning.model import AnomalyPlan, Severity, StackPlan
from tests.planning.stacks import errors, model, planned, pool, refusal, stack

MODEL = model(autoscaling={"maxReplicas": 1})


def refused(budget: dict[str, float], *pools: dict[str, Any]) -> dict[str, str]:
    many = [model(name=f"m{index}", pool=pool["name"]) for index, pool in enumerate(pools)]
    return errors(refusal(nodePools=list(pools), models=many, budget=budget))


def test_a_stack_within_its_budget_is_planned_and_says_what_the_budget_is() -> None:
    cost = planned(budget={"usdPerHour": 5}).cost
    assert cost.budget is not None
    assert (cost.budget.usd_per_hour, cost.budget.written) == (5, "$5.00 an hour")
    assert planned().cost.budget is None


def test_a_ceiling_above_the_budget_is_refused_with_the_pool_and_the_number_of_nodes() -> None:
    told = refused({"usdPerHour": 3}, pool(maxNodes=5))
    assert list(told) == ["budget.usdPerHour"]
    message = told["budget.usdPerHour"]
    assert "the budget is $3.00 an hour" in message
    assert "lower nodePools[0].maxNodes: 2 (l4: $0.81 per node and hour)" in message
    assert planned(nodePools=[pool(maxNodes=2)], budget={"usdPerHour": 3}).cost.max_usd_per_hour <= 3


def test_the_dearest_pool_comes_first_and_each_that_would_do_is_named() -> None:
    large = pool(name="large", instanceTypes=["g6e.xlarge"], maxNodes=4)
    message = refused({"usdPerHour": 10}, pool(maxNodes=5), large)["budget.usdPerHour"]
    assert message.index("nodePools[1].maxNodes") < message.index("nodePools[0].maxNodes")


def test_pools_that_only_together_can_give_enough_are_named_together() -> None:
    large = pool(name="large", instanceTypes=["g6e.xlarge"], maxNodes=4)
    message = refused({"usdPerHour": 3.9}, pool(maxNodes=5), large)["budget.usdPerHour"]
    assert "lower maxNodes of large, l4 together" in message


def test_a_budget_under_the_floor_says_so() -> None:
    message = refused({"usdPerMonth": 100}, pool())["budget.usdPerMonth"]
    assert "even at fewest nodes" in message


def test_the_tighter_of_two_amounts_counts_and_is_the_one_named() -> None:
    told = refused({"usdPerHour": 100, "usdPerMonth": 730}, pool(maxNodes=5))
    assert list(told) == ["budget.usdPerMonth"]
    assert "$730 a month" in told["budget.usdPerMonth"]


@pytest.mark.parametrize("amounts", [(2.0, None), (None, 1460.0), (2.0, 9000.0), (50.0, 1460.0)])
def test_a_month_has_730_hours(amounts: tuple[float | None, float | None]) -> None:
    budget = budget_of(*amounts)
    assert budget is not None
    assert budget.usd_per_hour == pytest.approx(2.0)
    assert excess(2.0, budget) is None
    assert "$1,533 a month" in str(excess(2.1, budget))


def test_no_amount_is_no_budget() -> None:
    assert budget_of(None, None) is None


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ({}, "notifies no one; write emails"),
        ({"emails": ["a@team.invalid"], "atPercent": [80, 80]}, "says a share twice"),
        ({"emails": ["a@team.invalid"], "atPercent": []}, "at least 1 item"),
        ({"emails": ["a@team.invalid"], "atPercent": [1, 2, 3, 4, 5]}, "at most 4 items"),
        ({"emails": ["a@team.invalid"], "atPercent": [0]}, "greater than or equal to 1"),
        ({"emails": ["somebody"]}, "not a mail address"),
        ({"emails": [f"a{n}@team.invalid" for n in range(11)]}, "at most 10 items"),
        ({"emails": ["a@team.invalid"], "anomalies": {"percentOfDay": -5}}, "greater than or equal to 1"),
        ({"emails": ["a@team.invalid"], "anomalies": {"scope": "team"}}, "'stack' or 'account'"),
        (
            {"emails": ["a@team.invalid"], "anomalies": {"scope": "account", "tagActivated": True}},
            "tagActivated says nothing with scope: account",
        ),
        ({"anomalies": {}}, "notifies no one; write emails"),
        ({"topicArn": "arn:aws:sns:us-east-1:1:x"}, "not the ARN of a standard SNS topic"),
        ({"topicArn": "arn:aws:sns:us-east-1:210987654321:x.fifo"}, "not the ARN of a standard SNS topic"),
    ],
)
def test_a_notice_that_cannot_arrive_is_refused(notify: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        stack(budget={"usdPerHour": 5, "notify": notify})


def test_a_topic_of_another_partition_is_refused() -> None:
    topic = "arn:aws-us-gov:sns:us-gov-west-1:210987654321:bill"
    assert (
        "write a topic of it, arn:aws:sns:"
        in errors(refusal(budget={"notify": {"topicArn": topic}}))["budget.notify.topicArn"]
    )


def test_a_notice_alone_sets_no_limit_to_the_plan() -> None:
    cost = planned(budget={"notify": {"emails": ["a@team.invalid"]}}).cost
    assert cost.budget is None
    assert cost.spending is not None
    assert cost.spending.usd_per_month == pytest.approx(cost.max_usd_per_hour * 730, abs=0.01)


def anomalies(**written: Any) -> StackPlan:
    return planned(budget={"usdPerHour": 10, "notify": {"emails": ["a@team.invalid"], "anomalies": written}})


def unlike(plan: StackPlan) -> AnomalyPlan:
    assert plan.cost.spending is not None
    assert plan.cost.spending.anomalies is not None
    return plan.cost.spending.anomalies


@pytest.mark.parametrize(("percent", "least_usd"), [(1, 2.4), (25, 60.0), (100, 240.0), (1000, 2400.0)])
def test_a_share_of_the_planned_day_is_told_of(percent: int, least_usd: float) -> None:
    assert unlike(anomalies(percentOfDay=percent)).least_usd == pytest.approx(least_usd)


def test_without_an_amount_the_day_is_that_of_the_ceiling() -> None:
    plan = planned(budget={"notify": {"emails": ["a@team.invalid"], "anomalies": {}}})
    assert unlike(plan).least_usd == pytest.approx(plan.cost.max_usd_per_hour * 24 / 4, abs=0.01)


def test_a_monitor_of_a_tag_that_nobody_says_is_activated_is_warned_about() -> None:
    plan = anomalies()
    assert unlike(plan).tag == ("stack", plan.stack)
    (warning,) = [finding for finding in plan.findings if finding.rule == "anomaly-tag"]
    assert (warning.severity, warning.path) == (Severity.WARNING, "budget.notify.anomalies.tagActivated")
    assert "activate stack there once" in warning.fix
    assert "scope: account" in warning.fix


@pytest.mark.parametrize("written", [{"tagActivated": True}, {"scope": "account"}])
def test_one_that_is_activated_or_needs_no_tag_is_not(written: dict[str, Any]) -> None:
    plan = anomalies(**written)
    assert [finding for finding in plan.findings if finding.rule == "anomaly-tag"] == []
    assert (unlike(plan).tag is None) == ("scope" in written)
