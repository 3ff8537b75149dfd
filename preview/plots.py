"""Where things lie in the plots: rectangles and texts in the plot's own units. The template draws them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from planning.units import amount
from preview.report_parts import ColdStartPart, CostLinePart, Fit, LeftOnNodes, PoolNodesPart, RoomPart
from preview.words import duration, fit_parts, usd

WIDTH = 640.0
ROW = 26.0
LABEL = 200.0
LEGEND_STEP = 160.0


@dataclass(frozen=True)
class Bar:
    """A rectangle; `tone` names its colour in the style sheet, `title` is read out and shown on hover."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    title: str = ""


@dataclass(frozen=True)
class Label:
    """A text; `anchor` as in SVG."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    tone: str = "text"


@dataclass(frozen=True)
class Plot:
    """A drawing `width` × `height`, and what it says in words."""

    height: float
    title: str
    bars: list[Bar] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    width: float = WIDTH


def fit_plot(fit: Fit) -> Plot | None:
    """What fills one GPU's memory; None where it is not known."""
    if fit["fits"] is None:
        return None
    total = fit["gpu_memory_gib"]
    plot = Plot(86, f"Memory of one GPU, {total:.1f} GiB")
    plot.bars.append(Bar(0, 0, WIDTH, 34, "track", "free"))
    x = 0.0
    for index, (name, gib) in enumerate(fit_parts(fit)):
        width = min(WIDTH - x, WIDTH * max(0.0, gib) / total)
        plot.bars.append(Bar(x, 0, width, 34, f"part{index}", f"{name}: {gib:.1f} GiB"))
        x += width
        legend = index * LEGEND_STEP
        plot.bars.append(Bar(legend, 64, 12, 12, f"part{index}"))
        plot.labels.append(Label(legend + 18, 75, f"{name} {gib:.1f}"))
    limit = WIDTH * fit["budget_gib"] / total
    plot.bars.append(Bar(limit - 1, -3, 2, 40, "mark", f"gpuMemoryUtilization: {fit['budget_gib']:.1f} GiB"))
    plot.labels.append(Label(limit - 6, 50, f"vLLM may take {fit['budget_gib']:.1f}", "end", "muted"))
    plot.labels.append(Label(WIDTH, 50, f"{total:.1f} GiB", "end", "muted"))
    return plot


def cold_start_plot(cold: ColdStartPart) -> Plot:
    """Each term from its earliest to its latest end, below each other in order; a new node's coming first."""
    cold_start = cold["on_new_node"] or cold
    terms = [*(cold_start["terms"] if cold_start is not cold else ()), *cold["terms"]]
    scale = (WIDTH - LABEL - 70) / max(1.0, cold_start["high"])
    where = "" if cold_start is cold else " on a new node"
    plot = Plot(
        ROW * len(terms) + 4, f"Cold start{where}: {duration(cold_start['low'])} to {duration(cold_start['high'])}"
    )
    low = high = 0.0
    for index, term in enumerate(terms):
        y = index * ROW
        title = f"{term['name']}: {duration(term['low_seconds'])} to {duration(term['high_seconds'])}; {term['source']}"
        plot.labels.append(Label(LABEL - 8, y + 16, term["name"], "end"))
        plot.bars.append(Bar(LABEL + high * scale, y + 4, max(1.0, term["high_seconds"] * scale), 16, "high", title))
        plot.bars.append(Bar(LABEL + high * scale, y + 4, max(1.0, term["low_seconds"] * scale), 16, "low", title))
        low, high = low + term["low_seconds"], high + term["high_seconds"]
        at = LABEL + high * scale + 6
        plot.labels.append(Label(at, y + 16, f"{term['low_seconds']:.0f}–{term['high_seconds']:.0f} s", tone="muted"))
    return plot


def cost_plot(lines: list[CostLinePart]) -> Plot | None:
    """Dollars per hour of each part, at fewest and at most nodes."""
    known = sorted(((line["max_usd_per_hour"] or 0.0, line) for line in lines), key=lambda pair: -pair[0])
    known = [(high, line) for high, line in known if high]
    if not known:
        return None
    label = 280.0
    scale = (WIDTH - label - 110) / known[0][0]
    plot = Plot(ROW * len(known) + 4, "Cost per hour at fewest and most nodes")
    for index, (high, line) in enumerate(known):
        y, low = index * ROW, line["min_usd_per_hour"] or 0.0
        what = line["what"] if len(line["what"]) <= 44 else f"{line['what'][:43]}…"
        title = f"{line['what']}: {usd(low, 3)} to {usd(high, 3)} per hour; {line['source']}"
        plot.labels.append(Label(label - 8, y + 16, what, "end"))
        plot.bars.append(Bar(label, y + 4, max(1.0, high * scale), 16, "high", title))
        plot.bars.append(Bar(label, y + 4, max(1.0, low * scale), 16, "low", title))
        amount = usd(high) if low == high else f"{usd(low)}–{high:,.2f}"
        plot.labels.append(Label(label + high * scale + 6, y + 16, amount, tone="muted"))
    return plot


_MEASURES: tuple[tuple[str, Literal["gpus", "cpu_millicores", "memory_mib", "ephemeral_mib"], int, str], ...] = (
    ("GPU", "gpus", 1, ""),
    ("CPU", "cpu_millicores", 1000, "cores"),
    ("memory", "memory_mib", 1024, "GiB"),
    ("disk", "ephemeral_mib", 1024, "GiB"),
)


def packing_plots(pool: PoolNodesPart) -> list[Plot]:
    """How full a node is, one plot per kind of node with the same room left, at most replicas."""
    packing = pool["at_most"]
    if not packing:
        return []
    return [_node(pool["room_per_node"], left) for left in packing["left"]]


def _node(room: RoomPart, left: LeftOnNodes) -> Plot:
    count = left["nodes"]
    plot = Plot(ROW * len(_MEASURES) + 4, f"{amount(count, 'node')} filled like this at most replicas")
    track = WIDTH - LABEL - 130
    for index, (name, key, unit, words) in enumerate(_MEASURES):
        y, used = index * ROW, room[key] - left[key]
        title = f"{name}: {used / unit:.1f} of {room[key] / unit:.1f} {words}".strip()
        plot.labels.append(Label(LABEL - 8, y + 16, name, "end"))
        plot.bars.append(Bar(LABEL, y + 4, track, 16, "track", title))
        plot.bars.append(Bar(LABEL, y + 4, track * used / max(1, room[key]), 16, "low", title))
        label = f"{used / unit:.0f} of {room[key] / unit:.0f} {words}".strip()
        plot.labels.append(Label(LABEL + track + 8, y + 16, label, tone="muted"))
    return plot
