"""`python -m local load`: finds the model, sends, shows, sums up, draws."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from local.engine.kube import KubeApi
from local.host.paths import Paths
from local.host.processes import Processes
from local.load.arrivals import Arrival, arrivals, spike_seconds
from local.load.client import RequestResult
from local.load.options import Options, read
from local.load.picture import draw
from local.load.samples import LoadSample
from local.load.sender import Sender
from local.load.show import closing_words, display
from local.load.summary import Summary, summarize
from local.load.target import LoadTarget, find_target
from local.load.watch import Watcher, prometheus_url


def load(paths: Paths, parsed: argparse.Namespace) -> None:
    """One run. Raises CannotLoad (exit code 2) before the first request, never for what becomes of them."""
    options = read(parsed, paths.repo / ".local-reports")
    target = find_target(paths, options.model, options.stack)
    planned, beyond = arrivals(options, target.max_model_len)
    console = Console()
    title = (
        f"{options.profile} on {target.namespace}/{target.name}: {len(planned)} requests in {options.seconds:g} s, at "
        f"most {options.rate:g} per second, seed {options.seed}"
    )
    console.print(f"{title}; {target.url}", highlight=False, soft_wrap=True)
    results, samples = asyncio.run(_run(paths, options, target, planned, console, title))
    summary = summarize(results, samples, spike_seconds(options), beyond)
    for words in closing_words(summary):
        console.print(words, highlight=False, markup=False, soft_wrap=True)
    if options.out is not None:
        draw(options.out, title, results, samples)
        console.print(f"picture: {options.out}", highlight=False, soft_wrap=True)
    if options.json_file is not None:
        options.json_file.write_text(json.dumps(recorded(options, target, results, samples, summary)) + "\n")
        console.print(f"run: {options.json_file}", highlight=False, soft_wrap=True)


async def _run(
    paths: Paths, options: Options, target: LoadTarget, planned: Sequence[Arrival], console: Console, title: str
) -> tuple[list[RequestResult], list[LoadSample]]:
    """Sends and watches. The first Ctrl-C ends the sending; what was learnt until then is summed up as usual."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sender = Sender(target.url, target.served, options.most_in_flight, options.answer_seconds)
    url = prometheus_url(paths.run / "ports.json", Processes(paths).is_alive("prometheus"))
    async with KubeApi(paths.kubeconfig) as api:
        watcher = Watcher(api, target, url, sender)
        with display(console, title, sender.results, options.seconds) as show:
            watching = asyncio.create_task(watcher.run(show))
            try:
                await sender.run(planned, stop)
                await _wait(stop, options.seconds + options.after_seconds - sender.clock())
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
    return sender.results, watcher.samples


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    if seconds > 0:
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return


def recorded(
    options: Options,
    target: LoadTarget,
    results: Sequence[RequestResult],
    samples: Sequence[LoadSample],
    summary: Summary,
) -> dict[str, Any]:
    """The run for `--json`: enough to compare a simulated one with it (times in seconds, lengths in tokens)."""
    asked = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(options).items()}
    rows = sorted(results, key=lambda result: result.arrival.seconds)
    return {
        "options": asked,
        "target": asdict(target),
        "summary": asdict(summary),
        "requests": [
            {
                "arrival": round(r.arrival.seconds, 4),
                "input_tokens": r.arrival.input_tokens,
                "output_tokens": r.arrival.output_tokens,
                "sent": round(r.sent, 4),
                "outcome": str(r.outcome),
                "first_token": r.first_token and round(r.first_token, 4),
                "done": r.done and round(r.done, 4),
                "why": r.why,
            }
            for r in rows
        ],
        "samples": [asdict(sample) for sample in samples],
    }
