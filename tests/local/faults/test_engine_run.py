"""A run of the CLI is watched by its events and killed with all that it started."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from local.faults.engine import EngineRun
from local.faults.holds import DoesNotHold

# Writes three events, of a step that ended and of one that did not, starts a child in a process group of its own (as
# the engine does with plugins), and waits.
PROGRAM = """
import json, os, subprocess, sys, time
events = open(sys.argv[sys.argv.index("--event-log") + 1], "w")
child = subprocess.Popen(["sleep", "60"], preexec_fn=os.setpgrp)
print("child", child.pid, flush=True)
for op, kind in (("same", "kubernetes:core/v1:Service"), ("create", "kubernetes:apps/v1:Deployment")):
    metadata = {"op": op, "type": kind, "urn": f"urn:pulumi:faults::vllm-on-eks::{kind}::{op}d"}
    print(json.dumps({"resourcePreEvent": {"metadata": metadata}}), file=events, flush=True)
    if op == "same":
        print(json.dumps({"resOutputsEvent": {"metadata": metadata}}), file=events, flush=True)
time.sleep(60)
"""


def started(tmp_path: Path, program: str = PROGRAM) -> EngineRun:
    return EngineRun([sys.executable, "-c", program], {}, tmp_path / "log" / "1-up.log")


def test_a_kill_reaches_what_the_cli_started_in_groups_of_its_own(tmp_path: Path) -> None:
    run = started(tmp_path)
    assert run.wait_until(lambda: run.event_count() == 3, 30)
    child = int(run.text.split()[1])
    killed = run.kill()
    assert "sleep" in killed
    assert len(killed) == 2
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert run.process.returncode == -9


def test_a_step_is_a_change_and_not_what_stays_the_same(tmp_path: Path) -> None:
    run = started(tmp_path)
    assert run.wait_for_step("kubernetes:apps", 30)
    assert not run.wait_for_step("kubernetes:core", 0.2)
    run.kill()


def test_waiting_ends_with_the_run(tmp_path: Path) -> None:
    run = started(tmp_path, "print('done')")
    assert not run.wait_until(lambda: run.event_count() > 0, 30)
    assert run.end(10) == 0
    assert run.text == "done\n"


def test_a_run_that_hangs_is_killed_and_does_not_hold(tmp_path: Path) -> None:
    run = started(tmp_path)
    assert run.wait_until(lambda: run.event_count() == 3, 30)
    with pytest.raises(DoesNotHold) as refused:
        run.end(0.2)
    assert "still ran after 0 s, at create created; " in str(refused.value), "and not what had ended"
    assert run.log.read_text().strip() in str(refused.value)
    assert run.process.poll() is not None


def test_why_a_run_failed_is_its_diagnostics_without_the_outputs(tmp_path: Path) -> None:
    said = "Updating (faults):\\nDiagnostics:\\n  error: the disk is full\\n\\nOutputs:\\n    kubeconfig: {}\\n"
    run = started(tmp_path, f"print('{said}')")
    assert run.end(30) == 0
    assert run.why == f"{run.log}:\nerror: the disk is full"
