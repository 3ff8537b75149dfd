"""The walk through AWS: README's part of it is on its page, and the table of what is tested otherwise is about it."""

from __future__ import annotations

import subprocess

import pytest

from tests.walk import FRONT, PAGE, Change, as_tested, changes, commands

WALK = commands(PAGE)


def test_the_walk_goes_from_a_clone_to_nothing_left() -> None:
    assert WALK[0] == "make setup"
    assert WALK[-1] == ".venv/bin/python -m preflight dev --left"
    order = [
        WALK.index(each) for each in WALK if each.startswith(("pulumi login", "pulumi up", "curl", "pulumi destroy"))
    ]
    assert len(order) == 4
    assert order == sorted(order)


def test_what_the_front_page_shows_is_the_walk_in_its_order() -> None:
    shown = commands(FRONT, "On AWS")
    assert shown, "README has no commands for AWS"
    places = [WALK.index(each) for each in shown]
    assert places == sorted(places)


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.walk)
def test_each_row_changes_something_of_the_walk_and_says_why(change: Change) -> None:
    assert sum(change.walk in command for command in WALK) == 1
    assert change.test != change.walk
    assert len(change.why.split()) > 2


def test_a_row_is_not_applied_to_what_another_row_wrote() -> None:
    assert as_tested("pulumi up --stack dev") == "pulumi up --yes --stack dev"
    assert as_tested("pulumi destroy --stack dev && pulumi up") == "pulumi destroy --yes --stack dev && pulumi up --yes"


@pytest.mark.parametrize("command", WALK)
def test_each_command_is_a_command_of_a_shell(command: str) -> None:
    for text in (command, as_tested(command)):
        subprocess.run(["bash", "-n", "-c", text], check=True, capture_output=True)
