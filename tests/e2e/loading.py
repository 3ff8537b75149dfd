"""Load beside a test: `python -m local load` as a process of its own, its record read at the end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.load.client import ABORTED
from tests.conftest import REPO

PREFIX = "vllm-on-eks:"
REPORTS = REPO / ".local-reports"
START_SECONDS = 60


def changed_stack(folder: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """The local stack file with `change(config, model)` applied; config's keys without the project's name."""
    content = yaml.safe_load((REPO / "Pulumi.local.yaml").read_text())
    config = {key.removeprefix(PREFIX): value for key, value in content["config"].items()}
    change(config, config["models"][0])
    content["config"] = {PREFIX + key: value for key, value in config.items()}
    file = folder / "Pulumi.local.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@dataclass
class Load:
    """A run under way."""

    process: subprocess.Popen[bytes]
    file: Path

    @classmethod
    def start(cls, name: str, *options: str) -> Load:
        """Begins it and waits for its first sample; record, output and picture stay in .local-reports."""
        REPORTS.mkdir(exist_ok=True)
        file = REPORTS / f"{name}.json"
        file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "local", "load", "--json", str(file), "--out", str(file.with_suffix(".svg"))]
        with file.with_suffix(".log").open("w") as output:
            process = subprocess.Popen(
                [*command, *options], cwd=REPO, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        load = cls(process, file)
        deadline = time.monotonic() + START_SECONDS
        while "\ntime " not in load.output and process.poll() is None:
            assert time.monotonic() < deadline, f"no sample after {START_SECONDS} s: {load.output}"
            time.sleep(0.2)
        return load

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.file.with_suffix(".log").read_text()

    def end(self, timeout_seconds: float) -> dict[str, Any]:
        """Waits for it and gives its record; fails with what it printed."""
        try:
            self.process.wait(timeout_seconds)
        finally:
            self.stop()
        print(self.output)
        assert self.process.returncode == 0, self.output
        record: dict[str, Any] = json.loads(self.file.read_text())
        return record

    def stop(self) -> None:
        """Ends it, if it still goes on."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def assert_none_cut(record: dict[str, Any], at_least: int) -> int:
    """Every request has its full answer or may be sent again; and there were enough of them to tell.

    Returns how many were aborted before anything of them was begun: lost by a client that does not send them again.
    """
    summary = record["summary"]
    aborted: int = dict(summary["reasons"]).get(f"lost: {ABORTED}", 0)
    assert summary["lost"] == aborted, summary["reasons"]
    assert summary["answered"] + summary["refused"] + aborted == summary["requests"] == len(record["requests"])
    assert summary["answered"] >= at_least, summary["reasons"]
    return aborted
