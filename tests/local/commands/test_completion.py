"""When a model counts as ready: rolled out, not only served by its old pods."""

from __future__ import annotations

import pytest

from local.commands.completion import RunningModel


@pytest.mark.parametrize(
    ("counts", "ready"),
    [
        ((1, 1, 1, 1), True),
        ((2, 1, 2, 2), False),
        ((1, 1, 1, 2), False),  # an old pod serves, the new one has not started
        ((1, 1, 0, 1), False),  # the controller has not seen the new template yet
        ((0, 0, 0, 0), False),
    ],
)
def test_a_model_is_ready_when_all_its_pods_are_new_and_available(
    counts: tuple[int, int, int, int], ready: bool
) -> None:
    wanted, available, updated, total = counts
    assert RunningModel("models", "qwen", wanted, available, updated, total).ready is ready
