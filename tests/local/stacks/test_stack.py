"""Running the Pulumi CLI: what it is told, what it is not told, and what is read out of its events."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.client import BaseClient
from moto import mock_aws

from local.host.errors import PlatformError
from local.host.paths import Paths
from local.host.ports import USUAL
from local.stacks.stack import Stack, existing_stacks
from tests.conftest import REPO
from tests.local.places import paths_in, script

# A `pulumi` that writes down its arguments and standard input, makes the stack's state, and says 2 changes.
STATE = '{"checkpoint": {"latest": {"resources": [{"type": "pulumi:pulumi:Stack"}]}}}'
FAKE = """
echo "$@" >> "$PULUMI_HOME/arguments"
stacks="${PULUMI_HOME%/*}/pulumi/.pulumi/stacks/p"
case "$*" in
  *"stack init"*) mkdir -p "$stacks"; echo 'STATE' > "$stacks/dev.json";;
  *"config set"*) cat >> "$PULUMI_HOME/standard-input";;
  *" up "*|"up "*|*destroy*)
    while [ $# -gt 0 ]; do [ "$1" = --event-log ] && events="$2"; shift; done
    echo '{"summaryEvent": {"resourceChanges": {"create": 9}}}' > "$events"
    echo '{"resourcePreEvent": {}}' >> "$events"
    echo '{"summaryEvent": {"resourceChanges": {"create": 1, "update": 1, "same": 5}}}' >> "$events"
    exit "${FAKE_EXIT:-0}";;
esac
""".replace("STATE", STATE)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = paths_in(tmp_path)
    script(paths.tools_bin / "pulumi", FAKE)
    (paths.repo / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (paths.repo / "Pulumi.dev.yaml").write_text("config: {}\n")
    (paths.state / "pulumi-home").mkdir(parents=True)
    return paths


def arguments(paths: Paths) -> str:
    return (paths.state / "pulumi-home" / "arguments").read_text()


def test_a_missing_secret_is_made_up_and_never_an_argument(paths: Paths) -> None:
    Stack(paths, USUAL, "dev").prepare()
    text = (paths.state / "pulumi-home" / "standard-input").read_text()
    assert len(text) >= 32
    assert "config set --secret p:grafanaPassword --stack dev" in arguments(paths)
    assert text not in arguments(paths)


def test_a_stack_is_made_once_and_its_passphrase_stays(paths: Paths) -> None:
    Stack(paths, USUAL, "dev").prepare()
    passphrase = (paths.state / "passphrase").read_text()
    assert (paths.state / "passphrase").stat().st_mode & 0o777 == 0o600
    Stack(paths, USUAL, "dev").prepare()
    assert arguments(paths).count("stack init") == 1
    assert (paths.state / "passphrase").read_text() == passphrase
    assert existing_stacks(paths) == ["dev"]


def test_changes_are_counted_from_the_updates_own_summary(paths: Paths) -> None:
    stack = Stack(paths, USUAL, "dev")
    stack.prepare()
    summary = stack.up()
    assert (summary.changes, summary.unchanged) == (2, 5)
    assert "up --stack dev --yes" in arguments(paths)


def test_a_failed_update_says_that_it_can_be_run_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_EXIT", "255")
    stack = Stack(paths, USUAL, "dev")
    stack.prepare()
    with pytest.raises(PlatformError, match=r"pulumi up of stack dev failed .*run the same command again"):
        stack.up()


def test_the_update_after_one_that_was_cut_off_refreshes_first_and_the_next_does_not(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(paths, USUAL, "dev")
    stack.prepare()
    stack.up()
    assert "--refresh" not in arguments(paths)
    monkeypatch.setenv("FAKE_EXIT", "255")
    with pytest.raises(PlatformError):
        Stack(paths, USUAL, "dev").up()
    assert "--refresh" not in arguments(paths)
    monkeypatch.delenv("FAKE_EXIT")
    Stack(paths, USUAL, "dev").up()
    assert arguments(paths).splitlines()[-1].count("--refresh") == 1
    stack.up()
    assert "--refresh" not in arguments(paths).splitlines()[-1]


def test_the_lock_of_a_killed_cli_is_removed_and_a_living_ones_stays(paths: Paths) -> None:
    locks = paths.state / "pulumi" / ".pulumi" / "locks" / "organization" / "p" / "dev"
    locks.mkdir(parents=True)
    (locks / "dead.json").write_text(json.dumps({"pid": 2**22 + 1}))
    (locks / "living.json").write_text(json.dumps({"pid": os.getpid()}))
    Stack(paths, USUAL, "dev").prepare()
    assert [path.name for path in locks.iterdir()] == ["living.json"]


def test_ctrl_c_lets_the_cli_write_its_state(paths: Paths) -> None:
    """Both get the signal; a CLI that is killed while it stops leaves operations nobody knows the end of."""
    slow = """
case "$*" in *"up "*) trap 'sleep 0.5; touch "$PULUMI_HOME/state-written"; exit 1' INT; touch "$PULUMI_HOME/up"
  while true; do sleep 0.1; done;;
