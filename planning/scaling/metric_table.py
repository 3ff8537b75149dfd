"""What replicas can follow: one row per metric and span of vLLM versions, and the PromQL for one model.

The names must agree in four places: the series that vLLM exports, the recording rule, the adapter's rule, and what the
HPA or KEDA asks for. All four come from one row of `facts/scaling_metrics.csv`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planning.facts import rows
from planning.model import MetricRule, Via
from planning.versions.vllm_versions import Version, version_of

# The adapter's own placeholders (prometheus-adapter docs/config.md): matchers of the objects asked for, their label.
ADAPTER_SELECTOR = "<<.LabelMatchers>>"
ADAPTER_BY = " by (<<.GroupBy>>) "
RECORDED_QUERY = "max by (<<.GroupBy>>) (<<.Series>>{<<.LabelMatchers>>})"


@dataclass(frozen=True)
class MetricRow:
    """One row. `series`: all it reads; `record`: the recorded series of a metric that comes via the Service."""

    kind: str
    since: Version
    until: Version | None
    series: tuple[str, ...]
    name: str
    via: Via
    record: str
    expression: str
    value_type: str
    unit: str
    why: str
    source: str


@cache
def table() -> tuple[MetricRow, ...]:
    """All rows, in the order of the file."""
    return tuple(
        MetricRow(
            kind=row["kind"],
            since=version_of(row["since"]),
            until=version_of(row["until"]) if row["until"] else None,
            series=tuple(row["series"].split()),
            name=row["name"],
            via=Via(row["via"]),
            record=row["record"],
            expression=row["expression"],
            value_type=row["value_type"],
            unit=row["unit"],
            why=row["why"],
            source=row["source"],
        )
        for row in rows("scaling_metrics.csv")
    )


@cache
def row_for(kind: str, version: Version) -> MetricRow:
    """The row of a kind for a vLLM version; raises LookupError where that version has none."""
    for row in table():
        if row.kind == kind and row.since[:2] <= version[:2] and (row.until is None or version[:2] <= row.until[:2]):
            return row
    raise LookupError(f"{kind}: no row for vLLM {version}; known are {', '.join(sorted({r.kind for r in table()}))}")


def pods_selector(namespace: str, name: str) -> str:
    """The matchers of a model's own series: the operator labels what a PodMonitor found with `<namespace>/<name>`.

    A pattern of pod names would take the pods of `chat-large` for those of `chat`.
    """
    return f'namespace="{namespace}",job="{namespace}/{name}"'


def gpus_selector(namespace: str, pods: str) -> str:
    """The matchers of its pods' GPUs: dcgm-exporter's own labels, which Prometheus moves to `exported_*`."""
    return f'exported_namespace="{namespace}",exported_pod=~"{pods}"'


def service_selector(namespace: str, name: str) -> str:
    """The matchers of what we recorded for a model."""
    return f'namespace="{namespace}",service="{name}"'


def expression(
    row: MetricRow,
    namespace: str,
    name: str,
    window_seconds: int,
    quantile: float = 0.95,
    pods: str = "",
) -> str:
    """The row's number for the whole model, from vLLM's own series. `pods`: a regular expression of their names."""
    filled = row.expression.replace("<by>", "").replace("<selector>", pods_selector(namespace, name))
    filled = filled.replace("<gpus>", gpus_selector(namespace, pods))
    return filled.replace("<window>", f"{window_seconds}s").replace("<quantile>", f"{quantile:g}")


def query(row: MetricRow, namespace: str, name: str, window_seconds: int) -> str:
    """What KEDA asks for: the recorded series where there is one."""
    if row.via is Via.SERVICE:
        return f"{row.record}{{{service_selector(namespace, name)}}}"
    return expression(row, namespace, name, window_seconds)


def adapter_rule(row: MetricRow, window_seconds: int) -> MetricRule:
    """How prometheus-adapter serves it to HPAs."""
    if row.via is Via.SERVICE:
        return MetricRule(row.record, row.name, row.source, RECORDED_QUERY, row.via)
    asked = row.expression.replace("<by>", ADAPTER_BY).replace("<selector>", ADAPTER_SELECTOR)
    return MetricRule(row.series[0], row.name, row.source, asked.replace("<window>", f"{window_seconds}s"), row.via)
