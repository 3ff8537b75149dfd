"""`python -m planning fit|recommend|simulate|images …`: what the plan knows, without cloud, credentials or network.

Exit codes: 0 it works, 1 it does not, 2 wrong input, 3 a fault of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from advisor.option_types import OptionParser
from settings.last_resort import guarded
from settings.printable import lines

COMMANDS = ("fit", "recommend", "simulate", "images")


@guarded("python -m planning")
def main(arguments: Sequence[str] | None = None) -> int:
    """Parses and runs one command, importing only that one's modules: each is to start at once."""
    argv = sys.argv[1:] if arguments is None else arguments
    parser = OptionParser(prog="python -m planning", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in argv[:1] if argv and argv[0] in COMMANDS else COMMANDS:
        import_module(f"advisor.{command}").add_to(commands)
    try:
        parsed = parser.parse_args(argv)
        return int(parsed.run(parsed))
    except (KeyError, IndexError, RecursionError):
        raise  # nothing of ours says wrong input with these
    except (LookupError, ValueError, OSError) as problem:
        print(f"error: {lines(str(problem))}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
