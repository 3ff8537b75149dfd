"""The drawing of dashboards, on answers made up here in the form that Prometheus gives them."""

from __future__ import annotations

import json
import math
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from components.cluster.dashboards import HERE, dashboard_names
from tests.conftest import REPO

TOOL = REPO / "tools" / "draw_dashboards.py"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


def _answer(expr: str) -> list[dict[str, Any]]:
    values = [[1_763_700_000 + 15 * i, str(2 + math.sin(i / 9))] for i in range(120)]
    return [{"metric": {"pod": "chat-1", "model_name": "m", "model": "chat"}, "values": values}]


def test_no_variable_is_left_in_what_is_asked(tool: dict[str, Any]) -> None:
    for name in dashboard_names():
        for panel in json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                left = re.sub(r"\$\d", "", tool["filled"](target["expr"]))  # label_replace's own
                assert "$" not in left


def test_a_legend_is_filled_from_labels(tool: dict[str, Any]) -> None:
    assert tool["legend"]("{{pod}} waiting", {"pod": "chat-1"}) == "chat-1 waiting"
    assert tool["legend"]("{{absent}}", {}) == "value"


def test_recorded_answers_are_drawn_again_without_prometheus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tool: dict[str, Any]
) -> None:
    asked = {
        tool["filled"](target["expr"]): _answer(target["expr"])
        for name in dashboard_names()
        for panel in json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
    }
    recorded = tmp_path / "answers.json"
    recorded.write_text(json.dumps(asked), encoding="utf-8")
    monkeypatch.setattr(
        sys, "argv", ["draw", "--recorded", str(recorded), "--out", str(tmp_path), "--dashboard", "cost"]
    )
    runpy.run_path(str(TOOL), run_name="__main__")
    assert (tmp_path / "cost.png").read_bytes().startswith(PNG)
    assert [path.name for path in tmp_path.glob("*.png")] == ["cost.png"]
    assert "no data" not in capsys.readouterr().out


def test_a_panel_without_data_is_named(tool: dict[str, Any], tmp_path: Path) -> None:
    dashboard = json.loads((HERE / "gpu.json").read_text(encoding="utf-8"))
    dashboard["panels"] = [panel for panel in dashboard["panels"] if panel["title"] in ("Power", "Temperature")]
    nan = [{"metric": {}, "values": [[1_763_700_000, "NaN"]]}]

    def ask(expr: str) -> list[dict[str, Any]]:
        if "TEMP" in expr:
            return []
        return nan if "POWER" in expr else _answer(expr)

    assert tool["draw"](dashboard, ask, tmp_path / "gpu.png") == ["Power", "Temperature"]
