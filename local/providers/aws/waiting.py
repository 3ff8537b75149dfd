"""Asking with growing pauses until something is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 3.0

Clock = Callable[[float], None]


def poll(done: Callable[[], bool], timeout_seconds: float, pause: Clock = time.sleep) -> bool:
    """False when the time is over."""
    deadline = time.monotonic() + timeout_seconds
    wait_seconds = FIRST_PAUSE_SECONDS
    while not done():
        if time.monotonic() + wait_seconds > deadline:
            return False
        pause(wait_seconds)
        wait_seconds = min(wait_seconds * 2, LONGEST_PAUSE_SECONDS)
    return True
