"""What `load` is asked for, read and checked at once: every wrong value is named, not only the first."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

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


def _bounded(low: float, high: float, meaning: str) -> Any:
    return Field(ge=low, le=high, description=meaning)


@dataclass(frozen=True)
class Options:
    """One run; a number with bounds is an option of its name."""

    profile: str = "burst"
    model: str = ""
    rate: Annotated[float, _bounded(0.01, MOST_RATE, "requests per second where the profile is highest")] = 4.0
    seconds: Annotated[float, _bounded(1, MOST_SECONDS, "how long requests are sent")] = 120.0
    seed: Annotated[int, _bounded(0, 2**32 - 1, "the same seed sends the same requests at the same moments")] = 1
    stack: str = ""
    input_tokens: Annotated[int, _bounded(1, 100_000, "mean prompt length")] = 1155
    output_tokens: Annotated[int, _bounded(1, 100_000, "mean answer length")] = 211
    longest_output_tokens: Annotated[int, _bounded(1, 100_000, "no answer is longer")] = 1000
    most_requests: Annotated[int, _bounded(1, MOST_REQUESTS, "no more than these are sent")] = 10_000
    most_in_flight: Annotated[int, _bounded(1, MOST_IN_FLIGHT, "no more than these at a time")] = 500
    answer_seconds: Annotated[float, _bounded(1, MOST_SECONDS, "an answer that takes longer is lost")] = 300.0
    after_seconds: Annotated[float, _bounded(0, MOST_SECONDS, "go on watching without load")] = 0.0
    out: Path | None = None
    json_file: Path | None = None


# As JSON Schema says them: name, default, `minimum`, `maximum`, `integer` or `number`, and the meaning.
NUMBERS = {
    name: field
    for name, field in TypeAdapter(Options).json_schema()["properties"].items()
    if field.get("type") in ("integer", "number")
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything as text: `read` checks it all together."""
    parser.add_argument("--profile", default=Options.profile, help=" | ".join(KINDS))
    parser.add_argument("--model", default="", help="Deployment's name; may be left out where there is one model")
    parser.add_argument("--stack", default="", help="the stack that must be up; default: whichever is")
    for name, field in NUMBERS.items():
        default = f"{field['default']:g}"
        help_text = f"{field['description']} (default {default})"
        parser.add_argument(f"--{name.replace('_', '-')}", default=default, metavar="N", help=help_text)
    parser.add_argument("--out", help="the picture, .png or .svg (default: .local-reports/load.svg)")
    parser.add_argument("--json", dest="json_file", help="the whole run as JSON: requests and samples")


def read(arguments: argparse.Namespace, reports: Path) -> Options:
    """The options; raises CannotLoad that names every wrong one. `reports`: where the picture goes by default."""
    problems: list[str] = []
    if arguments.profile not in KINDS:
        hint = near(arguments.profile, KINDS)
        problems.append(f"--profile {arguments.profile}: write one of {', '.join(KINDS)}{hint}")
    out = Path(arguments.out) if arguments.out else reports / "load.svg"
    json_file = Path(arguments.json_file) if arguments.json_file else None
    values = {name: getattr(arguments, name) for name in ("profile", "model", "stack", *NUMBERS)}
    options = None
    try:
        options = Options(**values, out=out, json_file=json_file)
    except ValidationError as wrong:
        problems += [_out_of_bounds(str(error["loc"][0]), error["input"]) for error in wrong.errors()]
    problems += _file_problems(out, json_file, default=not arguments.out)
    if options is None or problems:
        raise CannotLoad("; ".join(problems))
    return options


def _out_of_bounds(name: str, text: str) -> str:
    field = NUMBERS[name]
    kind = "whole number" if field["type"] == "integer" else "number"
    return f"--{name.replace('_', '-')} {text}: write a {kind} from {field['minimum']:g} to {field['maximum']:.10g}"


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
