"""`python -m planning fit|recommend|simulate …`: what the plan knows, without cloud, credentials or network.

Exit codes: 0 it works, 1 it does not, 2 wrong input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from planning import fit_command, recommend_command, simulate_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses and runs one command."""
    parser = argparse.ArgumentParser(prog="python -m planning", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (fit_command, recommend_command, simulate_command):
        command.add_to(commands)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except (LookupError, ValueError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
