"""`python -m preview STACK`: what a stack would be and what a change would do; needs no cloud, no credentials.

Where there are credentials AWS is asked what the plan had to guess (preflight); --offline does not."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from planning.prepare import Prepared, prepare
from planning.units import amount
from planning.versions.mirroring import as_json, as_text
from preview.document import refused
from preview.findings import SEVERITIES, at_least
from settings.command_line import Parser
from settings.findings import Finding, Severity
from settings.last_resort import guarded
from settings.printable import lines
from settings.stack_file import StackFileError

if TYPE_CHECKING:
    from preview.report_model import Report

ROOT = Path(__file__).resolve().parent.parent
FORMATS = ("text", "markdown", "html", "json")
FINE, FOUND, WRONG_INPUT = 0, 1, 2


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser("python -m preview", description=__doc__)
    parser.add_argument("stack", help="name of a stack file, dev for Pulumi.dev.yaml")
    parser.add_argument("--against", metavar="GIT_REV", help="show what changes from this revision on")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write there instead of standard output")
    parser.add_argument("--fail-on", choices=SEVERITIES[:2], default="error", help="findings that end with exit code 1")
    parser.add_argument(
        "--images", action="store_true", help="list instead what the stack pulls: images, charts, weights"
    )
    parser.add_argument("--mirror", help="with --images: the commands that copy it there; default: registry.mirror")
    parser.add_argument("--offline", action="store_true", help="do not ask AWS, even where there are credentials")
    return parser.parse_args(argv)


@guarded("python -m preview")
def main(argv: Sequence[str] | None = None, *, root: Path = ROOT, today: date | None = None) -> int:
    """Exit code: 0 fine, 1 findings at or above --fail-on, 2 wrong input, 3 a fault of ours."""
    asked = arguments(argv)
    if asked.out is not None and not asked.out.absolute().parent.is_dir():
        print(f"error: --out {asked.out}: there is no such folder", file=sys.stderr)
        return WRONG_INPUT
    try:
        on = today or datetime.now(UTC).date()
        prepared = prepare(root, asked.stack, on.isoformat())
    except StackFileError as error:
        return _refuse(asked, [_error(f"Pulumi.{asked.stack}.yaml", "stack-file", str(error))])
    if prepared.plan is None:
        return _refuse(asked, prepared.findings)
    if asked.images:
        return _list_images(asked, prepared)
    # Everything below imports the SDKs, which takes seconds; a mistake was told before.
    from preflight.ask import guesses, report_without_network
    from preview.evaluate import ProgramFailed, evaluate
    from preview.sandbox import said

    try:
        account = guesses(prepared.plan) if asked.offline else report_without_network(prepared.plan)
        document, base = evaluate(prepared, prepared.plan, asked.against, on, account)
    except ProgramFailed as failure:
        if failure.__cause__ is not None:
            raise  # unexpected: a bug
        return _refuse(asked, [_error("__main__.py", "program", str(failure))])
    _write(asked, document)
    if base is not None:
        print(f"against {base.revision}: {said()}", file=sys.stderr)
    if base is not None and base.commit is None:
        print(f"error: --against {base.revision}: {lines(base.problem or '')}", file=sys.stderr)
        return WRONG_INPUT
    return FOUND if at_least(document["findings"], asked.fail_on) else FINE


def _list_images(asked: argparse.Namespace, prepared: Prepared) -> int:
    assert prepared.loaded.settings is not None, "a plan comes from settings"
    cache = prepared.plan.pull_through if prepared.plan else None
    document = as_json(prepared.unmirrored, asked.mirror or prepared.loaded.settings.registry.mirror, cache)
    text = json.dumps(document, indent=2) if asked.format == "json" else "\n".join(as_text(document))
    if asked.out is None:
        print(text)
    else:
        asked.out.write_text(f"{text}\n", encoding="utf-8")
    return FINE


def _error(path: str, rule: str, message: str) -> Finding:
    return Finding(path, rule, Severity.ERROR, message, "")


def _refuse(asked: argparse.Namespace, findings: Iterable[Finding]) -> int:
    """Tells what is wrong: people on standard error, machines in the format they asked for."""
    document = refused(asked.stack, findings)
    errors = sum(finding["severity"] == "error" for finding in document["findings"])
    print(f"{asked.stack} cannot work: {amount(errors, 'error')}", file=sys.stderr)
    for finding in document["findings"]:
        fix = f"; {finding['fix']}" if finding["fix"] else ""
        print(f"  {finding['severity']:<8} {finding['path']}: {finding['message']}{fix}", file=sys.stderr)
    if asked.format != "text" or asked.out is not None:
        _write(asked, document)
    return WRONG_INPUT


def _write(asked: argparse.Namespace, document: Report) -> None:
    from preview.formats import rendered

    if asked.out is None and asked.format == "text":
        from preview.text import show

        show(document)
    elif asked.out is None:
        sys.stdout.write(rendered(document, asked.format))
    else:
        asked.out.write_text(rendered(document, asked.format), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
