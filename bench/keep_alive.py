"""`python -m bench.keep_alive`: what an idle limit of 0 s costs clients that use a connection again at once.

vLLM's HTTP server (uvicorn, of `make engine`'s environment, without vLLM) behind a network that takes 1 ms each way;
aiohttp and httpx send POSTs one after the other on kept connections. Prints a row of Markdown per case.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp
import httpx

from local.host.paths import platform_paths
from local.vllm_cpu.environment import required
from local.vllm_cpu.server import free_port

HOST, WORKERS, REQUESTS, NETWORK_SECONDS = "127.0.0.1", 8, 250, 0.001
SERVER = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), timeout_keep_alive=int(sys.argv[2]), log_level="error")
"""


async def _with_aiohttp(url: str, seen: Counter[str]) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), trust_env=False) as session:
        for _ in range(REQUESTS):
            try:
                async with session.post(url, json={}) as answer:
                    await answer.read()
                    seen["whole"] += 1
            except aiohttp.ClientError as error:
                seen[type(error).__name__] += 1


async def _with_httpx(url: str, seen: Counter[str]) -> None:
    async with httpx.AsyncClient(trust_env=False) as session:
        for _ in range(REQUESTS):
            try:
                await session.post(url, json={})
                seen["whole"] += 1
            except httpx.HTTPError as error:
                seen[type(error).__name__] += 1


CLIENTS: dict[str, Callable[[str, Counter[str]], Awaitable[None]]] = {
    f"aiohttp {aiohttp.__version__}": _with_aiohttp,
    f"httpx {httpx.__version__}": _with_httpx,
}


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything from one end to the other, a little later."""
    loop = asyncio.get_running_loop()
    try:
        while data := await reader.read(65536):
            loop.call_later(NETWORK_SECONDS, writer.write, data)
    except (ConnectionError, asyncio.CancelledError):  # the run is over
        pass
    loop.call_later(NETWORK_SECONDS, writer.close)


async def _until_it_listens(port: int) -> None:
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    raise TimeoutError(f"nothing listens on {port}")


async def measure(keep_alive: int, port: int) -> None:
    """A row per client."""
    await _until_it_listens(port)

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(HOST, port)
        await asyncio.gather(_late(reader, to_server), _late(from_server, writer))

    network = await asyncio.start_server(on_connection, HOST, 0)
    url = f"http://{HOST}:{network.sockets[0].getsockname()[1]}/"
    for name, client in CLIENTS.items():
        seen: Counter[str] = Counter()
        await asyncio.gather(*(client(url, seen) for _ in range(WORKERS)))
        complete = seen.pop("whole", 0)
        words = "; ".join(f"{count} × {kind}" for kind, count in seen.most_common()) or "0"
        print(f"| {keep_alive} | {name} | {WORKERS * REQUESTS} | {complete} | {words} |", flush=True)
    network.close()


def main() -> None:
    print("| keep-alive s | client | requests | whole | lost |\n|---|---|---|---|---|")
    python = required(platform_paths()).python
    for keep_alive in (5, 0):
        port = free_port()
        server = subprocess.Popen([str(python), "-c", SERVER, str(port), str(keep_alive)], stdin=subprocess.DEVNULL)
        try:
            asyncio.run(measure(keep_alive, port))
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
