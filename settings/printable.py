"""The one place where text from outside becomes text for a terminal, a page or a comment."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

# Control characters and format characters (escape sequences, overrides of the reading direction, invisible ones),
# halves of surrogate pairs, and the separators that some programs take for line ends.
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u2028\u2029]|[^\x00-\xff]")
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def printable(text: str, keep: str = "") -> str:
    """The text with every character that is not seen written as its escape: `\\x1b`. `keep`: some that may stay."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(lambda match: match[0] if match[0] in keep or not _hides(match[0]) else _escaped(match[0]), text)


def lines(text: str) -> str:
    """`printable` for text of several lines that are ours: line breaks stay."""
    return printable(text, keep="\n\t")


def printable_tree(value: Any) -> Any:
    """A document whose texts, keys too, are free of hidden characters; line breaks stay."""
    if isinstance(value, str):
        return lines(value)
    if isinstance(value, Mapping):
        return {lines(key) if isinstance(key, str) else key: printable_tree(item) for key, item in value.items()}
    return [printable_tree(item) for item in value] if isinstance(value, list | tuple) else value


def _hides(character: str) -> bool:
    return unicodedata.category(character) in _CATEGORIES


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
