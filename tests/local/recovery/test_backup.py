"""A state that cannot be read is replaced by the newest copy that can."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from local.recovery.backup import copies, is_readable, restore

WHOLE = json.dumps({"version": 3, "checkpoint": {"latest": {"resources": []}}})


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    file = tmp_path / ".pulumi" / "stacks" / "p" / "dev.json"
    file.parent.mkdir(parents=True)
    file.write_text(WHOLE[:20])
    return file


def copy(path: Path, text: str, age_seconds: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1_000_000 - age_seconds, 1_000_000 - age_seconds))
    return path


def history(state_file: Path, number: int) -> Path:
    return state_file.parents[2] / "history" / "p" / "dev" / f"dev-{number}.checkpoint.json"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"checkpoint": null}'])
def test_what_is_no_checkpoint_cannot_be_read(state_file: Path, text: str) -> None:
    state_file.write_text(text)
    assert not is_readable(state_file)


def test_the_newest_readable_copy_takes_the_place_and_the_broken_file_stays(state_file: Path) -> None:
    copy(state_file.with_name("dev.json.bak"), "{", 1)
    newer = copy(history(state_file, 2), WHOLE, 2)
    older = copy(history(state_file, 1), "{}", 3)
    assert copies(state_file) == [state_file.with_name("dev.json.bak"), newer, older]
    assert restore(state_file) == newer
    assert state_file.read_text() == WHOLE
    assert state_file.with_name("dev.json.broken").read_text() == WHOLE[:20]
    assert newer.exists()


def test_without_a_readable_copy_nothing_is_touched(state_file: Path) -> None:
    copy(history(state_file, 1), "{}", 3)
    assert restore(state_file) is None
    assert state_file.read_text() == WHOLE[:20]
