"""Traffic and money in the report: what the plan says, in JSON that the schema names, and in words."""

from __future__ import annotations

from typing import Any

import pytest

from planning.model import StackPlan
from planning.picture import picture
from planning.plan import plan
from preview import facts, money
from preview.economy_plots import budget_plot, day_plot, model_cost_lines
from preview.economy_words import budget_bar, budget_line, day_lines, model_cost_line, spot_line, traffic_line
from settings.stack import StackSettings
from tests.planning.stacks import model, pool, stack
from tests.preview.sample import document


def planned(**changes: Any) -> tuple[StackPlan, StackSettings]:
    settings = stack(**changes)
    return plan(settings, "dev"), settings


def with_traffic(**traffic: Any) -> dict[str, Any]:
    asked = model(autoscaling={"maxReplicas": 2}, traffic={"requestsPerSecond": 0.8, **traffic})
    made, settings = planned(models=[asked], nodePools=[pool(minNodes=2, maxNodes=2)])
    return facts.models(made, settings, picture(made, settings))[0]


def test_a_models_throughput_is_the_plans() -> None:
    made, settings = planned()
    model_part, throughput = facts.models(made, settings, picture(made, settings))[0], made.models[0].throughput
    assert throughput is not None
    assert model_part["throughput"]["requests_per_second"] == throughput.requests_per_second
    assert model_part["throughput"]["input_tokens"] == 1155
    assert model_part["traffic"] is None
    assert traffic_line(model_part) == ""
    assert day_lines(model_part) == []
    assert day_plot(model_part) is None


def test_declared_traffic_has_a_picture_of_a_weekday_and_a_weekend() -> None:
    simulated = with_traffic()["traffic"]["simulated"]
    for day in (simulated["weekday"], simulated["weekend"]):
        assert len(day["requests_per_second"]) == len(day["replicas"]) == 96
    assert max(simulated["weekday"]["requests_per_second"]) == pytest.approx(0.8, rel=0.01)
    assert max(simulated["weekend"]["requests_per_second"]) == pytest.approx(0.48, rel=0.01)
    assert set(simulated["weekday"]["replicas"]) <= {1, 2}
    assert simulated["usd_per_month"] == pytest.approx(simulated["gpu_hours_per_month"] * 0.8103, rel=0.01)


def test_a_steady_load_has_one_picture_for_all_days() -> None:
    simulated = with_traffic(shape="steady")["traffic"]["simulated"]
    assert simulated["weekend"] is None
    assert simulated["gpu_hours_per_month"] == 730 * simulated["weekday"]["replicas"][0]


def test_traffic_of_an_unknown_model_is_told_and_not_simulated() -> None:
    asked = model(source="acme/secret-7B", traffic={"requestsPerSecond": 1})
    made, settings = planned(models=[asked])
    model_part = facts.models(made, settings, picture(made, settings))[0]
    assert model_part["traffic"]["simulated"] is None
    assert "not simulated" in traffic_line(model_part)
    assert day_plot(model_part) is None


def test_the_line_says_that_it_is_simulated_and_what_the_policy_would_want() -> None:
    told = traffic_line(document()["models"][0])
    assert "simulated (fluid, by the minute" in told
    assert "93.2% of requests in SLO (promised 99.0%)" in told
    assert "the policy would want 3, maxReplicas is 2" in told


def test_an_hour_of_the_day_is_a_block_of_the_rows() -> None:
    rates, replicas, hours = day_lines(document()["models"][0])
    assert rates[12:36].count("█") == 6
    assert replicas[12:36] == "▅" * 9 + "█" * 10 + "▅" * 5
    assert hours.index("12") - 12 == 12


def test_the_cost_has_pools_models_months_and_a_budget() -> None:
    made, _ = planned(budget={"usdPerMonth": 4000}, nodePools=[pool(maxNodes=2)])
    cost = money.cost(made.cost)
    assert cost["usd_per_month_max"] == pytest.approx(cost["usd_per_hour_max"] * 730, abs=0.01)
    assert cost["pools"][0]["usd_per_month_max"] == pytest.approx(cost["pools"][0]["usd_per_hour_max"] * 730, abs=0.01)
    assert cost["models"][0]["usd_per_hour_max"] == cost["pools"][0]["usd_per_hour_max"]
    assert cost["usd_per_month_on_spot"] is None
    assert cost["budget"]["used_max"] == pytest.approx(cost["usd_per_month_max"] / 4000, abs=1e-3)
    assert spot_line(cost) == ""


def test_spot_pools_make_the_month_a_range_under_the_list_price() -> None:
    short = model(drain={"shutdownTimeoutSeconds": 60})
    cost = money.cost(planned(models=[short], nodePools=[pool(capacity="spot", maxNodes=2)])[0].cost)
    spot = cost["usd_per_month_on_spot"]
    assert spot["min_low"] < spot["min_high"] < cost["usd_per_month_min"]
    assert spot["max_low"] < spot["max_high"] < cost["usd_per_month_max"]
    assert "51 to 72 % off" in spot_line(cost)


def test_without_a_budget_there_is_no_bar_and_with_one_it_is_as_full_as_the_ceiling() -> None:
    cost = document()["cost"]
    assert budget_line({**cost, "budget": None}) == ""
    assert budget_plot({**cost, "budget": None}) is None
    bar = budget_bar(cost["budget"])[1:41]
    assert (bar.count("█"), bar.count("▒"), bar.count("·")) == (20, 18, 2)


def test_a_models_part_is_found_by_name_and_namespace() -> None:
    report = document()
    assert "share of pool l4" in model_cost_line(report["cost"], report["models"][0])
    assert model_cost_line(report["cost"], {**report["models"][0], "namespace": "other"}) == ""
    assert [line["what"] for line in model_cost_lines(report["cost"])] == ["qwen (pool l4)"]


def test_an_unpriced_pool_is_said_for_its_model() -> None:
    report = document()
    unpriced = {**report["cost"]["models"][0], "usd_per_month_max": None}
    assert "no price in the table" in model_cost_line({"models": [unpriced]}, report["models"][0])


def test_the_plot_of_a_day_has_requests_and_replicas_for_each_point() -> None:
    plot = day_plot(document()["models"][0])
    assert plot is not None
    assert [bar.tone for bar in plot.bars].count("high") == [bar.tone for bar in plot.bars].count("mark") == 96
    assert "simulated" in plot.title
