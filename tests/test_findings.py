"""A finding says what is wrong in one field and what to do in another; nobody glues them together again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings.findings import Finding, Severity, WrongValue, mistake
from tests.conftest import REPO
from tests.source import files, nodes

ROOMS = ("settings", "planning", "preflight", "policies", "preview")
MESSAGE_AT = {"error": 2, "warning": 2, "estimate": 2, "mistake": 1, "WrongValue": 0, "Answer": 3, "Finding": 3}
"""Which argument is the message."""
REMEDY = re.compile(
    r"[;:.] +(?:run:|(?:write|use|list|remove|choose|keep|make|give|lower|raise|take|get|replace|set|put|add|switch|"
    r"shorten|leave|did you mean|known are)\b)",
    re.IGNORECASE,
)


def _messages(path: Path) -> Iterator[tuple[int, str]]:
    for node in nodes(path):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        at = MESSAGE_AT.get(name)
        if at is not None and len(node.args) > at:
            text = "".join(str(each.value) for each in ast.walk(node.args[at]) if isinstance(each, ast.Constant))
            yield node.lineno, text


@pytest.mark.parametrize("room", ROOMS)
def test_no_message_holds_what_to_do(room: str) -> None:
    glued = [
        f"{path.relative_to(REPO)}:{line}: {text}"
        for path in files(room)
        for line, text in _messages(path)
        if REMEDY.search(text)
    ]
    assert glued == []


def test_a_finding_is_one_sentence_for_people() -> None:
    assert str(mistake("models[0].sorce", "unknown key", "did you mean source?")) == (
        "models[0].sorce: unknown key; did you mean source?"
    )
    assert Finding("account", "account", Severity.INFO, "agrees", "").text == "agrees"


def test_words_of_the_file_are_printable_and_hold_no_secret_in_any_field() -> None:
    evil = "\x1b[31m hf_" + "a" * 34
    for field in ("path", "message", "fix"):
        words = {"path": "x", "message": "x", "fix": "x", field: evil}
        text = str(Finding(words["path"], "rule", Severity.ERROR, words["message"], words["fix"]))
        assert "\x1b" not in text, field
        assert "hf_aaa" not in text, field


def test_a_validator_may_say_several_things_of_one_value() -> None:
    wrong = WrongValue("a", "write b", ("c", "write d"))
    assert wrong.said == (("a", "write b"), ("c", "write d"))
    assert str(wrong) == "a; write b\nc; write d"
