"""Local ports that stay the same: remembered in a file, tried first after a restart, passed over when in use."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


def write_json(path: Path, value: Any) -> None:
    """Writes a file that readers see whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    part.replace(path)


def read_json(path: Path, otherwise: Any) -> Any:
    """The file's value, `otherwise` where it is absent or damaged (it is rebuilt then)."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return otherwise


class PortBook:
    """Which key has which port of a range, in `file`."""

    def __init__(self, file: Path, first: int, last: int) -> None:
        self._file = file
        self._range = range(first, last + 1)
        stored = read_json(file, {})
        self._ports: dict[str, int] = {k: p for k, p in stored.items() if isinstance(p, int) and p in self._range}

    async def listen(self, key: str, server: Callable[[], asyncio.BaseProtocol]) -> tuple[asyncio.Server, int]:
        """Opens `server` on the key's port, or on the next free one of the range; remembers it.

        Raises OSError when no port of the range is free.
        """
        loop = asyncio.get_running_loop()
        taken = {port for other, port in self._ports.items() if other != key}
        own = [self._ports[key]] if key in self._ports else []
        fresh = [port for port in self._range if port not in taken and port not in own]
        for port in [*own, *fresh, *sorted(taken)]:  # ports of services long gone come last
            try:
                opened = await loop.create_server(server, HOST, port)
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                continue
            self._ports = {k: p for k, p in self._ports.items() if p != port} | {key: port}
            write_json(self._file, self._ports)
            return opened, port
        raise OSError(errno.EADDRINUSE, f"no free port in {self._range.start}-{self._range.stop - 1} for {key}")
