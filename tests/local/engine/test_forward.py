"""Connections handed on byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from local.engine.forward import Forward
from local.engine.ports import HOST
from tests.local.engine.simulated import run

Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MUCH = bytes(range(256)) * 40_000


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers once everything came: needs a connection that is closed by halves."""
    writer.write(await reader.read())
    await writer.drain()
    writer.close()


@asynccontextmanager
async def through(served: Served | None) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's connection to a server behind a Forward; None: to nobody."""
    upstream = await asyncio.start_server(served, HOST, 0) if served else None
    port = upstream.sockets[0].getsockname()[1] if upstream else None
    front = await asyncio.get_running_loop().create_server(lambda: Forward(port), HOST, 0)
    reader, writer = await asyncio.open_connection(HOST, front.sockets[0].getsockname()[1])
    try:
        yield reader, writer
    finally:
        writer.close()
        front.close()
        if upstream:
            upstream.close()


def test_everything_arrives_in_order_both_ways_and_a_half_closed_connection_is_answered() -> None:
    async def work() -> None:
        async with through(_echo) as (reader, writer):
            writer.write(MUCH)
            writer.write_eof()
            assert await reader.read() == MUCH

    run(work)


def test_the_server_closes_and_so_does_the_clients_end() -> None:
    async def bye(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.close()

    async def work() -> None:
        async with through(bye) as (reader, _):
            assert await reader.read() == b"bye"

    run(work)


def test_the_client_goes_and_the_server_sees_it() -> None:
    async def work() -> None:
        seen = asyncio.Event()

        async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            seen.set()
            writer.close()

        async with through(wait) as (_, writer):
            writer.write(b"hello")
            await writer.drain()
            writer.close()
            await asyncio.wait_for(seen.wait(), 5)

    run(work)


@pytest.mark.parametrize("port", [None, 1])
def test_where_nobody_listens_the_connection_is_reset(port: int | None) -> None:
    async def work() -> None:
        front = await asyncio.get_running_loop().create_server(lambda: Forward(port), HOST, 0)
        reader, writer = await asyncio.open_connection(HOST, front.sockets[0].getsockname()[1])
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()
        front.close()

    run(work)
