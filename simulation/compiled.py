"""numba, with its machine code kept beside the source.

Compiling takes about ten seconds, once per version of the two kernel files: the folder's name carries their hash,
because numba by itself notices changes only in the file a function stands in. Where the folder cannot be written,
numba falls back to its cache in the user's home.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

_HERE = Path(__file__).resolve().parent
_SOURCES = ("compiled.py", "kernel_state.py", "kernel.py")
_STAMP = sha256(b"".join((_HERE / name).read_bytes() for name in _SOURCES)).hexdigest()[:16]
_CACHE = _HERE / "__pycache__" / f"numba-{_STAMP}"
numba.config.CACHE_DIR = str(_CACHE)  # type: ignore[attr-defined]


def compiled(function: Function) -> Function:
    """The function as machine code, typed as the function it is."""
    return cast(Function, numba.njit(cache=True)(function))


def is_compiled() -> bool:
    """Whether this version's machine code is in the cache beside the source."""
    return any(_CACHE.rglob("*run_fleet*.nbi"))
