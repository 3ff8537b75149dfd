"""A stack after a killed update: locks, pending operations and a state that cannot be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from local.host.errors import PlatformError
from local.host.paths import Paths
from local.host.ports import USUAL
from local.stacks.stack import Stack
from tests.local.places import paths_in, script

SERVICE = {
    "urn": "urn:pulumi:dev::p::kubernetes:core/v1:Service::qwen",
    "type": "kubernetes:core/v1:Service",
    "inputs": {"metadata": {"name": "qwen", "namespace": "models"}},
}
KILLED = {"resources": [], "pending_operations": [{"type": "creating", "resource": SERVICE}]}
# Writes its arguments down; exports what is in the state file and imports into it.
FAKE = """
echo "$@" >> "$PULUMI_HOME/arguments"
state="${PULUMI_HOME%/*}/pulumi/.pulumi/stacks/p/dev.json"
case "$*" in
  *"stack export"*) python3 -c 'import json,sys; print(json.dumps({"version": 3, "deployment":
      json.load(open(sys.argv[1]))["checkpoint"]["latest"]}))' "$state";;
  *"stack import"*) python3 -c 'import json,sys; json.dump({"checkpoint": {"latest":
      json.load(sys.stdin)["deployment"]}}, open(sys.argv[1], "w"))' "$state";;
esac
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = paths_in(tmp_path)
    script(paths.tools_bin / "pulumi", FAKE)
    (paths.repo / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (paths.state / "pulumi-home").mkdir(parents=True)
    return paths


def stack_with(paths: Paths, state: str) -> Stack:
    stack = Stack(paths, USUAL, "dev")
    stack.state_file.parent.mkdir(parents=True)
    stack.state_file.write_text(state)
    return stack


def checkpoint(latest: object) -> str:
    return json.dumps({"checkpoint": {"latest": latest}})


def arguments(paths: Paths) -> str:
    file = paths.state / "pulumi-home" / "arguments"
    return file.read_text() if file.exists() else ""


def test_what_was_pending_is_taken_over_and_refreshed(paths: Paths) -> None:
    stack = stack_with(paths, checkpoint(KILLED))
    assert stack.pending() == [f"creating {SERVICE['urn']}"]
    assert stack.recover() == ["qwen: taken over as models/qwen, if it is there"]
    assert stack.pending() == []
    assert [resource["id"] for resource in stack.resources()] == ["models/qwen"]
    assert f"refresh --yes --run-program=false --stack dev --target {SERVICE['urn']}" in arguments(paths)


def test_without_a_killed_update_the_cli_is_not_even_asked(paths: Paths) -> None:
    assert stack_with(paths, checkpoint({"resources": []})).recover() == []
    assert arguments(paths) == ""


def test_a_dead_clis_lock_goes_and_a_living_ones_stays(paths: Paths) -> None:
    stack = stack_with(paths, checkpoint({"resources": []}))
    folder = paths.state / "pulumi" / ".pulumi" / "locks" / "organization" / "p" / "dev"
    folder.mkdir(parents=True)
    (folder / "dead.json").write_text(json.dumps({"pid": 2**22 + 1}))
    (folder / "living.json").write_text(json.dumps({"pid": os.getpid()}))
    stack.recover()
    assert [path.name for path in folder.iterdir()] == ["living.json"]


def test_a_state_that_cannot_be_read_names_the_command_that_restores_it(paths: Paths) -> None:
    stack = stack_with(paths, checkpoint(KILLED)[:30])
    with pytest.raises(PlatformError, match="python -m local recover --stack dev"):
        stack.resources()


def test_restore_takes_the_copy_settles_what_was_pending_in_it_and_refreshes_all(paths: Paths) -> None:
    stack = stack_with(paths, checkpoint(KILLED)[:30])
    stack.state_file.with_name("dev.json.bak").write_text(checkpoint(KILLED))
    lines = stack.restore()
    assert lines[0] == "the state could not be read; taken from dev.json.bak"
    assert lines[-1] == "refreshed"
    assert stack.pending() == []
    assert arguments(paths).splitlines()[-1].endswith("refresh --yes --run-program=false --stack dev")
    assert stack.restore() == []


def test_without_a_copy_restore_says_so(paths: Paths) -> None:
    with pytest.raises(PlatformError, match="there is no copy of it"):
        stack_with(paths, "{").restore()
