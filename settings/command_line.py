"""Command lines of ours: what a terminal would obey is refused before anything repeats it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from settings.printable import printable

WRONG_INPUT = 2


class Parser(argparse.ArgumentParser):
    """argparse, whose messages repeat arguments as they were typed."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: object = None) -> argparse.Namespace:  # type: ignore[override]
        """Ends the program with exit code 2 where an argument holds an invisible character."""
        argv = list(sys.argv[1:] if args is None else args)
        for index, text in enumerate(argv):
            if not text.isprintable():
                what = f"a line break or control character: {printable(text)[:80]}"
                self.error(f"word {index + 1} of the command line holds {what}")
        return super().parse_args(argv, None)

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))
