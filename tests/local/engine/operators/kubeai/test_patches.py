"""JSON patches as KubeAI's library applies them: RFC 6902, and -1 as gopkg.in/evanphx/json-patch.v4 4.12.0 does."""

from __future__ import annotations

from typing import Any

import pytest

from local.engine.operators.kubeai.patches import PatchError, patched
from local.engine.operators.kubeai.system import seconds

LIST = {"spec": {"m": [{"x": 1}, {"x": 2}]}}


def patch(op: str, path: str, value: Any = None) -> dict[str, Any]:
    return {"op": op, "path": path, "value": value}


def test_the_last_element_is_replaced_by_minus_one_and_one_more_is_added_behind_it() -> None:
    made = patched(LIST, [patch("replace", "/spec/m/-1", {"x": 9}), patch("add", "/spec/m/-", {"x": 10})])
    assert made == {"spec": {"m": [{"x": 1}, {"x": 9}, {"x": 10}]}}
    assert LIST["spec"]["m"][1] == {"x": 2}, "the document itself stays"


def test_a_key_may_have_a_slash() -> None:
    assert patched({"labels": {}}, [patch("add", "/labels/a.b~1c", "d")]) == {"labels": {"a.b/c": "d"}}


@pytest.mark.parametrize(
    "wrong",
    [
        patch("replace", "/spec/none", 1),
        patch("add", "/none/x", 1),
        patch("replace", "/spec/m/2", 1),
        patch("replace", "/spec/m/-3", 1),
        patch("add", "/spec/m/x", 1),
        patch("add", "/spec/m/0/x/y", 1),
        patch("test", "/spec", 1),
    ],
    ids=lambda each: f"{each['op']}{each['path']}",
)
def test_what_fits_nowhere_is_an_error_and_no_pod(wrong: dict[str, Any]) -> None:
    with pytest.raises(PatchError):
        patched(LIST, [wrong])


def test_durations_are_read_as_go_writes_them() -> None:
    assert [seconds(text) for text in ("10s", "1m30s", "500ms", "10m")] == [10, 90, 0.5, 600]
    with pytest.raises(ValueError, match="no duration"):
        seconds("10")
