"""The last line of defence: an unexpected exception ends in one line, with the traceback in a private file.

Standard library only, and nothing of ours but the list of credentials: what breaks may be anything else.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

from settings.printable import lines, printable
from settings.secrets import hidden

INTERNAL_ERROR = 3
"""Exit code."""
MOST_CHARACTERS = 256 * 1024
"""Of a traceback that is kept: the last ones, where it says what happened."""
LONGEST_READ = 200


P = ParamSpec("P")


def told(error: BaseException, reading: str) -> str:
    """The line for an unexpected exception; writes its traceback to a file of its own, mode 0600, masked.

    `reading`: what was being read, a stack file or the words of a command line.
    """
    what = hidden(printable(reading), "(hidden)")[:LONGEST_READ]
    try:
        where = f"the traceback is in {_kept(error, what)}"
    except Exception as second:  # a full disk is no reason for a second traceback
        where = f"its traceback could not be written ({type(second).__name__})"
    return f"internal error, please report: {type(error).__name__} while reading {what}; {where}"


@contextmanager
def last_resort(reading: str, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Ends the program with exit code 3 and one line; `passing`, SystemExit and KeyboardInterrupt are for others."""
    try:
        yield
    except passing:
        raise
    except Exception as error:
        raise SystemExit(_end(error, reading)) from None


def guarded(program: str) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Makes a command line's `main(words=None, ...)` return 3 after one line; what it reads is what its words name."""

    def guard(main: Callable[P, int]) -> Callable[P, int]:
        @wraps(main)
        def run(*args: P.args, **options: P.kwargs) -> int:
            try:
                return main(*args, **options)
            except Exception as error:
                argv = args[0] if args and args[0] is not None else sys.argv[1:]
                return _end(error, " ".join([program, *map(str, argv)]) if isinstance(argv, list) else program)

        return run

    return guard


def _end(error: BaseException, reading: str) -> int:
    if _nobody_listens():
        return 1
    print(told(error, reading), file=sys.stderr)
    return INTERNAL_ERROR


def _kept(error: BaseException, what: str) -> str:
    """Only the owner reads the file: mkstemp makes it with mode 0600, under an unpredictable name."""
    text = "".join(traceback.format_exception(error))[-MOST_CHARACTERS:]
    handle, path = tempfile.mkstemp(prefix="vllm-on-eks-error-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"while reading {what}\n{hidden(lines(text), '[secret]')}")
    return path


def _nobody_listens() -> bool:
    """Whether standard output was closed by who read it (`| head`): no fault of ours, and nothing more to say."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    except Exception:
        return False
    return False
