"""`python -m bench.pod_end`: what clients lose while a pod of the real vLLM ends, by preStop, keep-alive and client.

Two servers of the local stack's model, as rendered but for the values under test, run by the platform's kubelet and
routed by its router; the cluster is played: a deleted pod leaves the endpoints after `--forgotten-seconds` (the time a
cluster's kube-proxies and gateways take). Needs `make engine`. Prints a row of Markdown per case.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.played_cluster import PlayedCase, PlayedFleet, served
from local.load.arrivals import Arrival
from local.load.client import ABORTED, RequestOutcome, RequestResult, send

BEFORE_SECONDS, AFTER_SECONDS = 8, 3
AFTER_LOSS_SECONDS = 0.5
ANSWER_SECONDS = 60.0
TOKENS = Arrival(0.0, 20, 40)
"""Each request: a prompt of 20 tokens, an answer of 40."""


@dataclass(frozen=True)
class Client:
    """Workers that ask one after the other. `age_seconds`: how long a connection is kept (0: for one request)."""

    name: str
    age_seconds: float
    pause_seconds: float
    workers: int = 3


CLIENTS = (
    Client("a connection per request", 0, 0.2),
    Client("kept", float("inf"), 0.2),
    Client("kept, the next request at once", float("inf"), 0),
    Client("kept for 4 s at most", 4, 0.2),
)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), trust_env=False)


async def ask_on(
    client: Client, url: str, model: str, until: asyncio.Event, keep: Callable[[RequestResult], None]
) -> None:
    """One worker: whichever side closes its connection, the next request opens another."""
    session, opened = _session(), time.monotonic()
    try:
        while not until.is_set():
            if time.monotonic() - opened > client.age_seconds or client.age_seconds == 0:
                await session.close()
                session, opened = _session(), time.monotonic()
            result = await send(session, url, model, TOKENS, ANSWER_SECONDS, time.monotonic)
            keep(result)
            complete = result.outcome is RequestOutcome.ANSWERED
            await asyncio.sleep(client.pause_seconds if complete else max(client.pause_seconds, AFTER_LOSS_SECONDS))
    finally:
        await session.close()


async def measure(made: PlayedFleet, url: str, name: str, case: PlayedCase) -> dict[str, list[RequestResult]]:
    """Every client's requests while `name` ends."""
    until, results_by_pod, tasks = asyncio.Event(), dict[str, list[RequestResult]](), []
    model = "Qwen/Qwen2.5-7B-Instruct"
    for client in CLIENTS:
        results = results_by_pod[client.name] = []
        for _ in range(client.workers):
            tasks.append(asyncio.create_task(ask_on(client, url, model, until, results.append)))
    await asyncio.sleep(BEFORE_SECONDS)
    await made.end(name, case.forgotten_seconds)
    await asyncio.sleep(AFTER_SECONDS)
    until.set()
    await asyncio.gather(*tasks)
    return results_by_pod


def row(case: PlayedCase, client: str, results: list[RequestResult]) -> str:
    """A row of the table."""
    complete = sum(result.outcome is RequestOutcome.ANSWERED for result in results)
    aborted = sum(result.why == ABORTED for result in results)
    others = Counter(
        result.why for result in results if result.outcome is not RequestOutcome.ANSWERED and result.why != ABORTED
    )
    words = "; ".join(f"{count} × {why}" for why, count in others.most_common()) or "0"
    return (
        f"| {case.pre_stop_seconds} | {case.keep_alive_seconds} | {case.forgotten_seconds:g} | {client} | "
        f"{len(results)} | {complete} | {aborted} | {words} |"
    )


async def compare(cases: list[PlayedCase]) -> None:
    """One pod stays, and one after the other goes."""
    print("| preStop s | keep-alive s | forgotten after s | client | requests | whole | aborted | otherwise lost |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        async with served(Path(folder) / "run") as (made, url):
            await made.ready("stays", PlayedCase(0, 5, 0))
            for number, case in enumerate(cases):
                name = f"goes-{number}"
                await made.ready(name, case)
                for client, results in (await measure(made, url, name, case)).items():
                    print(row(case, client, results), flush=True)


def _case(text: str) -> PlayedCase:
    """PRESTOP:KEEPALIVE[:FORGOTTEN]."""
    pre_stop, keep_alive, *late = text.split(":")
    return PlayedCase(int(pre_stop), int(keep_alive), float(late[0]) if late else 2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pod_end", description=__doc__)
    usual = ("0:5", "5:5", "15:5", "5:1", "5:0", "15:0")
    parser.add_argument(
        "cases", nargs="*", type=_case, metavar="PRESTOP:KEEPALIVE[:FORGOTTEN]", help=f"default: {' '.join(usual)}"
    )
    asyncio.run(compare(parser.parse_args().cases or [_case(seconds) for seconds in usual]))


if __name__ == "__main__":
    main()
