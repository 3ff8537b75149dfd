"""Open loop: requests leave at their moments whatever the platform answers, within a bound of requests in flight."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import aiohttp

from local.load.arrivals import Arrival
from local.load.client import RequestOutcome, RequestResult, send


class Sender:
    """Sends a run's requests and keeps what came of them."""

    def __init__(self, url: str, model: str, most_in_flight: int, answer_seconds: float) -> None:
        self._url, self._model = url, model
        self._most_in_flight, self._answer_seconds = most_in_flight, answer_seconds
        self._start = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self.results: list[RequestResult] = []
        self.sent = 0
        self.counts: Counter[RequestOutcome] = Counter()
        self.most_late_seconds = 0.0

    def clock(self) -> float:
        """Seconds since the start of the run."""
        return time.monotonic() - self._start

    @property
    def in_flight(self) -> int:
        return len(self._tasks)

    async def run(self, planned: Sequence[Arrival], stop: asyncio.Event) -> None:
        """Sends all of them, or as many as there are until `stop`, and waits for their answers.

        Each request has a connection of its own, as many clients would: kube-proxy chooses an endpoint per
        connection, so that kept ones would never reach a new pod.
        """
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        self._start = time.monotonic()
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
            try:
                for arrival in planned:
                    if await _stopped_within(stop, arrival.seconds - self.clock()):
                        break
                    self._send(session, arrival)
                await self._rest(stop)
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, session: aiohttp.ClientSession, arrival: Arrival) -> None:
        self.most_late_seconds = max(self.most_late_seconds, self.clock() - arrival.seconds)
        if len(self._tasks) >= self._most_in_flight:
            why = f"{self._most_in_flight} were in flight (--most-in-flight)"
            self._keep(RequestResult(arrival, self.clock(), RequestOutcome.UNSENT, why=why))
            return
        self.sent += 1
        task = asyncio.create_task(self._one(session, arrival))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self, session: aiohttp.ClientSession, arrival: Arrival) -> None:
        self._keep(await send(session, self._url, self._model, arrival, self._answer_seconds, self.clock))

    def _keep(self, result: RequestResult) -> None:
        self.results.append(result)
        self.counts[result.outcome] += 1

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until the last answer; each has its own time limit, so this ends."""
        while self._tasks and not stop.is_set():
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([stopping, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Waits so long; True as soon as the run is to stop."""
    if seconds > 0:
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return False
    else:
        await asyncio.sleep(0)  # late: let answers be read all the same
    return stop.is_set()
