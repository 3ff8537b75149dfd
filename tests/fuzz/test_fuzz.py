"""A small run of the fuzz target, the same each time, and every failure that was ever found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.mutations import stack_file
from tests.fuzz.target import Target, target

SEED = 12
COUNT = 150
SHOWN = 2  # of those that plan; a program takes a hundred times as long as a plan
CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.yaml"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: str(path.stem))
def test_what_once_hurt_ends_in_a_plan_or_in_words(path: Path, tmp_path: Path) -> None:
    assert Target(tmp_path).run(path.read_text(encoding="utf-8"), show=True).failure is None


def test_stack_files_made_by_chance_end_in_a_plan_or_in_words() -> None:
    verdicts: Counter[str] = Counter()
    with target() as running:
        for index in range(COUNT):
            ended = running.run(stack_file(SEED, index), show=verdicts["shown"] < SHOWN)
            assert ended.failure is None, (
                f"python -m tests.fuzz --seed {SEED} --start {index} --count 1: {ended.failure}"
            )
            verdicts[ended.verdict] += 1
    assert set(verdicts) == {"unreadable", "refused", "planned", "shown"}, "the grammar reaches too little"


def test_a_case_is_the_same_whatever_ran_before_it() -> None:
    assert stack_file(SEED, 7) == stack_file(SEED, 7)
    assert len({stack_file(SEED, index) for index in range(20)}) == 20


def test_a_fault_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("injected")

    monkeypatch.setattr("planning.prepare.decide", broken)
    ended = Target(tmp_path).run("config: {}", show=False)
    assert ended.verdict == "failed"
    assert "ZeroDivisionError: injected" in str(ended.failure)
