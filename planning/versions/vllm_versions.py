"""What each vLLM version understands and shows: flags, metrics, quantization methods, CUDA.

`facts/vllm.csv` is made by `tools/vllm_facts.py` from the released sources. Its first version stands for "that one
or before", its last for "still there in the newest that was read".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from planning.facts import rows
from settings.spelling import did_you_mean

Version = tuple[int, int, int]

# Before 0.18 running requests are cut at SIGTERM; before 0.16 the table below does not reach.
OLDEST_SUPPORTED: Version = (0, 16, 0)


@dataclass(frozen=True)
class _Fact:
    kind: str
    name: str
    first: Version
    last: Version


def version_of(tag: str) -> Version:
    """`v0.33.0-cu129` -> (0, 33, 0); raises ValueError for a tag that names no version."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", tag)
    if match is None:
        raise ValueError(f"image tag {tag!r} names no vLLM version; write v<version>, for example v0.33.0")
    return int(match[1]), int(match[2]), int(match[3])


def text(version: Version) -> str:
    """(0, 33, 0) -> 0.33.0."""
    return ".".join(str(part) for part in version)


@cache
def newest_known() -> Version:
    """The newest version the table was made from."""
    return max(fact.last for fact in _facts())


@cache
def names(kind: str, version: Version) -> frozenset[str]:
    """Names of one kind (flag, gauge, counter, histogram, quantization, kv-cache-dtype, cuda, compute-capability).

    A version newer than the table is taken for the newest in it: its release notes are not known here.
    """
    at = min(version, newest_known())
    # A patch release has what its minor's first release had.
    minor = (at[0], at[1], 0)
    return frozenset(f.name for f in _facts() if f.kind == kind and f.first[:2] <= minor[:2] <= f.last[:2])


def has_flag(flag: str, version: Version) -> bool:
    """Whether `vllm serve` of that version knows the flag."""
    return flag in names("flag", version)


@cache
def span(kind: str, name: str) -> tuple[Version, Version] | None:
    """First and last version that has the name; None where none does."""
    return next(((fact.first, fact.last) for fact in _facts() if fact.kind == kind and fact.name == name), None)


@cache
def metrics(version: Version) -> frozenset[str]:
    """Series names as Prometheus shows them: counters carry `_total`."""
    counters = (f"{name}_total" for name in names("counter", version))
    return names("gauge", version) | names("histogram", version) | frozenset(counters)


@cache
def lowest_compute_capability(version: Version) -> tuple[int, int]:
    """The oldest GPU the official image has kernels for, e.g. (7, 5) for Turing."""
    return min(
        (int(major), int(minor)) for major, minor in (n.split(".") for n in names("compute-capability", version))
    )


def cuda(version: Version) -> str:
    """CUDA version of the official image."""
    return max(names("cuda", version))


def cuda_of_tag(tag: str) -> str:
    """As `cuda`, or what the tag itself says: `v0.33.0-cu129` -> 12.9."""
    said = re.search(r"-cu(\d\d)(\d)", tag)
    return f"{said[1]}.{said[2]}" if said else cuda(version_of(tag))


@cache
def canonical_flag(spelled: str, version: Version) -> str | None:
    """The flag that `vllm serve` reads `spelled` as, or None.

    It reads `_` as `-`, `--no-x` as `--x`, `--x.y` as a part of `--x`, short forms, and unique beginnings (argparse).
    """
    flags = names("flag", version)
    name = spelled.split(".", 1)[0].removesuffix("+")
    if name.startswith("-O"):  # -O, -O3: rewritten before argparse sees them
        name = "--optimization-level"
    short = _aliases().get(name)
    if short is not None:
        return short if short in flags else None
    if name.startswith("--"):
        name = name.replace("_", "-")
        if name in flags:
            return name
        positive = "--" + name.removeprefix("--no-")
        if positive in flags:
            return positive
        beginning = [flag for flag in flags if flag.startswith(name)]
        return beginning[0] if len(beginning) == 1 else None
    return None


def why_unknown(flag: str, version: Version) -> str:
    """What to write instead of a flag that the version does not have."""
    for fact in _facts():
        if fact.kind == "flag" and fact.name == flag.replace("_", "-"):
            if version < fact.first:
                return f"came with vLLM {text(fact.first)}"
            return f"was last seen in vLLM {text(fact.last)}"
    return "is not known"


def near_flag(flag: str, version: Version) -> str:
    """`did you mean --x?` for a misspelt flag, empty where none is near or another version has it."""
    spelt = flag.replace("_", "-")
    known = any(fact.kind == "flag" and fact.name == spelt for fact in _facts())
    return "" if known else did_you_mean(spelt, names("flag", version), cutoff=0.7)


@cache
def _facts() -> tuple[_Fact, ...]:
    return tuple(
        _Fact(row["kind"], row["name"], version_of(row["first"]), version_of(row["last"])) for row in rows("vllm.csv")
    )


@cache
def _aliases() -> dict[str, str]:
    return dict(_pairs())


def _pairs() -> Iterator[tuple[str, str]]:
    for fact in _facts():
        if fact.kind.startswith("alias of "):
            yield fact.name, fact.kind.removeprefix("alias of ")
