"""The run as it goes on: one table that stays in place on a terminal, a line every five seconds elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from local.load.client import RequestResult
from local.load.samples import LoadSample
from local.load.summary import Summary, percentiles

LINE_SECONDS = 5.0
RECENT = 200
"""Latencies on show are those of so many last first tokens: what clients feel now, not since the start."""
Show = Callable[[LoadSample], None]


def figures(sample: LoadSample, results: Sequence[RequestResult], seconds: float) -> list[tuple[str, str]]:
    """Name and value of everything that is shown. `results`: all so far; `seconds`: how long load is sent."""
    ttft = percentiles([t for r in results[-RECENT:] if (t := r.ttft_seconds) is not None])
    gauges, replicas, nodes = sample.gauges, sample.replicas, sample.nodes
    age = f" ({gauges.age_seconds:.0f} s old)" if gauges else ""
    limits = "" if not replicas or replicas.most is None else f" (of {replicas.fewest}-{replicas.most})"
    return [
        ("time", f"{sample.seconds:.0f} s, load until {seconds:.0f} s"),
        ("queue", f"{gauges.waiting:.0f}{age}" if gauges else "-"),
        ("running", f"{gauges.running:.0f}{age}" if gauges else "-"),
        ("TTFT p50/p95", f"{ttft['p50']:.2f} / {ttft['p95']:.2f} s" if ttft else "-"),
        ("replicas wanted/ready", f"{replicas.wanted} / {replicas.ready}{limits}" if replicas else "-"),
        ("nodes", f"{nodes.count} ({nodes.with_gpus} with GPUs)" if nodes else "-"),
        ("$ per hour", _dollars(sample)),
        ("sent", str(sample.sent)),
        ("in flight", str(sample.in_flight)),
        ("done", str(sample.answered)),
        ("refused, may retry", str(sample.refused)),
        ("lost", str(sample.lost)),
    ]


def _dollars(sample: LoadSample) -> str:
    if sample.nodes is None:
        return "-"
    unknown = f" without {', '.join(sample.nodes.unpriced)}" if sample.nodes.unpriced else ""
    return f"{sample.nodes.usd_per_hour:.2f}{unknown}"


def line(shown: Sequence[tuple[str, str]]) -> str:
    """All of it in one line."""
    return ", ".join(f"{name} {value}" for name, value in shown)


@contextmanager
def display(console: Console, title: str, results: Sequence[RequestResult], seconds: float) -> Iterator[Show]:
    """Gives what to call with each sample."""
    if not console.is_terminal:
        next_line = 0.0

        def plain(sample: LoadSample) -> None:
            nonlocal next_line
            if sample.seconds >= next_line:
                console.print(line(figures(sample, results, seconds)), soft_wrap=True, highlight=False)
                next_line = sample.seconds + LINE_SECONDS

        yield plain
        return
    with Live(console=console, refresh_per_second=2) as live:

        def table(sample: LoadSample) -> None:
            made = Table(title=title, show_header=False)
            for name, value in figures(sample, results, seconds):
                made.add_row(name, value, style="red" if name == "lost" and value != "0" else None)
            live.update(made)

        yield table


def closing_words(summary: Summary) -> list[str]:
    """The summary, one fact per line."""
    part = summary
    lines = [
        f"{part.requests} requests in {part.seconds:.0f} s: {part.answered} full answers, {part.refused} refused "
        f"with leave to retry, {part.lost} lost"
        + (f"; {part.not_sent} not sent (bounds of this run)" if part.not_sent else "")
    ]
    lines += [f"  {count} × {reason}" for reason, count in part.reasons]
    for name, values in (("TTFT", part.ttft_seconds), ("end to end", part.end_to_end_seconds)):
        if values:
            lines.append(f"{name}: " + ", ".join(f"{key} {value:.2f} s" for key, value in values.items()))
    for name, points in (("wanted", part.wanted_curve), ("ready", part.ready_curve)):
        if points:
            lines.append(f"replicas {name}: " + ", ".join(f"{count} at {at:.0f} s" for at, count in points))
    if part.spike_to_ready_seconds:
        waits = ", ".join(f"{n} ready after {wait:.0f} s" for n, wait in part.spike_to_ready_seconds.items())
        lines.append(f"from the spike on: {waits}")
    if part.most_queue is not None:
        lines.append(f"longest queue that Prometheus saw: {part.most_queue:.0f}")
    if part.usd is not None and part.usd_per_hour_most is not None:
        lines.append(
            f"nodes: at most {part.most_nodes}, {part.usd_per_hour_most:.2f} $ per hour, {part.usd:.4f} $ for the "
            "run (on-demand list prices and the cluster's hour; volumes and network are not in it)"
        )
    return lines
