"""promtool on the rules of a planned stack, for certain: it is built if it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.build.toolchain import ensure_tools
from local.host.paths import platform_paths
from tests.components import promtool
from tests.components.dashboard_cases import write_panels_test

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def tool() -> str:
    return str(ensure_tools(platform_paths(), ["rules"])["promtool"])


def test_the_rules_are_well_formed(tool: str, tmp_path: Path) -> None:
    path = promtool.write_rules(list(promtool.rule_groups(promtool.sample_plan()).values()), tmp_path, "all")
    promtool.run(tool, "check", "rules", "--lint=all", str(path))


def test_every_rule_fires_when_it_must_and_is_silent_when_it_must_be(tool: str, tmp_path: Path) -> None:
    groups = promtool.rule_groups(promtool.sample_plan())
    files = [str(path) for group in groups.values() for path in promtool.write_tests(group, tmp_path)]
    cost = promtool.write_cost_test(groups["stack.cost"], tmp_path)
    output = promtool.run(tool, "test", "rules", *files, str(cost))
    assert output.count("SUCCESS") == len(files) + 1


def test_panels_about_the_cluster_show_models_and_nothing_else(tool: str, tmp_path: Path) -> None:
    assert "SUCCESS" in promtool.run(tool, "test", "rules", str(write_panels_test(tmp_path)))
