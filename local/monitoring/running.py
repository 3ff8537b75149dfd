"""How our own processes of this package run: a log line, the signal that ends them, their tasks."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path


def say(text: str) -> None:
    """One line of the log."""
    print(time.strftime("%H:%M:%S"), text, flush=True)


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def until(
    stop: asyncio.Event, listed: list[asyncio.Event], tasks: list[asyncio.Task[None]], ready_file: Path
) -> None:
    """Writes the ready file when everything is known; ends with `stop`, or shows why a task ended by itself."""

    async def known() -> None:
        for event in listed:
            await event.wait()
        ready_file.touch()
        await stop.wait()

    waiting = asyncio.create_task(known())
    stopped = asyncio.create_task(_wait(stop))
    done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
    for task in [*tasks, waiting]:
        task.cancel()
    await asyncio.gather(*tasks, waiting, return_exceptions=True)
    for task in done - {stopped}:
        task.result()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
