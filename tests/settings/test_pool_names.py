"""Which node pool a model is on, where it names one and where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from settings.stack import StackSettings
from tests.planning.stacks import model, pool


@pytest.mark.parametrize(
    ("named", "pools", "expected"),
    [
        (None, ("a",), "a"),
        ("a", ("a", "b"), "a"),
        ("absent", ("a",), "absent"),
        (None, ("a", "b"), None),
        (None, (), None),
    ],
)
def test_a_model_is_on_the_pool_that_it_names_or_on_the_only_one(
    named: str | None, pools: tuple[str, ...], expected: str | None
) -> None:
    written: dict[str, Any] = {"models": [model(**({"pool": named} if named else {}))]}
    settings = StackSettings.model_validate({**written, "nodePools": [pool(name=each) for each in pools]})
    assert settings.pool_name_of(settings.models[0]) == expected
