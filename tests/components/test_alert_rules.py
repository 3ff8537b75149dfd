"""The rules of a planned stack: complete in their tables, and judged by promtool where it is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planning.alerts.slo import ERROR_RATIO, TTFT_BUCKETS_SECONDS, TTFT_RATIO
from planning.alerts.table import thresholds
from planning.model import StackPlan
from tests.components import promtool
from tests.components.alert_cases import CASES
from tests.components.metric_names import known_names, names_in
from tests.conftest import REPO

RUNBOOKS = REPO / "docs" / "runbooks"


@pytest.fixture(scope="module")
def plan() -> StackPlan:
    return promtool.sample_plan()


@pytest.fixture(scope="module")
def rules(plan: StackPlan) -> list[dict[str, Any]]:
    return list(promtool.rules_of(plan))


@pytest.fixture(scope="module")
def tool() -> str:
    rule = promtool.find_promtool()
    if rule is None:
        pytest.skip("promtool is not built: `python -m local tools rules` builds it, `make e2e` runs these for certain")
    return rule


def _alerts(rules: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(rule["alert"], rule["labels"].get("window", "")) for rule in rules if "alert" in rule}


def test_every_alert_of_the_table_has_a_rule_in_a_stack_that_has_everything(rules: list[dict[str, Any]]) -> None:
    assert {name for name, _ in _alerts(rules)} == set(thresholds())


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "is silent"])
def test_every_rule_has_a_case_in_which_it(rules: list[dict[str, Any]], fires: bool) -> None:
    covered = {(case.alert, case.window) for case in CASES if case.fires is fires}
    assert covered == _alerts(rules)


def test_rules_read_only_series_that_exist(rules: list[dict[str, Any]]) -> None:
    unknown = {name for rule in rules for name in names_in(rule["expr"])} - known_names()
    assert unknown == set()


def test_the_cases_are_about_series_that_exist() -> None:
    assert {name for case in CASES for text in case.series for name in names_in(text)} - known_names() == set()


def test_what_is_recorded_is_what_the_table_of_series_says(rules: list[dict[str, Any]]) -> None:
    recorded = {rule["record"] for rule in rules if "record" in rule}
    assert {TTFT_RATIO, ERROR_RATIO} <= recorded <= known_names()


def test_every_rule_says_what_it_means_and_where_to_read_on(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        if "alert" in rule:
            assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
            assert rule["annotations"]["summary"]
            assert rule["labels"]["severity"] in ("critical", "warning")


def test_every_alert_has_its_page_and_no_page_is_left_over() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == set(thresholds())


@pytest.mark.parametrize("name", sorted(thresholds()))
def test_a_page_says_what_to_look_at_and_what_to_do(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    for heading in ("## What it means", "## Look first", "## What helps", "## What the simulation shows"):
        assert heading in text, heading
    assert "```sh" in text, "exact commands"
    assert text.startswith(f"# {name}\n")


def test_the_buckets_are_those_of_the_simulated_engine() -> None:
    from local.engine.metric_table import TTFT

    assert TTFT_BUCKETS_SECONDS == TTFT


def test_promtool_finds_the_rules_well_formed(plan: StackPlan, tool: str, tmp_path: Path) -> None:
    path = promtool.write_rules(list(promtool.rule_groups(plan).values()), tmp_path, "all")
    promtool.run(tool, "check", "rules", "--lint=all", str(path))


def test_every_rule_fires_when_it_must_and_is_silent_when_it_must_be(
    plan: StackPlan, tool: str, tmp_path: Path
) -> None:
    files = [
        str(path) for group in promtool.rule_groups(plan).values() for path in promtool.write_tests(group, tmp_path)
    ]
    assert len(files) == 8, (
        "SLO of chat in four steps, servers of chat, of big (its download), of careful (its canary), hardware"
    )
    promtool.run(tool, "test", "rules", *files)


def test_promtool_notices_a_threshold_that_moved(plan: StackPlan, tool: str, tmp_path: Path) -> None:
    """Guards the test above: a file of tests that cannot fail would pass it too."""
    group = promtool.rule_groups(plan)["models.chat.servers"]
    for rule in group["rules"]:
        rule["expr"] = rule["expr"].replace("> 0.9", "> 0.99")
    (path,) = promtool.write_tests(group, tmp_path)
    with pytest.raises(AssertionError, match="VllmKvCacheNearlyFull"):
        promtool.run(tool, "test", "rules", str(path))


def test_promtool_computes_costs_from_nodes_and_pods(plan: StackPlan, tool: str, tmp_path: Path) -> None:
    path = promtool.write_cost_test(promtool.rule_groups(plan)["stack.cost"], tmp_path)
    promtool.run(tool, "test", "rules", str(path))
