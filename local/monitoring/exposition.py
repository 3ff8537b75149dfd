"""Series of a simulated exporter as Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import generate_latest
from prometheus_client.core import Metric


class Families:
    """Metric families in the order of their first sample, written by prometheus_client."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    def add(self, name: str, labels: Mapping[str, str], value: float, documentation: str = "", kind: str = "") -> None:
        """One sample. `kind`: gauge unless the name ends in _total."""
        kind = kind or ("counter" if name.endswith("_total") else "gauge")
        family = name.removesuffix("_total") if kind == "counter" else name
        if family not in self._families:
            self._families[family] = Metric(family, documentation or "(simulated)", kind)
        self._families[family].add_sample(name, dict(labels), value)

    def collect(self) -> Iterator[Metric]:
        """What generate_latest asks a registry for."""
        return iter(self._families.values())

    def text(self) -> str:
        return generate_latest(self).decode()


def label_name(key: str) -> str:
    """A Kubernetes label's name as kube-state-metrics writes it, e.g. `label_app_kubernetes_io_name`."""
    return "label_" + "".join(c if c.isalnum() else "_" for c in key)


def one_hot(
    families: Families, name: str, labels: Mapping[str, str], label: str, values: Iterable[str], current: str
) -> None:
    """One sample per value: 1 for the current one."""
    for value in values:
        families.add(name, {**labels, label: value}, float(value == current))
