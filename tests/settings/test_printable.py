"""Text from outside is free of what a terminal obeys and nobody sees."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview.masking import masked
from settings.printable import lines, printable, printable_tree
from settings.problems import path_text, shown
from settings.read import loaded_from, read

HIDDEN = [
    "\x1b[31m",
    "\x9b2J",
    "\r",
    "\x07",
    "\x08",
    "\u202e",
    "\u2066",
    "\u200b",
    "\u2028",
    "\ufeff",
    "\x7f",
    "\ud800",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_each_hidden_character_is_written_as_its_escape(text: str) -> None:
    shown = printable(f"a{text}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert printable_tree({f"k{text}": [text]}) == {f"k{lines(text)}": [lines(text)]}
    assert text not in json.dumps(masked({"a": {f"k{text}": text}}), ensure_ascii=False)


@given(st.text())
def test_no_text_stays_unprintable_and_what_is_seen_is_not_touched(text: str) -> None:
    assert "\x1b" not in printable(text)
    seen = "".join(character for character in text if character.isprintable())
    assert printable(seen) == seen or max(seen) >= "\ue000" or any(ord(c) >= 0xE000 for c in seen)


@pytest.mark.parametrize("text", HIDDEN)
def test_messages_about_keys_and_values_are_free_of_them(text: str) -> None:
    assert text not in path_text(("tags", f"a{text}b"))
    assert text not in shown(f"a{text}b")
    sections = {f"x{text}": {}, "models": [{"name": text, text: text, "cache": {"kind": text}}], "tags": {text: 5}}
    assert text not in "".join(map(str, read(sections, "dev").problems))
    texts = {f"y{text}": "{}", "models": text, f"z{text}": "plain"}
    assert text not in "".join(map(str, loaded_from(texts, set(), "dev").problems))


def test_line_breaks_of_ours_stay_and_those_of_a_key_do_not() -> None:
    assert lines("a\nb\tc") == "a\nb\tc"
    assert "\n" not in path_text(("tags", "a\nerror   all is well"))
