"""The report for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from planning.units import amount
from preview.economy_words import budget_bar, budget_line, day_lines, model_cost_line, spot_line, traffic_line
from preview.findings import grouped
from preview.report_model import Against, Change, Report, Update
from preview.report_parts import ModelPart, PackingPart, StartPart
from preview.tree import branches
from preview.words import (
    MARKS,
    counted,
    fit_line,
    fit_parts,
    kind,
    node_line,
    pool_notes,
    scaling_line,
    short,
    signed_usd,
    span,
    spare_line,
    step_line,
    throughput_line,
    update_line,
    usd,
)

PLAIN_WIDTH = 110
BAR_WIDTH = 56
COLOURS = {"created": "green", "changed": "yellow", "replaced": "magenta", "deleted": "red"}
SEVERITY_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan"}
FIT_COLOURS = ("blue", "yellow", "bright_black", "green")
MOST_FIELDS = 12


def show(document: Report) -> None:
    """Prints it on standard output, in colour where that is a terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    for part in _parts(document):
        console.print(part)


def text(document: Report) -> str:
    """The same without colour."""
    target = io.StringIO()
    console = Console(file=target, highlight=False, width=PLAIN_WIDTH, force_terminal=False, color_system=None)
    for part in _parts(document):
        console.print(part)
    return "\n".join(line.rstrip() for line in target.getvalue().splitlines()) + "\n"


def _parts(document: Report) -> Iterator[RenderableType]:
    yield Text(document["headline"], style="bold")
    yield from _findings(document)
    if not document["resources"]:
        return
    if document["against"]:
        yield from _changes(document["against"], document["changes"])
        yield from _update(document["rollout"])
    yield from _models(document)
    yield from _nodes(document)
    yield from _cost(document)
    yield from _needs(document)
    yield from _tree(document)


def _line(indent: int, words: str | Text, style: str = "") -> RenderableType:
    """A line whose continuations are indented, too."""
    inner = Text(words, style=style) if isinstance(words, str) else words
    return Padding(inner, (0, 0, 0, indent), expand=False)


def _heading(words: str) -> RenderableType:
    return Text(f"\n{words}", style="bold underline")


def _findings(document: Report) -> Iterator[RenderableType]:
    groups = grouped(document["findings"])
    yield _heading(f"Findings ({len(groups)})")
    if not groups:
        yield Text("  none")
    for group in groups:
        line = Text(f"{group['severity']:<8}", style=SEVERITY_COLOURS[group["severity"]])
        yield _line(2, line.append(f"{group['path']}: {group['message']} [{group['rule']}]", style="default"))
        if group["fix"]:
            yield _line(10, f"→ {group['fix']}", "dim")


def _changes(against: Against, changes: list[Change]) -> Iterator[RenderableType]:
    commit = f" ({against['commit'][:10]})" if against["commit"] else ""
    if against["problem"]:
        yield _heading(f"Changes against {against['revision']}{commit}: not known")
        yield _line(2, against["problem"])
        return
    yield _heading(f"Changes against {against['revision']}{commit}: {counted(changes)}")
    for change in changes:
        style = COLOURS[change["action"]]
        yield _line(2, f"{MARKS[change['action']]} {kind(change['type'])} {change['name']}", style)
        for reason in change["reasons"]:
            yield _line(6, f"replaced: {reason}", "magenta")
        for field in change["fields"][:MOST_FIELDS]:
            yield _line(6, f"{field['path']}: {short(field['before'], 60)} → {short(field['after'], 60)}")
        if len(change["fields"]) > MOST_FIELDS:
            yield _line(6, f"and {len(change['fields']) - MOST_FIELDS} more")


def _update(update: Update | None) -> Iterator[RenderableType]:
    if update is None or not update["steps"]:
        return
    yield _heading(update_line(update))
    for number, step in enumerate(update["steps"], 1):
        yield _line(2, f"{number}. {step['phase']}: {step_line(step)}", COLOURS.get(step["how"], ""))


def _models(document: Report) -> Iterator[RenderableType]:
    if document["models"]:
        yield _heading("Models")
    for model in document["models"]:
        yield _line(2, f"{model['name']}  {model['model']} on pool {model['pool']}", "bold")
        yield from (_line(4, part) for part in _fit(model))
        cost = model_cost_line(document["cost"], model)
        lines = (throughput_line(model), traffic_line(model), scaling_line(model), cost)
        yield from (_line(4, line) for line in lines if line)
        yield from (_line(6, line) for line in day_lines(model))
        cold = model["cold_start_seconds"]
        yield _line(4, _terms(cold), "dim")
        if cold["on_new_node"]:
            yield _line(4, f"on a new node, before that: {_terms(cold['on_new_node'])}", "dim")


