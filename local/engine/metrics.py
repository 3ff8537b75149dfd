"""The Prometheus metrics of one simulated engine, in a registry of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from local.engine.metric_table import METRICS, MetricSpec
from planning.versions import vllm_versions
from planning.versions.vllm_versions import Version

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Metric = TypeVar("Metric", bound=MetricWrapperBase)
Series = dict[tuple[str, str], Metric]  # (name without prefix, value of the extra label)


def length_buckets(max_model_len: int) -> tuple[float, ...]:
    """1, 2, 5, 10, 20, 50, ... not above the model's length, tokens."""
    result: list[float] = []
    power = 1
    while power <= max_model_len:
        result += [factor * power for factor in (1, 2, 5) if factor * power <= max_model_len]
        power *= 10
    return tuple(result)


class EngineMetrics:
    """All series exist from the start, so that a rate() never misses a first increment. Absent ones are ignored."""

    def __init__(self, model_name: str, max_model_len: int, version: Version, cache_config: Mapping[str, str]) -> None:
        self.registry = CollectorRegistry()
        self._labels = {"model_name": model_name, "engine": "0"}
        self._gauges: Series[Gauge] = {}
        self._counters: Series[Counter] = {}
        self._histograms: Series[Histogram] = {}
        for spec in METRICS:
            if spec.name in vllm_versions.names(spec.kind, version):
                self._create(spec, max_model_len)
        self.set("engine_sleep_state", 1, "awake")
        names = [*cache_config, "engine"]
        info = Gauge(
            "vllm:cache_config_info", "Information of the LLMEngine CacheConfig", names, registry=self.registry
        )
        info.labels(**cache_config, engine="0").set(1)

    def _create(self, spec: MetricSpec, max_model_len: int) -> None:
        labels = [*spec.labels, *([spec.extra[0]] if spec.extra else [])]
        if spec.kind == "gauge":
            self._children(self._gauges, Gauge(spec.name, spec.documentation, labels, registry=self.registry), spec)
        elif spec.kind == "counter":
            self._children(self._counters, Counter(spec.name, spec.documentation, labels, registry=self.registry), spec)
        else:
            buckets = length_buckets(max_model_len) if isinstance(spec.buckets, str) else spec.buckets
            family = Histogram(spec.name, spec.documentation, labels, buckets=buckets, registry=self.registry)
            self._children(self._histograms, family, spec)

    def _children(self, series: Series[Metric], family: Metric, spec: MetricSpec) -> None:
        label, values = spec.extra or ("", ("",))
        own = {name: self._labels[name] for name in spec.labels}
        for value in values:
            series[spec.name.removeprefix("vllm:"), value] = family.labels(**own, **({label: value} if label else {}))

    def set(self, name: str, value: float, extra: str = "") -> None:
        """Sets gauge `vllm:<name>`; `extra` is the value of its own label, if it has one."""
        if gauge := self._gauges.get((name, extra)):
            gauge.set(value)

    def increment(self, name: str, by: float = 1, extra: str = "") -> None:
        """Adds to counter `vllm:<name>`."""
        if counter := self._counters.get((name, extra)):
            counter.inc(by)

    def observe(self, name: str, value: float) -> None:
        """Adds one observation to histogram `vllm:<name>`."""
        if histogram := self._histograms.get((name, "")):
            histogram.observe(value)

    def exposition(self) -> bytes:
        """The text format, as GET /metrics answers."""
        return generate_latest(self.registry)
