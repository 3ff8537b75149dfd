"""What an update of goldens says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import golden


def test_an_update_writes_the_file_and_remembers_how_much_of_it_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPDATE_GOLDENS", "1")
    monkeypatch.setattr(golden, "CHANGED", {})
    file = tmp_path / "x.txt"
    golden.assert_matches(file, "a\nb\n")
    assert {file: "new, 2 lines"} == golden.CHANGED
    golden.assert_matches(file, "a\nc\nd\n")
    assert {file: "+2 -1 lines"} == golden.CHANGED
    golden.CHANGED.clear()
    golden.assert_matches(file, "a\nc\nd\n")
    assert golden.CHANGED == {}


def test_without_an_update_a_difference_fails_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UPDATE_GOLDENS", raising=False)
    (tmp_path / "x.txt").write_text("a\n")
    with pytest.raises(AssertionError):
        golden.assert_matches(tmp_path / "x.txt", "b\n")
    with pytest.raises(AssertionError, match="no golden y"):
        golden.assert_matches(tmp_path / "y.txt", "b\n")
    assert (tmp_path / "x.txt").read_text() == "a\n"


def test_a_golden_kept_as_a_difference_shows_what_differs_and_who_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, other = tmp_path / "a.yaml", tmp_path / "b.diff"
    base.write_text("name: llama\nkind: x\n")
    monkeypatch.setattr(golden, "CHANGED", {})
    monkeypatch.setenv("UPDATE_GOLDENS", "1")
    golden.assert_differs(other, "name: qwen\nkind: y\n", base, "qwen", "llama")
    assert other.read_text().splitlines()[3:] == [
        " name: llama",
        "-kind: x",
        "+kind: y",
        "# lines with 'llama' in them:",
    ]
    monkeypatch.delenv("UPDATE_GOLDENS")
    for wrong in ("name: qwen\nkind: x\n", "name: llama\nkind: y\n", "name: qwen\nkind: y\nmore: 1\n"):
        with pytest.raises(AssertionError):
            golden.assert_differs(other, wrong, base, "qwen", "llama")
