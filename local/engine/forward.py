"""A connection handed on byte by byte, as kube-proxy does: what is at its other end does not matter here."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from local.engine.ports import HOST


def _reset(transport: asyncio.Transport) -> None:
    """Closes with RST: a client can tell it from an answer that ended."""
    own = transport.get_extra_info("socket")
    if own is not None and not transport.is_closing():
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _End(asyncio.Protocol):
    """One of the two ends; what it gets goes to the other one. It reads nothing before both are there."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self._said_all = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def _to(self) -> asyncio.Transport:
        assert self.other is not None
        assert self.other.transport is not None
        return self.other.transport

    def data_received(self, data: bytes) -> None:
        self._to().write(data)

    def eof_received(self) -> bool:
        """Half-closed: the other side may still answer; closed when both have said all."""
        self._said_all = True
        to = self._to()
        if to.can_write_eof() and not to.is_closing():
            to.write_eof()
        return not (self.other is not None and self.other._said_all)

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is None or self.other.transport is None:
            return
        if error is not None:
            _reset(self.other.transport)
        else:
            self.other.transport.close()

    def pause_writing(self) -> None:
        self._to().pause_reading()

    def resume_writing(self) -> None:
        self._to().resume_reading()


class Forward(_End):
    """The client's end of a connection to a local port; None or no listener: it is reset, as by a closed port."""

    def __init__(self, port: int | None) -> None:
        super().__init__()
        self._port = port
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # Not at once: Python 3.11.2 (Debian 12) begins to read after this method, whatever was said in it.
        asyncio.get_running_loop().call_soon(cast(asyncio.Transport, transport).pause_reading)
        self._task = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        assert self.transport is not None
        upstream = _End()
        upstream.other = self
        try:
            if self._port is None:
                raise ConnectionRefusedError
            await asyncio.get_running_loop().create_connection(lambda: upstream, HOST, self._port)
        except OSError:
            _reset(self.transport)
            return
        self.other = upstream
        if self.transport.is_closing():
            assert upstream.transport is not None
            upstream.transport.close()
        else:
            self.transport.resume_reading()