esac"""
    script(paths.tools_bin / "pulumi", FAKE.replace('*" up "*|"up "*|*destroy*)', "*never*)") + slow)
    folders = [str(path) for path in (paths.repo, paths.state, paths.tools, paths.cache)]
    code = (
        # A shell that runs tests in the background lets them ignore the signal, and children inherit that.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path; from local.host.paths import Paths; from local.host.ports import USUAL;"
        "from local.stacks.stack import Stack; from local.host.errors import PlatformError\n"
        f"paths = Paths(*map(Path, {folders}))\n"
        "stack = Stack(paths, USUAL, 'dev')\n"
        "stack.prepare()\n"
        "try: stack.up()\n"
        "except PlatformError as error: print(error)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPO, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    home = paths.state / "pulumi-home"
    deadline = time.monotonic() + 20
    while not (home / "up").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=20)
    assert "interrupted; what was begun is in the state" in out
    assert (home / "state-written").exists()


@mock_aws
def test_deletion_protection_of_a_cluster_does_not_stop_a_destroy_here(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = "arn:aws:eks:eu-west-1:123456789012:cluster/c"
    stack = Stack(paths, USUAL, "dev")
    stack.prepare()
    cluster = {"type": "aws:eks/cluster:Cluster", "outputs": {"name": "c", "arn": arn, "deletionProtection": True}}
    state = {"checkpoint": {"latest": {"resources": [{"type": "pulumi:pulumi:Stack"}, cluster]}}}
    stack.state_file.write_text(json.dumps(state))
    asked: list[tuple[str, dict[str, object]]] = []

    def recorded(client: BaseClient, operation: str, parameters: dict[str, object]) -> object:
        assert operation == "UpdateClusterConfig"
        asked.append((client.meta.region_name, parameters))
        return {}

    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    stack.destroy()
    assert asked == [("eu-west-1", {"name": "c", "deletionProtection": False})]
    assert "state unprotect --all --yes --stack dev" in arguments(paths)
    assert "destroy --stack dev --yes" in arguments(paths)


def test_a_destroy_that_is_given_up_is_interrupted_and_says_why(paths: Paths) -> None:
    # Python, since a shell whose own shell ignores the signal cannot take it up again; the CLI can.
    patient = (
        "import os, pathlib, signal, sys, time\n"
        "def end(*_):\n"
        "    pathlib.Path(os.environ['PULUMI_HOME'], 'state-written').touch()\n"
        "    sys.exit(1)\n"
        "signal.signal(signal.SIGINT, end)\n"
        "time.sleep(30)\n"
    )
    slow = f"""case "$*" in *" destroy "*) exec {sys.executable} -c "{patient}";; esac"""
    script(paths.tools_bin / "pulumi", FAKE.replace('*" up "*|"up "*|*destroy*)', "*never*)") + slow)
    stack = Stack(paths, USUAL, "dev")
    stack.prepare()
    asked = iter([[], ["Service models/qwen is held by a.io/x"]])
    with pytest.raises(PlatformError, match="destroy of stack dev was given up:\n  Service models/qwen is held by"):
        stack.destroy(lambda: next(asked))
    assert (paths.state / "pulumi-home" / "state-written").exists()
