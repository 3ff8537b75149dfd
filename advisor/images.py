"""`python -m planning images`: every image and chart of a stack, and the commands that copy them to a mirror."""

from __future__ import annotations

import argparse
import json
from typing import Any

from advisor.stack_files import planned_without_mirror, settings_of
from planning.versions.mirroring import as_json, as_text
from planning.versions.pull_through import plan_pull_through


def add_to(commands: Any) -> None:
    """Registers the command with argparse."""
    parser = commands.add_parser("images", help="what a stack pulls, for a mirror", description=__doc__)
    parser.add_argument("--stack", required=True, help="dev for Pulumi.dev.yaml")
    parser.add_argument("--mirror", help="<registry>/<prefix>; default: the stack's registry.mirror")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answers 0; raises LookupError or ValueError on a stack that is not there or cannot be planned."""
    settings = settings_of(arguments.stack)
    mirror = arguments.mirror or settings.registry.mirror
    plan = planned_without_mirror(settings, arguments.stack)
    document = as_json(plan, mirror, plan_pull_through(settings))
    print(json.dumps(document, indent=2) if arguments.json else "\n".join(as_text(document)))
    return 0
