"""The report as one file: no script, no font, no picture from anywhere; plots are SVG in the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from planning.units import amount
from preview.economy_plots import budget_plot, day_plot, model_cost_lines
from preview.economy_words import budget_line, model_cost_line, spot_line, traffic_line
from preview.findings import grouped
from preview.plots import cold_start_plot, cost_plot, fit_plot, packing_plots
from preview.report_model import Report
from preview.report_parts import Cost, ModelPart
from preview.tree import branches
from preview.words import (
    MARKS,
    counted,
    duration,
    fit_line,
    kind,
    node_line,
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

TEMPLATE = "report.html.j2"


def html(document: Report) -> str:
    """The page. Everything is escaped by the template engine; the policy in its head forbids scripts as well."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": amount,
        "kind": kind,
        "prose": _prose,
        "short": short,
        "usd": usd,
        "duration": duration,
    }
    return environment.get_template(TEMPLATE).render(
        d=document,
        findings=grouped(document["findings"]),
        before=document["against"] and document["against"]["cost"],
        marks=MARKS,
        counted=counted(document["changes"]),
        step_line=step_line,
        update_line=update_line,
        models=[_model(model, document["cost"]) for model in document["models"]],
        nodes=[
            {**pool, "plots": packing_plots(pool), "node_line": node_line(pool), "spare_line": spare_line(pool)}
            for pool in document["nodes"]
        ],
        cost_plot=cost_plot(document["cost"]["lines"]),
        model_cost_plot=cost_plot(model_cost_lines(document["cost"])),
        budget_plot=budget_plot(document["cost"]),
        money_lines=[line for line in (spot_line(document["cost"]), budget_line(document["cost"])) if line],
        branches=list(branches(document["resources"])),
        signed_usd=signed_usd,
        span=span,
    )


def _model(model: ModelPart, cost: Cost) -> dict[str, Any]:
    return {
        **model,
        "fit_line": fit_line(model),
        "scaling_line": scaling_line(model),
        "throughput_line": throughput_line(model),
        "traffic_line": traffic_line(model),
        "cost_line": model_cost_line(cost, model),
        "day_plot": day_plot(model),
        "fit_plot": fit_plot(model["fit"]),
        "cold_start_plot": cold_start_plot(model["cold_start_seconds"]),
    }


def _prose(text: str) -> Markup:
    """Escaped text; `words` in backticks are code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if index % 2 else escape(part) for index, part in enumerate(parts))
