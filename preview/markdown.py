"""The report as a pull-request comment: GitHub's Markdown, no images, never longer than a comment may be.

Everything that comes from a stack file or a program is escaped: a pull request may say anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preview.economy_words import budget_bar, budget_line, day_lines, model_cost_line, spot_line, traffic_line
from preview.findings import grouped
from preview.report_model import Against, Change, FindingPart, Report, Update
from preview.report_parts import Cost, Fit, ModelPart, PackingPart, StartPart
from preview.tree import branches
from preview.words import (
    MARKS,
    counted,
    duration,
    fit_line,
    fit_parts,
    gpu_words,
    kind,
    node_line,
    other_image,
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

# GitHub refuses comments above 65,536 characters; some are left for the workflow's own words.
MOST_CHARACTERS = 64_000
BAR_CELLS = 40
ICONS = {"error": "🛑", "warning": "⚠️", "info": "ℹ️"}
# The workflow finds its own comment by this line.
MARKER = "<!-- vllm-on-eks preview -->"


def markdown(document: Report, most_characters: int = MOST_CHARACTERS) -> str:
    """One stack's report. What does not fit is cut by sections from the end, and the cut is told."""
    return f"{MARKER}\n\n{_report(document, most_characters - len(MARKER) - 2)}"


def comment(documents: Sequence[Report], most_characters: int = MOST_CHARACTERS) -> str:
    """One comment for several stacks; each may take its share."""
    share = (most_characters - len(MARKER)) // max(1, len(documents)) - 10
    return "\n\n".join([MARKER, *(_report(document, share).rstrip() for document in documents)]) + "\n"


def _report(document: Report, most_characters: int) -> str:
    parts = [f"## {escaped(short(document['headline'], 300))}", *_sections(document)]
    kept: list[str] = []
    left = most_characters - 120
    for index, part in enumerate(parts):
        if len(part) + 2 > left:
            kept.append(f"_{len(parts) - index} sections more do not fit a comment; the HTML report has them all._")
            break
        kept.append(part)
        left -= len(part) + 2
    return "\n\n".join(kept) + "\n"


_MARKUP = str.maketrans({character: f"&#{ord(character)};" for character in "\\`*_[]<>|~#!&"} | {"@": "@\u200b"})


