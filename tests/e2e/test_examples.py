"""Every stack of examples/ on the platform: it goes up, one setting changes and nothing else, it goes down.

Rows of `examples.csv` say what is changed. `EXAMPLES=efs` brings up only that one, as `make e2e` does; without it:
all of which the programs are built.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.commands.completion import ask
from local.stacks.stack_files import tool_needs
from tests.e2e.cluster import eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.engine_events import engine_steps, operations
from tests.e2e.example_table import Example, example_table
from tests.e2e.inventory import Inventory
from tests.e2e.prerequisites import CONTROL_PLANES, prerequisites, replaced_with_nodes, through_its_gateway
from tests.e2e.told import recorded, told

pytestmark = pytest.mark.e2e

SAMPLE = [name for name in os.environ.get("EXAMPLES", "").split(",") if name]
assert set(SAMPLE) <= {row.name for row in example_table()}, f"EXAMPLES names what is no example: {SAMPLE}"


@pytest.fixture(scope="module")
def before(platform: Platform) -> Inventory:
    """What was there before any stack."""
    return Inventory.settled(platform)


@pytest.fixture
def example(request: pytest.FixtureRequest, platform: Platform, tmp_path: Path) -> Example:
    """One that can come up here; otherwise skipped with the reason."""
    row: Example = request.param
    if SAMPLE and row.name not in SAMPLE:
        pytest.skip(f"not in EXAMPLES={','.join(SAMPLE)}")
    if row.without:
        pytest.skip(row.without)
    skip_unless_built(*tool_needs(platform.paths, row.name, row.write(tmp_path)))
    return row


@pytest.fixture
def prepared(example: Example, platform: Platform, before: Inventory) -> Iterator[tuple[Platform, Example]]:
    """The platform with what an example's page says to be there first, and the example with what that is called here;
    without the stack afterwards."""
    with prerequisites(platform, example.name) as here:
        try:
            yield platform, replace(example, here=here)
        finally:
            if platform.stack(example.name).resource_count() > 1:
                platform.run("down", "--stack", example.name, check=False)


@pytest.mark.parametrize("example", example_table(), ids=lambda row: row.name, indirect=True)
def test_an_example_goes_up_changes_in_one_place_and_goes_down_with_nothing_left(
    prepared: tuple[Platform, Example], before: Inventory, tmp_path: Path
) -> None:
    platform, example = prepared
    began, beside = time.monotonic(), before.and_now(platform)
    file = example.write(tmp_path)
    output = platform.run("up", "--stack", example.name, "--stack-file", str(file))
    assert "says:" in output, "a model answers through its Service"
    if example.name in CONTROL_PLANES:
        eventually("answered", lambda: ask(through_its_gateway(platform, example.name)).text)
    first = recorded(platform, example.name, _folder(tmp_path, "first"))
    _assert_silent(platform, example.name)

    example.write(tmp_path, changed=True)
    platform.run("up", "--stack", example.name, "--stack-file", str(file))
    done = operations(engine_steps(platform, example.name))
    assert done == dict.fromkeys(example.updates, "update")
    said, _ = told(first, recorded(platform, example.name, _folder(tmp_path, "second")))
    assert {change["name"]: change["action"] for change in said} == dict.fromkeys(example.updates, "changed")
    _assert_silent(platform, example.name)

    platform.run("down", "--stack", example.name)
    assert platform.stack(example.name).resource_count() == 0
    beside.assert_nothing_more(platform, example.left, replaced_with_nodes(example.name))
    print(f"{example.name}: up, changed, down in {time.monotonic() - began:.0f} s")


def _assert_silent(platform: Platform, stack: str) -> None:
    """What controllers write meanwhile is no drift, and the program asks for nothing more."""
    assert platform.stack(stack).up(refresh=True).changes == 0


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder
