"""`python -m preflight STACK`: what the AWS account says to what a stack's plan had to guess. Read-only, ≤ 10 s."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from planning.model import Severity, StackPlan
from planning.prepare import prepare
from preflight.account import AwsAccount
from preflight.ask import DEADLINE_SECONDS, report_of
from preflight.left import as_text as left_text
from preflight.left import left
from preflight.merge import as_text
from preflight.model import Verdict
from settings.command_line import Parser
from settings.last_resort import guarded
from settings.printable import lines, printable_tree
from settings.stack_file import StackFileError

ROOT = Path(__file__).resolve().parent.parent
FINE, FOUND, WRONG_INPUT = 0, 1, 2


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser("python -m preflight", description=__doc__)
    parser.add_argument("stack", help="name of a stack file, dev for Pulumi.dev.yaml")
    parser.add_argument(
        "--seconds", type=_seconds, default=DEADLINE_SECONDS, help="how long to wait for answers; default: %(default)g"
    )
    parser.add_argument("--left", action="store_true", help="after a destroy: what is still there, and what removes it")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser.parse_args(argv)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.1 and 600 seconds")
    return value


@guarded("python -m preflight")
def main(argv: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Exit code: 0 fine, or AWS was not asked; 1 `up` would fail in this account; 2 wrong input; 3 a fault of ours."""
    asked = arguments(argv)
    try:
        prepared = prepare(root, asked.stack)
    except StackFileError as error:
        print(f"error: {lines(str(error))}", file=sys.stderr)
        return WRONG_INPUT
    if prepared.plan is None:
        errors = [finding for finding in prepared.findings if finding.severity is Severity.ERROR]
        print(f"{asked.stack} cannot work, whatever the account: {len(errors)} errors", file=sys.stderr)
        for mistake in errors:
            print(f"  error    {mistake}", file=sys.stderr)
        return WRONG_INPUT
    if asked.left:
        return _left(prepared.plan, asked.json)
    report = report_of(prepared.plan, seconds=asked.seconds)
    print(json.dumps(printable_tree(report.as_json()), indent=2) if asked.json else lines("\n".join(as_text(report))))
    return FOUND if report.of(Verdict.ERROR) else FINE


def _left(plan: StackPlan, as_json: bool) -> int:
    """Exit code: 0 nothing is left, 1 something is, or AWS did not say; 2 there are no credentials to ask with."""
    aws = AwsAccount(plan.region)
    if not aws.has_credentials:
        print("error: there are no AWS credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, a role)", file=sys.stderr)
        return WRONG_INPUT
    left_behind, unanswered = left(plan, aws)
    document = {
        "stack": plan.stack,
        "left": [asdict(left_one) for left_one in left_behind],
        "unanswered": list(unanswered),
    }
    print(
        json.dumps(document, indent=2) if as_json else lines("\n".join(left_text(plan.stack, left_behind, unanswered)))
    )
    return FOUND if left_behind or unanswered else FINE


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a call that hangs must not keep the command beyond its deadline
