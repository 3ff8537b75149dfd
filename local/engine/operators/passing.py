"""How a proxy passes a request on to a server's local port, and the answer back."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from aiohttp import web

from local.engine.ports import HOST

# What no proxy hands on (RFC 9110, 7.6.1), and what is written again.
HOP_BY_HOP = frozenset(
    {
        "connection", "proxy-connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_WRITTEN_BY_CLIENT = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


def session() -> aiohttp.ClientSession:
    """For a proxy: nothing is unpacked, and only what is behind it ends an answer."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), trust_env=False, auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
    )  # fmt: skip


async def passed_on(
    through: aiohttp.ClientSession,
    request: web.BaseRequest,
    port: int,
    path: str,
    body: bytes,
    without: frozenset[str] = frozenset(),
) -> aiohttp.ClientResponse:
    """The server's answer, not read yet. `without`: headers, in lower case. Raises aiohttp.ClientConnectionError."""
    dropped = HOP_BY_HOP | without | {"content-length"}
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in dropped]
    return await through.request(
        request.method, f"http://{HOST}:{port}{path}", data=body, headers=headers, skip_auto_headers=_WRITTEN_BY_CLIENT
    )


async def copied(
    request: web.BaseRequest, upstream: aiohttp.ClientResponse, more: Mapping[str, str]
) -> web.StreamResponse:
    """The answer as it comes, streams too, with further headers; cut where it is cut."""
    headers = {name: value for name, value in upstream.headers.items() if name.lower() not in HOP_BY_HOP}
    response = web.StreamResponse(status=upstream.status, headers={**headers, **more})
    await response.prepare(request)
    try:
        async for piece in upstream.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except (aiohttp.ClientError, ConnectionError):
        if request.transport is not None:
            request.transport.close()
    return response
