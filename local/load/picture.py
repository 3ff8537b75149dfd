"""A run as a picture: what was sent and waits, what first tokens took, replicas wanted and ready, money."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.load.client import RequestOutcome, RequestResult
from local.load.samples import LoadSample

INK, GREY, BLUE, ORANGE, RED = "#222222", "#8a8a8a", "#1f6fb4", "#e07b00", "#c62828"


def draw(path: Path, title: str, results: Sequence[RequestResult], samples: Sequence[LoadSample]) -> None:
    """Writes the picture, .png or .svg. matplotlib takes a second to import, so it is imported here."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "load", "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = pyplot.subplots(3, 1, figsize=(9, 7.5), sharex=True, layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", color=INK)
        _requests(axes[0], results, samples)
        _latency(axes[1], results)
        _replicas(axes[2], samples)
        axes[2].set_xlabel("seconds since the start")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)
        pyplot.close(figure)


def _requests(axes: Any, results: Sequence[RequestResult], samples: Sequence[LoadSample]) -> None:
    width = max(1.0, (samples[-1].seconds if samples else 60.0) / 120)
    sent = [r.sent for r in results if r.outcome is not RequestOutcome.UNSENT]
    if sent:
        edges = [index * width for index in range(int(max(sent) / width) + 2)]
        _, _, bars = axes.hist(sent, bins=edges, weights=[1 / width] * len(sent), color="#c9d8e6")
        bars.set_label("sent per second")
    seen = [(s.seconds, s.gauges) for s in samples if s.gauges]
    axes.plot([at for at, _ in seen], [g.running for _, g in seen], color=BLUE, label="running")
    axes.plot([at for at, _ in seen], [g.waiting for _, g in seen], color=ORANGE, label="queue")
    for outcome, color in ((RequestOutcome.REFUSED, GREY), (RequestOutcome.LOST, RED)):
        at = [r.sent for r in results if r.outcome is outcome]
        if at:
            axes.plot(at, [0] * len(at), "|", color=color, markersize=12, label=f"{outcome} ({len(at)})")
    axes.set_ylabel("requests")
    _legend(axes)


def _latency(axes: Any, results: Sequence[RequestResult]) -> None:
    points = [(r.sent, t) for r in results if (t := r.ttft_seconds) is not None]
    axes.plot([at for at, _ in points], [t for _, t in points], ".", color=BLUE, markersize=3, label="one request")
    axes.set_ylabel("time to first token, s")
    axes.set_ylim(bottom=0)
    _legend(axes)


def _replicas(axes: Any, samples: Sequence[LoadSample]) -> None:
    seen = [(s.seconds, s.replicas) for s in samples if s.replicas]
    at = [seconds for seconds, _ in seen]
    axes.step(at, [r.wanted for _, r in seen], where="post", color=ORANGE, label="replicas wanted")
    axes.step(at, [r.ready for _, r in seen], where="post", color=BLUE, label="replicas ready")
    nodes = [(s.seconds, s.nodes) for s in samples if s.nodes]
    axes.step(
        [t for t, _ in nodes], [n.with_gpus for _, n in nodes], where="post", color=GREY, ls="--", label="GPU nodes"
    )
    axes.set_ylabel("count")
    axes.set_ylim(bottom=0)
    axes.yaxis.get_major_locator().set_params(integer=True)
    money = axes.twinx()
    money.spines["right"].set_visible(True)
    money.step(
        [t for t, _ in nodes], [n.usd_per_hour for _, n in nodes], where="post", color=INK, lw=0.8, ls=":",
        label="$ per hour",
    )  # fmt: skip
    money.set_ylabel("$ per hour")
    money.set_ylim(bottom=0)
    _legend(axes, money)


def _legend(*of: Any) -> None:
    legends = [axes.get_legend_handles_labels() for axes in of]
    handles, labels = ([handle for pair in legends for handle in pair[part]] for part in (0, 1))
    if handles:
        of[0].legend(handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=5, frameon=False, borderpad=0)
