"""Pictures of the dashboards, drawn from their own queries with matplotlib. Grafana does not draw here.

    python tools/draw_dashboards.py --prometheus http://127.0.0.1:PORT --minutes 30 [--out docs/dashboards]
    python tools/draw_dashboards.py --recorded FILE --out FOLDER

Every panel of components/cluster/dashboards/*.json is asked of a live Prometheus (query_range) with all of each
variable's values; `--record` keeps the answers, `--recorded` draws them again without Prometheus. A panel without data
says so.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, PercentFormatter

FOLDER = Path(__file__).parent.parent / "components" / "cluster" / "dashboards"
RATE_INTERVAL = "1m"  # four scrapes of 15 s, as Grafana computes it
POINTS = 240
MOST_SERIES = 12  # a legend with more is no legend
TITLE = "Drawn from the dashboard's queries, not by Grafana. Simulated engines and GPUs."

Ask = Callable[[str], list[dict[str, Any]]]
"""PromQL -> `result` of query_range: [{"metric": labels, "values": [[unix seconds, text], ...]}, ...]."""


def filled(expr: str) -> str:
    """A panel's query with every variable at All, as Grafana would send it."""
    return re.sub(r"\$(namespace|model|pod|node)\b", ".*", expr).replace("$__rate_interval", RATE_INTERVAL)


def prometheus(address: str, start: float, end: float) -> Ask:
    """Asks a live Prometheus; raises OSError when it does not answer."""
    step = max(15, math.ceil((end - start) / POINTS))

    def ask(expr: str) -> list[dict[str, Any]]:
        asked = urllib.parse.urlencode({"query": expr, "start": start, "end": end, "step": step})
        with urllib.request.urlopen(f"{address}/api/v1/query_range?{asked}", timeout=60) as answer:
            series: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return series

    return ask


def legend(template: str, labels: dict[str, str]) -> str:
    """`{{pod}}` filled in, as Grafana does."""
    return re.sub(r"\{\{ *(\w+) *\}\}", lambda match: labels.get(match[1], ""), template).strip() or "value"


def draw(dashboard: dict[str, Any], ask: Ask, out: Path) -> list[str]:
    """Writes the picture; returns the titles of panels that had no data."""
    panels = dashboard["panels"]
    rows = math.ceil(len(panels) / 2)
    figure, axes = plt.subplots(rows, 2, figsize=(14, 2.9 * rows + 0.9), squeeze=False)
    empty = []
    for axis, panel in zip(axes.flat, panels, strict=False):
        if not _panel(axis, panel, ask):
            empty.append(panel["title"])
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle(dashboard["title"], fontsize=15, x=0.01, ha="left")
    figure.text(0.99, 0.995, TITLE, ha="right", va="top", fontsize=8, color="#666666")
    figure.tight_layout(rect=(0, 0, 1, 0.985))
    figure.savefig(out, dpi=90)
    plt.close(figure)
    return empty


def _panel(axis: Any, panel: dict[str, Any], ask: Ask) -> bool:
    axis.set_title(panel["title"], fontsize=10, loc="left")
    axis.grid(alpha=0.25)
    axis.tick_params(labelsize=8)
    drawn = 0
    for target in panel["targets"]:
        for series in ask(filled(target["expr"])):
            times = [datetime.fromtimestamp(float(at), UTC) for at, _ in series["values"]]
            values = [float(text) for _, text in series["values"]]
            if all(math.isnan(value) for value in values):
                continue
            name = legend(target.get("legendFormat", ""), series["metric"])
            axis.plot(times, values, linewidth=1.3, label=name if drawn < MOST_SERIES else None)
            drawn += 1
    _scale(axis, panel["fieldConfig"]["defaults"])
    if drawn:
        axis.legend(fontsize=6.5, loc="upper left", ncols=2, framealpha=0.6)
    else:
        axis.text(0.5, 0.5, "no data", transform=axis.transAxes, ha="center", va="center", color="#999999")
    return drawn > 0


def _scale(axis: Any, defaults: dict[str, Any]) -> None:
    axis.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M"))
    if "min" in defaults:
        axis.set_ylim(bottom=defaults["min"])
    if "max" in defaults:
        axis.set_ylim(top=defaults["max"])
    unit = defaults.get("unit", "")
    if unit == "percentunit":
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
    elif unit == "currencyUSD":
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${value:g}"))
    else:
        words = {"s": "seconds", "ops": "per second", "reqps": "requests/s", "percent": "%", "short": ""}
        axis.set_ylabel(words.get(unit, unit), fontsize=8)


def main() -> None:
    """Draws every dashboard; says which panels were empty."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--prometheus", metavar="URL")
    source.add_argument("--recorded", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--out", type=Path, default=Path("docs/dashboards"))
    parser.add_argument("--dashboard", action="append", metavar="NAME", help="once or more; default: all")
    parser.add_argument("--record", type=Path, help="keep every answer in this file")
    arguments = parser.parse_args()
    answers: dict[str, Any] = {}
    if arguments.recorded:
        answers = json.loads(arguments.recorded.read_text(encoding="utf-8"))
        ask: Ask = answers.__getitem__
    else:
        now = time.time()
        live = prometheus(arguments.prometheus.rstrip("/"), now - arguments.minutes * 60, now)

        def ask(expr: str) -> list[dict[str, Any]]:
            series: list[dict[str, Any]] = answers.setdefault(expr, live(expr))
            return series

    arguments.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(FOLDER.glob("*.json")):
        if path.stem not in (arguments.dashboard or [path.stem]):
            continue
        picture = arguments.out / f"{path.stem}.png"
        empty = draw(json.loads(path.read_text(encoding="utf-8")), ask, picture)
        print(f"{picture}{': no data in ' + ', '.join(empty) if empty else ''}")
    if arguments.record:
        arguments.record.write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