def _terms(cold: StartPart) -> str:
    return ", ".join(f"{t['name']} {t['low_seconds']:.0f}–{t['high_seconds']:.0f} s" for t in cold["terms"])


def _fit(model: ModelPart) -> Iterator[Text]:
    fit = model["fit"]
    yield Text(fit_line(model))
    if fit["fits"] is None:
        return
    bar, legend, used = Text("▕"), Text(""), 0
    for (name, gib), colour, mark in zip(fit_parts(fit), FIT_COLOURS, "█▓▒░", strict=True):
        cells = max(0, round(BAR_WIDTH * max(0.0, gib) / fit["gpu_memory_gib"]))
        cells = min(cells, BAR_WIDTH - used)
        used += cells
        bar.append(mark * cells, style=colour)
        legend.append(f"{mark} ", style=colour)
        legend.append(f"{name} {gib:.1f}  ")
    bar.append("·" * (BAR_WIDTH - used) + "▏", style="dim")
    yield bar.append(f" of {fit['gpu_memory_gib']:.1f} GiB")
    yield legend


def _nodes(document: Report) -> Iterator[RenderableType]:
    if not document["nodes"]:
        return
    yield _heading("Nodes")
    table = Table("pool", "nodes", "instance", "fewest replicas", "most replicas", "left on each", box=None)
    for pool in document["nodes"]:
        fewest, most = pool["at_fewest"], pool["at_most"]
        table.add_row(
            pool["pool"],
            f"{span(pool['min_nodes'], pool['max_nodes'])} {pool['capacity']}",
            escape("\n".join([" | ".join(pool["instance_types"]), *pool_notes(pool)])),
            _packed(fewest),
            _packed(most),
            "; ".join(
                f"{left['nodes']} × {left['gpus']} GPU, {left['cpu_millicores'] / 1000:.1f} CPU, "
                f"{left['memory_mib'] / 1024:.0f} GiB"
                for left in (most["left"] if most else ())
            ),
        )
    yield table
    for pool in document["nodes"]:
        for line in filter(None, (node_line(pool), spare_line(pool))):
            yield _line(2, f"{pool['pool']}: {line}", "dim")


def _packed(packing: PackingPart | None) -> str:
    return f"{packing['replicas']} on {amount(packing['nodes'], 'node')}" if packing else "a pod fits no node"


def _cost(document: Report) -> Iterator[RenderableType]:
    cost = document["cost"]
    yield _heading("Cost")
    table = Table("", *(("at least", "at most")), "source", box=None)
    for line in cost["lines"]:
        numbers = usd(line["min_usd_per_hour"], 3), usd(line["max_usd_per_hour"], 3)
        table.add_row(line["what"], *numbers, Text(short(line["source"], 34), style="dim"))
    table.add_row("per hour", usd(cost["usd_per_hour_min"]), usd(cost["usd_per_hour_max"]), "", style="bold")
    table.add_row("per month", usd(cost["usd_per_month_min"], 0), usd(cost["usd_per_month_max"], 0), "", style="bold")
    before = document["against"] and document["against"]["cost"]
    if before:
        low = signed_usd(before["usd_per_month_min"], cost["usd_per_month_min"], 0)
        high = signed_usd(before["usd_per_month_max"], cost["usd_per_month_max"], 0)
        table.add_row("difference a month", low, high, "")
    yield table
    yield from (_line(2, line) for line in (spot_line(cost), budget_line(cost)) if line)
    if cost["budget"]:
        yield _line(2, budget_bar(cost["budget"]))


def _needs(document: Report) -> Iterator[RenderableType]:
    yield _heading("Quotas this needs (a new account has fewer GPUs than one node: ask early)")
    for quota in document["quotas"]:
        line = f"  {quota['code']}  {quota['needed']} {quota['unit']}  {quota['name']}"
        yield Text(f"{line} (new accounts: {quota['account_default']})")
    yield _heading("Images and charts")
    for image in document["images"]:
        yield Text(f"  {image}")
    for chart in document["charts"]:
        yield Text(f"  {chart['chart']} {chart['version']} from {chart['repository'] or 'OCI'}")
        if moved := chart.get("definitions"):
            yield Text(f"    another version's definitions: {moved}")


def _tree(document: Report) -> Iterator[RenderableType]:
    yield _heading(f"Resources ({len(document['resources'])})")
    for branch in branches(document["resources"]):
        yield Text(f"  {'  ' * branch.depth}{branch.label}")