def escaped(text: str) -> str:
    """Text that stays text: no markup, no mention, no link, no end of a table cell. `words` in backticks are code."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:
        return "&#96;".join(map(_plain, parts))
    return "".join(code(part) if index % 2 else _plain(part) for index, part in enumerate(parts))


def _plain(text: str) -> str:
    return text.translate(_MARKUP).replace("://", ":&#47;&#47;")


def code(text: str) -> str:
    """Text as code, also in a table; a backtick in it cannot end it."""
    return "`" + " ".join(text.split()).replace("`", "ˋ").replace("|", "\\|") + "`" if text else ""


def _sections(document: Report) -> Iterator[str]:
    yield from _findings(grouped(document["findings"]))
    if not document["resources"]:
        return
    if document["against"]:
        yield from _changes(document["against"], document["changes"])
        yield from _update(document["rollout"])
    for model in document["models"]:
        yield _model(model, document["cost"])
    yield from _cost(document)
    yield from _nodes(document)
    yield from _needs(document)
    yield _details(f"Resources ({len(document['resources'])})", _tree(document))


def _details(summary: str, body: str, *, opened: bool = False) -> str:
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _findings(groups: list[FindingPart]) -> Iterator[str]:
    if not groups:
        yield "No findings."
        return
    counts = [(name, sum(group["severity"] == name for group in groups)) for name in ICONS]
    counted = ", ".join(f"{ICONS[name]} {count} {name}{'s' if count > 1 else ''}" for name, count in counts if count)
    rows = ["| | where | what | what to do |", "|---|---|---|---|"]
    rows += [
        f"| {ICONS[group['severity']]} | {code(group['path'])} | {escaped(group['message'])} "
        f"<sub>{group['rule']}</sub> | {escaped(group['fix'])} |"
        for group in groups[:100]
    ]
    if len(groups) > 100:
        rows.append(f"| | | and {len(groups) - 100} more | |")
    yield _details(f"<b>Findings</b>: {counted}", "\n".join(rows), opened=any(count for _, count in counts[:1]))


def _changes(against: Against, changes: list[Change]) -> Iterator[str]:
    commit = f" ({against['commit'][:10]})" if against["commit"] else ""
    name = f"{escaped(against['revision'])}{commit}"
    if against["problem"]:
        yield f"**Changes against {name}: not known.** {escaped(against['problem'])}"
        return
    yield f"**Changes against {name}: {counted(changes)}**"
    for action in ("replaced", "deleted", "changed", "created"):
        chosen = [change for change in changes if change["action"] == action]
        if not chosen:
            continue
        if action in ("created", "deleted"):
            body = "\n".join(f"- {code(kind(change['type']))} {code(change['name'])}" for change in chosen)
        else:
            body = "\n\n".join(_changed(change) for change in chosen)
        yield _details(f"{MARKS[action]} {len(chosen)} {action}", body, opened=action in ("replaced", "deleted"))


def _update(update: Update | None) -> Iterator[str]:
    if update is None or not update["steps"]:
        return
    steps = [
        f"{number}. {escaped(step['phase'])}: {escaped(step_line(step))}"
        for number, step in enumerate(update["steps"], 1)
    ]
    yield _details(f"<b>{escaped(update_line(update))}</b>", "\n".join(steps), opened=True)


def _changed(change: Change) -> str:
    lines = [f"{code(kind(change['type']))} {code(change['name'])}"]
    lines += [f"replaced: {escaped(reason)}" for reason in change["reasons"]]
    if change["fields"]:
        lines += ["", "| field | before | after |", "|---|---|---|"]
        lines += [
            f"| {code(field['path'])} | {code(short(field['before']))} | {code(short(field['after']))} |"
            for field in change["fields"][:40]
        ]
        if len(change["fields"]) > 40:
            lines.append(f"| and {len(change['fields']) - 40} more | | |")
    return "\n".join(lines)


def _model(model: ModelPart, cost: Cost) -> str:
    fit = model["fit"]
    mark = {True: "✅", False: "❌", None: "❔"}[fit["fits"]]
    lines = [f"### {mark} {escaped(model['name'])}: {escaped(model['model'])} on pool {escaped(model['pool'])}"]
    lines.append(escaped(fit_line(model)))
    if fit["fits"] is not None:
        lines.append(f"```text\n{_bar(fit)}\n```")
    sentences = (throughput_line(model), traffic_line(model), scaling_line(model), model_cost_line(cost, model))
    lines += [escaped(line) for line in sentences if line]
    if day := day_lines(model):
        lines.append("```text\n" + "\n".join(day) + "\n```")
    rows = ["| cold start | at best | at worst | source |", "|---|--:|--:|---|"]
    cold = model["cold_start_seconds"]
    rows += [*_terms(cold), *_cold_sum("sum", cold)]
    if new_node := cold["on_new_node"]:
        rows += [*_terms(new_node, "before that, on a new node: "), *_cold_sum("sum on a new node", new_node)]
    lines.append(_details("Cold start", "\n".join(rows)))
    return "\n\n".join(lines)


def _terms(cold: StartPart, before: str = "") -> list[str]:
    return [
        f"| {before}{escaped(term['name'])} | {duration(term['low_seconds'])} | {duration(term['high_seconds'])} | "
        f"<sub>{escaped(term['source'])}</sub> |"
        for term in cold["terms"]
    ]


def _cold_sum(name: str, cold: StartPart) -> list[str]:
    return [f"| **{name}** | **{duration(cold['low'])}** | **{duration(cold['high'])}** | |"]


def _bar(fit: Fit) -> str:
    bar, legend = "", []
    for (name, gib), mark in zip(fit_parts(fit), "█▓▒░", strict=True):
        cells = round(BAR_CELLS * max(0.0, gib) / fit["gpu_memory_gib"])
        bar += mark * min(cells, BAR_CELLS - len(bar))
        legend.append(f"{mark} {name} {gib:.1f}")
    return f"▕{bar:·<{BAR_CELLS}}▏ of {fit['gpu_memory_gib']:.1f} GiB per GPU\n {'   '.join(legend)}"


def _cost(document: Report) -> Iterator[str]:
    cost, before = document["cost"], document["against"] and document["against"]["cost"]
    rows = ["| | at least | at most |", "|---|--:|--:|"]
    rows += [
        f"| {escaped(line['what'])} | {usd(line['min_usd_per_hour'], 3)} | {usd(line['max_usd_per_hour'], 3)} |"
        for line in cost["lines"]
    ]
    rows.append(f"| **per hour** | **{usd(cost['usd_per_hour_min'])}** | **{usd(cost['usd_per_hour_max'])}** |")
    rows.append(
        f"| **per month** | **{usd(cost['usd_per_month_min'], 0)}** | **{usd(cost['usd_per_month_max'], 0)}** |"
    )
    total = f"{usd(cost['usd_per_month_min'], 0)}–{usd(cost['usd_per_month_max'], 0)} a month"
    if before:
        low = signed_usd(before["usd_per_month_min"], cost["usd_per_month_min"], 0)
        high = signed_usd(before["usd_per_month_max"], cost["usd_per_month_max"], 0)
        rows.append(f"| difference a month | {low} | {high} |")
        total += f" ({low} at least, {high} at most)"
    body = "\n".join(rows)
    body += "".join(f"\n\n{escaped(line)}" for line in (spot_line(cost), budget_line(cost)) if line)
    if cost["budget"]:
        body += f"\n\n```text\n{budget_bar(cost['budget'])}\n```"
    yield _details(f"<b>Cost</b>: {total}", body)


def _nodes(document: Report) -> Iterator[str]:
    if not document["nodes"]:
        return
    rows = [
        "| pool | nodes | instance types | GPUs per node | fewest replicas | most replicas |",
        "|---|---|---|--:|---|---|",
    ]
    gpus = {pool["pool"]: escaped(gpu_words(pool["gpu"], pool["sharing"])) for pool in document["nodes"]}
    types = {pool["pool"]: code(", ".join(pool["instance_types"])) for pool in document["nodes"]}
    types |= {
        pool["pool"]: f"{types[pool['pool']]}, {code(image)}"
        for pool in document["nodes"]
        if (image := other_image(pool))
    }
    rows += [
        f"| {escaped(pool['pool'])} | {span(pool['min_nodes'], pool['max_nodes'])} {pool['capacity']} | "
        f"{types[pool['pool']]} | {pool['gpus_per_node']} × {gpus[pool['pool']]} | "
        f"{_packed(pool['at_fewest'])} | {_packed(pool['at_most'])} |"
        for pool in document["nodes"]
    ]
    lines = [
        f"- {escaped(pool['pool'])}: {escaped(line)}"
        for pool in document["nodes"]
        for line in filter(None, (node_line(pool), spare_line(pool)))
    ]
    yield _details("<b>Nodes</b>", "\n".join([*rows, "", *lines] if lines else rows))


def _packed(packing: PackingPart | None) -> str:
    return f"{packing['replicas']} on {packing['nodes']}" if packing else "a pod fits no node"


def _needs(document: Report) -> Iterator[str]:
    rows = ["| quota | needed | new accounts have | for |", "|---|--:|--:|---|"]
    rows += [
        f"| {code(quota['code'])} {escaped(quota['name'])} | {quota['needed']} {escaped(quota['unit'])} | "
        f"{quota['account_default']} | {escaped('; '.join(quota['used_by']))} |"
        for quota in document["quotas"]
    ]
    yield _details("Quotas", "\n".join(rows))
    lines = [f"- {code(image)}" for image in document["images"]]
    lines += [
        f"- {code(chart['chart'])} {code(chart['version'])} from {code(chart['repository'] or 'OCI')}"
        + (f"; another version's definitions: {escaped(moved)}" if (moved := chart.get("definitions")) else "")
        for chart in document["charts"]
    ]
    yield _details("Images and charts", "\n".join(lines))


def _tree(document: Report) -> str:
    lines = [f"{'  ' * branch.depth}{branch.label}" for branch in branches(document["resources"])]
    return "```text\n" + "\n".join(lines).replace("```", "ˋˋˋ") + "\n```"
