"""D3: the state: a full disk, a truncated file, two updates at once."""

from __future__ import annotations

import resource
import time
from random import Random
from typing import Final

from local.faults.ground import COLD_START_SECONDS, STACK, Ground
from local.faults.holds import must, must_say
from local.faults.scenario import Scenario
from local.recovery.backup import is_readable

UP: Final = ("up", "--stack", STACK, "--cold-start-seconds", str(COLD_START_SECONDS))


def disk_full(ground: Ground, random: Random) -> str:
    """No file may grow beyond a size that the state outgrows during the update (RLIMIT_FSIZE: needs no rights).

    Seen with CLI 3.258.0: what it could write of the new state ends up in the place of the old one, without the
    middle, and only the copy from before the last write can be read.
    """
    ground.to("one")
    limit_bytes = ground.stack.state_file.stat().st_size + random.randrange(200, 4000)
    ground.prepare(ground.file("two"))
    ground.state = None
    # Without an event log, which would be the first file to reach the limit. One step at a time: the CLI tries each
    # write for half a minute, and every step that is under way once more.
    run = ground.begin(
        "up", "--parallel", "1", events=False,
        preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes,) * 2),
    )  # fmt: skip
    code = run.end(300)
    run.kill()
    must(code != 0, "the update succeeded though its state could not be written")
    must_say(run.text, "file too large")
    readable = is_readable(ground.stack.state_file)
    if not readable:
        _refused_then_recovered(ground, "two")
    ground.go_on_to("two")
    verdict = "state whole" if readable else "state damaged: refused, restored by recover"
    return f"limit {limit_bytes} bytes: exit code {code}, {verdict}; the next update converged"


def truncated(ground: Ground, random: Random) -> str:
    """The state file ends in the middle."""
    ground.to("one")
    file = ground.stack.state_file
    content = file.read_bytes()
    file.write_bytes(content[: random.randrange(1, len(content) - 1)])
    broken = file.read_bytes()
    ground.state = None
    code, _ = ground.pulumi("up", "--yes", "--skip-preview")
    must(code != 0, "pulumi up went on with a state that cannot be read")
    must(file.read_bytes() == broken, "pulumi up wrote over the state that cannot be read")
    _refused_then_recovered(ground, "one")
    run = ground.go_on_to("one")
    must("created" not in run.text.split("Resources:")[-1], f"something was made again:\n{run.text[-1500:]}")
    return f"{len(broken)} of {len(content)} bytes left: refused, restored by recover, nothing made again"


def _refused_then_recovered(ground: Ground, target: str) -> None:
    """`up` of a state that cannot be read says what to do, and that helps."""
    with ground.command(*UP, "--stack-file", str(ground.file(target))) as up:
        said, _ = up.communicate(timeout=120)
    must(up.returncode == 1, f"python -m local up went on:\n{said[-1500:]}")
    must_say(said, f"python -m local recover --stack {STACK}")
    with ground.command("recover", "--stack", STACK) as recover:
        said, _ = recover.communicate(timeout=180)
    must(recover.returncode == 0, f"recover failed:\n{said[-1500:]}")
    must_say(said, "could not be read; taken from")


def two_ups(ground: Ground, random: Random) -> str:
    """A second `up` on the same platform."""
    if ground.state not in ("one", "nothing"):
        ground.to("one")
    ground.state = None
    arguments = (*UP, "--stack-file", str(ground.file("one")))
    with ground.command(*arguments) as first:
        _wait_for_lock(ground)
        with ground.command(*arguments) as second:
            refused, _ = second.communicate(timeout=60)
        must(first.poll() is None, "the first up was over before the second came: nothing was tried")
        must(second.returncode == 1, f"the second up was not refused:\n{refused[-1500:]}")
        must_say(refused, "another up or down works on", str(first.pid))
        said, _ = first.communicate(timeout=300)
    must(first.returncode == 0, f"the first up failed:\n{said[-2500:]}")
    ground.must_be("one")
    return f"the second was refused and named process {first.pid}; the first ended well"


def _wait_for_lock(ground: Ground) -> None:
    lock, deadline = ground.paths.run / "lock", time.monotonic() + 30
    before = lock.read_text() if lock.exists() else ""
    while time.monotonic() < deadline and (not lock.exists() or lock.read_text() in ("", before)):
        time.sleep(0.05)


def two_updates(ground: Ground, random: Random) -> str:
    """A second plain `pulumi up` of the same stack."""
    target, first = ground.begin_update()
    must(first.wait_for_step("aws:"), f"the first update never began; {first.log}")
    code, said = ground.pulumi("up", "--yes", "--skip-preview")
    must(first.process.poll() is None, "the first update was over before the second came: nothing was tried")
    must(code != 0, "the second update was not refused")
    must_say(said, "currently locked by 1 lock", str(first.process.pid))
    must(first.end() == 0, f"the first update failed; {first.why}")
    ground.must_be(target)
    return f"Pulumi refused the second and named process {first.process.pid}; the first ended well"


STATES = (
    Scenario("two-ups", "a second `python -m local up` is refused and names the first, which ends well", two_ups, "D3"),
    Scenario(
        "two-updates",
        "a second `pulumi up` of the stack is refused by its lock, the first ends well",
        two_updates,
        "D3",
    ),
    Scenario(
        "state-disk-full",
        "the state cannot grow: the update fails, the state is whole or `recover` restores it, the next `up` converges",
        disk_full,
        "D3",
    ),
    Scenario(
        "state-truncated",
        "half a state file: refused and not written over, `recover` restores it, `up` makes nothing again",
        truncated,
        "D3",
    ),
)
