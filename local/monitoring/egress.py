"""Connections to Services: HTTP CONNECT proxies that lead an address of the cluster to what stands for it here.

On a node kube-proxy leads a cluster address to a pod, and the cluster's DNS a name to that address. Neither is here:
- the API server is told (control_plane.py) to ask the proxy over TLS, as its egress selector knows it, for aggregated
  APIs and webhooks, which it dials by cluster address;
- programs that speak gRPC, which is no request that an HTTP proxy could read, are told to ask the plain one, by name.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable

from local.control_plane.certificates import Pki
from local.monitoring.view import Unreachable

Target = Callable[[str, int], int | None]
"""Local port for a host and a port; None where nothing stands for it, or raises Unreachable with the reason."""
HEAD_LIMIT_BYTES = 16384
# Shorter than the API server waits for a webhook (10 s, KServe's).
START_SECONDS = 8.0


def server_context(pki: Pki) -> ssl.SSLContext:
    """TLS with the API server's own certificate (it names 127.0.0.1); only the API server may connect."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.certificate("ca")))
    context.load_cert_chain(pki.certificate("kube-apiserver"), pki.key("kube-apiserver"))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def serve_connect(
    target: Target, tls: ssl.SSLContext | None, host: str, port: int, say: Callable[[str], None]
) -> asyncio.Server:
    """Opens a proxy; connections to what nothing stands for are refused with 502."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _tunnel(target, host, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            say(f"connection into the cluster ended: {type(error).__name__}: {error}")
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    return await asyncio.start_server(handle, host, port, ssl=tls, limit=HEAD_LIMIT_BYTES)


async def _tunnel(target_of: Target, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    method, target = head.split(" ", 2)[:2]
    address, _, port = target.rpartition(":")
    try:
        local = target_of(address.strip("[]"), int(port)) if method == "CONNECT" else None
        if local is None:
            raise Unreachable(f"nothing stands for {target}")
        near, far = await open_program(host, local)
    except (Unreachable, OSError) as reason:
        writer.write(f"HTTP/1.1 502 {str(reason)[:200]}\r\n\r\n".encode("latin-1", "replace"))
        await writer.drain()
        return
    try:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await asyncio.gather(_copy(reader, far), _copy(near, writer))
    finally:
        far.close()


async def open_program(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A program's port. In a cluster a pod is Ready when it listens; here the program starts when its pod is Ready."""
    give_up = asyncio.get_running_loop().time() + START_SECONDS
    while True:
        try:
            return await asyncio.open_connection(host, port)
        except ConnectionRefusedError:
            if asyncio.get_running_loop().time() > give_up:
                raise
            await asyncio.sleep(0.1)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Until the source ends; then the other direction is ended, too, since TLS cannot be half closed."""
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
