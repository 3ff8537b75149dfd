"""Stack files made by chance: a base file of ours, changed a few times along its JSON Schema and against it."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import yaml

from settings.read import PROJECT
from tests.fuzz.grammar import Place, places, properties, value_for
from tests.hostile.corpus import rows, stack_files
from tests.program import STACKS, sections_of

# Where arithmetic, types and readers have an edge; YAML's words for the same stand in TEXTS.
EDGES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 40, 63, 64, 100, 101, 253, 65_535, 65_536, 2**31 - 1, 2**31, 2**53, 2**63,
    -(2**63), 10**30,
    0.0, -0.0, 0.1, 0.5, 0.9999999, 1.0000001, 1.5, 5e-324, 1e-9, 1e9, 1e21, 1e100, 1.7976931348623157e308, -1e308,
    "", " ", "0", "-1", "1e9", "nan", "inf", "true", "null", "a", "A", "-", "a-", "a" * 63, "a" * 64, "a" * 300,
    "1Gi", "0Gi", "1e400Gi",
    "999999999999Ti", "0.5m", "100m", "٣", "é", "\u202e", "\x1b[31m", "a\nb", "{{x}}", "$(x)", "%s", "../x", "/", "*",
    "10.0.0.0/8", "0.0.0.0/0",
    "::/0", "1.2.3.4", "arn:aws:iam::210987654321:role/x", "https://x", "v0.0.0", "v999.0.0", "Mon-Sun 00:00-24:00",
    "* * * * *", "0 0 31 2 *",
    [], [None], [[]], [1, 1], ["a", "a"], {}, {"": ""}, {"a": None}, {"kind": None}, {"kind": "none"},
    {"secure": "x"}, {"kind": ["none"]},
)  # fmt: skip
# Pieces of YAML, inserted or written over at a line or within one.
TEXTS = (
    ".inf", ".nan", "0x_", "0o17", "1_000", "010", "1e999", "~", "<<: *a", "&a [*a]", "*a", "!!python/none x", "? ",
    "- ", "  ", "\t", "{", "}", "[",
    "]", ": ", "# ", "---\n", "...\n", '"', "'", "|\n", ">-\n", "\x00", "\ufeff", "\u2028", "2026-02-30",
    "99999-01-01", "yes", "1:30", "9" * 50,
)  # fmt: skip
MOST_CHANGES = 4
TEXT_LEVEL = 0.15  # of the cases

Change = Callable[[random.Random, dict[str, Any], list[Place]], None]


def stack_file(seed: int, index: int) -> str:
    """Case `index` of `seed`: the text of a stack file. The same for every run, whatever ran before it."""
    chance = random.Random(f"{seed}:{index}")
    document = copy.deepcopy(chance.choice(_bases()))
    for _ in range(chance.randint(1, MOST_CHANGES)):
        positions = list(places(document))
        _CHANGES[chance.choices(range(len(_CHANGES)), _WEIGHTS)[0]](chance, document, positions)
    text = written(document)
    for _ in range(chance.randint(1, 3) if chance.random() < TEXT_LEVEL else 0):
        text = _changed_text(chance, text)
    return text


def written(document: dict[str, Any]) -> str:
    """A document as YAML."""
    try:
        return str(yaml.dump(document, Dumper=_DUMPER, allow_unicode=True, sort_keys=False))
    except yaml.YAMLError:
        return json.dumps(document)


_DUMPER: Any = type("_Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {"ignore_aliases": lambda *_: True})


@lru_cache(maxsize=1)
def _bases() -> tuple[dict[str, Any], ...]:
    """Our stack files, each as often as all the accepted files of the hostile corpus together."""
    hostile = [case.sections for case in stack_files() if case.refused is None]
    ours = [sections_of(name) for name in STACKS] * max(1, len(hostile) // len(STACKS))
    return tuple({"config": {f"{PROJECT}:{key}": value for key, value in each.items()}} for each in [*ours, *hostile])


@lru_cache(maxsize=1)
def _pieces() -> tuple[Any, ...]:
    return tuple(value for row in rows("stack_files.yaml") for value in row["values"])


def _edge(chance: random.Random, document: dict[str, Any], positions: list[Place]) -> None:
    place = chance.choice(positions)
    place.put(copy.deepcopy(chance.choice(EDGES)))


def _piece(chance: random.Random, document: dict[str, Any], positions: list[Place]) -> None:
    chance.choice(positions).put(copy.deepcopy(chance.choice(_pieces())))


def _by_schema(chance: random.Random, document: dict[str, Any], positions: list[Place]) -> None:
    place = chance.choice(positions)
    place.put(value_for(place.schema, chance))


def _added(chance: random.Random, document: dict[str, Any], positions: list[Place]) -> None:
    """A key that the schema knows and the file does not have."""
    holders = [
        (place.value, properties(place.schema, place.value)) for place in positions if isinstance(place.value, dict)
    ]
    open_ = [(holder, [key for key in keys if key not in holder], keys) for holder, keys in holders if keys]
    open_ = [each for each in open_ if each[1]]
    if open_:
        holder, absent, keys = chance.choice(open_)
        key = chance.choice(absent)
        holder[key] = value_for(keys[key], chance)


def _deleted(chance: random.Random, document: dict[str, Any], positions: list[Place]) -> None:
    place = chance.choice(positions)
    if place.value is not None:
        del place.holder[place.key]


def _doubled(chance: random.Random, document: dict[str, Any], positions: list[Place]) -> None:
    entries = [place for place in positions if isinstance(place.holder, list)]
    if entries:
        place = chance.choice(entries)
        place.holder.extend(copy.deepcopy(place.value) for _ in range(chance.choice((1, 1, 2, 120))))


def _swapped(chance: random.Random, document: dict[str, Any], positions: list[Place]) -> None:
    here, there = chance.choice(positions), chance.choice(positions)
    ours, theirs = copy.deepcopy(here.value), copy.deepcopy(there.value)
    here.put(theirs)
    there.put(ours)


def _renamed(chance: random.Random, document: dict[str, Any], positions: list[Place]) -> None:
    """A key misspelt, in another case, or of another place."""
    keyed = [place for place in positions if isinstance(place.holder, dict)]
    place, other = chance.choice(keyed), chance.choice(keyed)
    key = str(place.key)
    made = chance.choice((key.upper(), key[:-1], f"{key}s", str(other.key), key.replace(f"{PROJECT}:", "aws:"), ""))
    place.holder[made] = place.holder.pop(place.key)


_CHANGES: tuple[Change, ...] = (_by_schema, _edge, _piece, _added, _deleted, _doubled, _swapped, _renamed)
_WEIGHTS = (6, 4, 2, 6, 2, 1, 1, 1)


def _changed_text(chance: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at = chance.randrange(len(lines))
    line, piece = lines[at], chance.choice(TEXTS)
    column = chance.randint(0, len(line))
    changed: Iterator[list[str]] = iter(
        (
            [line[:column] + piece + line[column:]],
            [line.partition(":")[0] + ": " + piece + "\n"],
            [line, line],
            [],
            [" " * chance.randint(1, 3) + line],
            [line[:column] + line[column + 1 :]],
            [line[:column]],
        )
    )
    lines[at : at + 1] = chance.choice(list(changed))
    return "".join(lines)
