from __future__ import annotations

import pytest

from tests.planning.stacks import errors, planned, refusal


def test_ours_come_first_and_the_users_win() -> None:
    tags = planned("dev", tags={"team": "search", "project": "mine"}).tags
    assert tags == {"project": "mine", "stack": "dev", "managed-by": "pulumi", "team": "search"}


def test_what_aws_refuses_is_refused() -> None:
    refused = errors(refusal(tags={"aws:x": "y", "k" * 129: "v", "long": "v" * 257}))
    assert {"tags.aws:x", f"tags.{'k' * 129}", "tags.long"} <= set(refused)


@pytest.mark.parametrize("tags", [{"a;b": "x"}, {"a": "<b>"}, {"a": "x\ny"}, {"a": "x*"}, {"a|b": "x"}, {"a": "100%"}])
def test_characters_that_aws_does_not_take_are_named(tags: dict[str, str]) -> None:
    (path,) = (f"tags.{key}" for key in tags)
    assert "use letters, digits, blanks and" in errors(refusal(tags=tags))[path]
    assert planned(tags={"Größe": "a b+c-d=e.f_g:h/i@j"})
