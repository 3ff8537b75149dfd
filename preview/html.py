"""The report as one file: no script, no font, no picture from anywhere; plots are SVG in the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from preview.document import Document
from preview.plots import cold_start_plot, cost_plot, fit_plot, packing_plots
from preview.tree import branches
from preview.words import (
    MARKS,
    counted,
    duration,
    fit_line,
    kind,
    scaling_line,
    short,
    signed_usd,
    span,
    throughput_line,
    usd,
)

TEMPLATE = "report.html.j2"


def html(document: Document) -> str:
    """The page. Everything is escaped by the template engine; the policy in its head forbids scripts as well."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "kind": kind,
        "short": short,
        "usd": usd,
        "duration": duration,
    }
    return environment.get_template(TEMPLATE).render(
        d=document,
        before=(document["against"] or {}).get("cost"),
        marks=MARKS,
        counted=counted(document["changes"]),
        models=[_model(model) for model in document["models"]],
        nodes=[{**pool, "plots": packing_plots(pool)} for pool in document["nodes"]],
        cost_plot=cost_plot(document["cost"]["lines"]),
        branches=list(branches(document["resources"])),
        signed_usd=signed_usd,
        span=span,
    )


def _model(model: dict[str, Any]) -> dict[str, Any]:
    return {
        **model,
        "fit_line": fit_line(model),
        "scaling_line": scaling_line(model),
        "throughput_line": throughput_line(model),
        "fit_plot": fit_plot(model["fit"]),
        "cold_start_plot": cold_start_plot(model["cold_start_seconds"]),
    }
