"""What `load` is asked for, read and checked at once: every wrong value is named, not only the first."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.host.errors import PlatformError
from settings.spelling import did_you_mean

KINDS = ("burst", "steady", "diurnal")
# Bounds of one run: this is one client on one machine, and a mistyped number must not run for days.
MOST_RATE = 200.0
MOST_SECONDS = 7200.0
MOST_REQUESTS = 100_000
MOST_IN_FLIGHT = 2000
PICTURES = (".png", ".svg")


class CannotLoad(PlatformError):
    """The run cannot begin; the command ends with exit code 2 and one line."""

    exit_code = 2


@dataclass(frozen=True)
class Options:
    """One run. `rate`: requests per second at the profile's highest; `after_seconds`: watched without load."""

    profile: str = "burst"
    model: str = ""
    rate: float = 4.0
    seconds: float = 120.0
    seed: int = 1
    stack: str = ""
    input_tokens: int = 1155
    output_tokens: int = 211
    longest_output_tokens: int = 1000
    most_requests: int = 10_000
    most_in_flight: int = 500
    answer_seconds: float = 300.0
    after_seconds: float = 0.0
    out: Path | None = None
    json_file: Path | None = None


@dataclass(frozen=True)
class _Number:
    name: str
    default: float
    low: float
    high: float
    whole: bool
    meaning: str

    def read(self, text: str) -> float:
        """The value; raises ValueError with the range."""
        kind: Callable[[str], float] = int if self.whole else float
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not self.low <= value <= self.high:
            raise ValueError(f"--{self.name} {text}: write a {self._words()} from {self.low:g} to {self.high:.10g}")
        return value

    def _words(self) -> str:
        return "whole number" if self.whole else "number"


_USUAL = Options()
NUMBERS = (
    _Number("rate", _USUAL.rate, 0.01, MOST_RATE, False, "requests per second where the profile is highest"),
    _Number("seconds", _USUAL.seconds, 1, MOST_SECONDS, False, "how long requests are sent"),
    _Number("seed", _USUAL.seed, 0, 2**32 - 1, True, "the same seed sends the same requests at the same moments"),
    _Number("input-tokens", _USUAL.input_tokens, 1, 100_000, True, "mean prompt length"),
    _Number("output-tokens", _USUAL.output_tokens, 1, 100_000, True, "mean answer length"),
    _Number("longest-output-tokens", _USUAL.longest_output_tokens, 1, 100_000, True, "no answer is longer"),
    _Number("most-requests", _USUAL.most_requests, 1, MOST_REQUESTS, True, "no more than these are sent"),
    _Number("most-in-flight", _USUAL.most_in_flight, 1, MOST_IN_FLIGHT, True, "no more than these at a time"),
    _Number("answer-seconds", _USUAL.answer_seconds, 1, MOST_SECONDS, False, "an answer that takes longer is lost"),
    _Number("after-seconds", _USUAL.after_seconds, 0, MOST_SECONDS, False, "go on watching without load"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything as text: `read` checks it all together."""
    parser.add_argument("--profile", default=_USUAL.profile, help=" | ".join(KINDS))
    parser.add_argument("--model", default="", help="Deployment's name; may be left out where there is one model")
    parser.add_argument("--stack", default="", help="the stack that must be up; default: whichever is")
    for number in NUMBERS:
        help_text = f"{number.meaning} (default {number.default:g})"
        parser.add_argument(f"--{number.name}", default=f"{number.default:g}", metavar="N", help=help_text)
    parser.add_argument("--out", help="the picture, .png or .svg (default: .local-reports/load.svg)")
    parser.add_argument("--json", dest="json_file", help="the whole run as JSON: requests and samples")


def read(given: argparse.Namespace, reports: Path) -> Options:
    """The options; raises CannotLoad that names every wrong one. `reports`: where the picture goes by default."""
    problems: list[str] = []
    values: dict[str, float] = {}
    if given.profile not in KINDS:
        problems.append(f"--profile {given.profile}: write one of {', '.join(KINDS)}{near(given.profile, KINDS)}")
    for number in NUMBERS:
        key = number.name.replace("-", "_")
        try:
            values[key] = number.read(getattr(given, key))
        except ValueError as problem:
            problems.append(str(problem))
    out = Path(given.out) if given.out else reports / "load.svg"
    json_file = Path(given.json_file) if given.json_file else None
    problems += _file_problems(out, json_file, default=not given.out)
    if problems:
        raise CannotLoad("; ".join(problems))
    whole = {n.name.replace("-", "_") for n in NUMBERS if n.whole}
    numbers = {key: int(value) if key in whole else value for key, value in values.items()}
    return Options(
        profile=given.profile,
        model=given.model,
        stack=given.stack,
        out=out,
        json_file=json_file,
        **numbers,  # type: ignore[arg-type]
    )


def _file_problems(out: Path, json_file: Path | None, *, default: bool) -> Iterator[str]:
    if out.suffix not in PICTURES:
        yield f"--out {out}: write a name that ends in {' or '.join(PICTURES)}"
    for name, file in (("out", None if default else out), ("json", json_file)):
        if file is not None and not os.access(file.absolute().parent, os.W_OK):
            yield f"--{name} {file}: the folder {file.absolute().parent} is not there or cannot be written"


def near(name: str, known: Sequence[str]) -> str:
    """`; did you mean X or Y?`, or nothing where nothing is near."""
    hint = did_you_mean(name, known, cutoff=0.5)
    return hint and f"; {hint}"
