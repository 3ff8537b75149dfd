from __future__ import annotations

from tests.planning.stacks import errors, planned, refusal


def test_ours_come_first_and_the_users_win() -> None:
    tags = planned("dev", tags={"team": "search", "project": "mine"}).tags
    assert tags == {"project": "mine", "stack": "dev", "managed-by": "pulumi", "team": "search"}


def test_what_aws_refuses_is_refused() -> None:
    found = errors(refusal(tags={"aws:x": "y", "k" * 129: "v", "long": "v" * 257}))
    assert {"tags.aws:x", f"tags.{'k' * 129}", "tags.long"} <= set(found)
    assert "tags" in errors(refusal(tags={f"k{i}": "v" for i in range(60)}))
