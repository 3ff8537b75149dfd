"""Which series of vLLM our scaling rules, recordings, alerts and dashboards read, and by which labels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from components.cluster.dashboards import HERE, dashboard_names
from local.vllm_cpu.tiny_model import WORDS
from planning.scaling.metric_table import table
from tests.e2e.rendered_stack import planned

# What Prometheus adds to each series of a target, and the variables of dashboards.
OF_THE_TARGET = frozenset({"namespace", "pod", "job", "container", "endpoint", "instance", "service", "node"})
Selector = tuple[str, str, str]
"""Label, operator, value."""


def queries() -> list[str]:
    """Every expression of ours, as PromQL or as the adapter's rule has it."""
    exprs = [rule.expr for stack in ("dev", "prod", "local") for model in planned(stack).models
             for group in model.alert_groups for rule in (*group.recordings, *group.alerts)]  # fmt: skip
    exprs += [row.expression for row in table()]
    for name in dashboard_names():
        panels = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))["panels"]
        exprs += [target["expr"] for panel in panels for target in panel["targets"]]
    return exprs


def series_read() -> dict[str, set[tuple[Selector, ...]]]:
    """Series of vLLM by name; for each the selections by vLLM's own labels."""
    selectors: dict[str, set[tuple[Selector, ...]]] = {}
    for query in queries():
        for name, labels in re.findall(r"(?<![\w:])(vllm:\w+)\b(\{[^}]*\})?", query):
            chosen = re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', labels)
            own = tuple(each for each in chosen if each[0] not in OF_THE_TARGET and "$" not in each[2])
            selectors.setdefault(name, set()).add(own)
    return selectors


def says_that_it_is_random(text: str) -> bool:
    """Whether an answer is made of nothing but the words of the tiny model."""
    words = "|".join(map(re.escape, WORDS))
    return bool(text) and any(re.fullmatch(f"(?:{words})+", begun + text) for begun in ("", " "))


def labels_of(series: str) -> tuple[str, dict[str, str]]:
    """A line of an exposition without its value: name and labels."""
    name, _, labels = series.partition("{")
    return name, dict(re.findall(r'(\w+)="([^"]*)"', labels))


def selects(chosen: Iterable[Selector], labels: Mapping[str, str]) -> bool:
    """Whether a selection takes a series with these labels."""
    for label, operator, value in chosen:
        have = labels.get(label, "")
        same = re.fullmatch(value, have) is not None if "~" in operator else have == value
        if same == operator.startswith("!"):
            return False
    return True
