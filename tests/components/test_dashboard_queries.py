"""Panels as Prometheus' own promtool answers them: a cluster holds more than our models, and they show ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components import promtool
from tests.components.dashboard_cases import targets, write_panels_test


def test_panels_about_the_cluster_show_models_and_nothing_else(tmp_path: Path) -> None:
    program = promtool.find_promtool()
    if program is None:
        pytest.skip("promtool is not built: `python -m local tools rules` builds it, `make e2e` runs this for certain")
    assert len(targets()) == 8
    assert "SUCCESS" in promtool.run(program, "test", "rules", str(write_panels_test(tmp_path)))
