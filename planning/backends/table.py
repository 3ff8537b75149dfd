"""Backends, their operators and features: dated tables (facts/backends.csv, operators.csv, backend_features.csv).

A feature is either one of ours, which a setting asks for and our rendering of a backend does or does not (`yes`, `no`),
or one of the project's own, told for comparison (`theirs`: the project has it, no setting of ours reaches it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from planning.facts import rows

YES, NO, THEIRS = "yes", "no", "theirs"
OURS = "ours"
RANDOM = "[^-aeiou]"


@dataclass(frozen=True)
class BackendRow:
    """One backend. `deployment`: the Deployment that runs its pods, with {name} for the model's; empty: it has none.

    `pods`: what its pods are called. `metrics_port`, `metrics_prefix`: where vLLM's series are, and how they begin
    there. `router`: the chart of a router in front of each model; `engine`: its image; names in
    planning/versions/pins.py. `labels`: what selects its pods, with {name};
    `path`: of the API at the model's address; `hook`: whose its pods' preStop hook is.
    """

    name: str
    title: str
    rendered: bool
    deployment: str
    pods: str
    labels: Mapping[str, str]
    path: str
    metrics_port: str
    metrics_prefix: str
    scaler: str
    hook: str
    operators: tuple[str, ...]
    router: str | None
    engine: str
    state: str
    source: str
    date: str

    @property
    def unmaintained(self) -> bool:
        """Whether its project is unmaintained."""
        return self.state.startswith("unmaintained")

    def deployment_of(self, model: str) -> str:
        """The Deployment of a model of that name."""
        return self.deployment.format(name=model)

    def pods_of(self, model: str) -> str:
        """A regular expression of the names of a model's server pods.

        Kubernetes draws the random parts from consonants and digits (apimachinery, util/rand): so a Job's pods,
        <model>-download-xxxxx, never look like a Deployment's.
        """
        names = self.pods.replace("<hash>", f"{RANDOM}{{1,10}}").replace("<random>", f"{RANDOM}{{5}}")
        return names.replace("{name}", model)


@dataclass(frozen=True)
class OperatorRow:
    """One operator. `setting`: the section of the stack file; `charts`: names of pins, in order.

    `beside_models`: it lives in the namespace of its models, and serves no other. `webhook_ports`: where the API
    server asks it; `pod_ports`: what it asks of models' pods; `metrics_ports`: where Prometheus asks it;
    `asks_prometheus`: whether it asks Prometheus.
    """

    name: str
    setting: str
    beside_models: bool
    charts: tuple[str, ...]
    webhook_ports: tuple[int, ...]
    pod_ports: tuple[int, ...]
    metrics_ports: tuple[int, ...]
    asks_prometheus: bool
    source: str


@dataclass(frozen=True)
class Cell:
    """What one backend does of one feature; `how` in words, or why not."""

    does: str
    how: str
    source: str
    date: str


@cache
def backends() -> dict[str, BackendRow]:
    """By name, in the order of the file."""
    return {
        row["backend"]: BackendRow(
            row["backend"],
            row["title"],
            row["rendered"] == YES,
            row["deployment"],
            row["pods"],
            MappingProxyType(dict(pair.split("=") for pair in row["labels"].split())),
            row["path"],
            row["metrics"],
            row["prefix"],
            row["scaler"],
            row["hook"],
            tuple(row["operators"].split()),
            row["router"] or None,
            row["engine"],
            row["state"],
            row["source"],
            row["date"],
        )
        for row in rows("backends.csv")
    }


@cache
def operators() -> dict[str, OperatorRow]:
    """By name, in the order in which they are installed."""
    return {
        row["operator"]: OperatorRow(
            row["operator"],
            row["setting"],
            row["home"] == "models",
            tuple(row["charts"].split()),
            tuple(int(port) for port in row["webhook_ports"].split()),
            tuple(int(port) for port in row["pod_ports"].split()),
            tuple(int(port) for port in row["metrics_ports"].split()),
            row["asks_prometheus"] == YES,
            row["source"],
        )
        for row in rows("operators.csv")
    }


@cache
def features() -> dict[str, dict[str, Cell]]:
    """By feature and backend."""
    cells: dict[str, dict[str, Cell]] = {}
    for row in rows("backend_features.csv"):
        cell = Cell(row["does"], row["how"], row["source"], row["date"])
        cells.setdefault(row["feature"], {})[row["backend"]] = cell
    return cells


def rendered() -> tuple[str, ...]:
    """The backends that this program makes."""
    return tuple(name for name, row in backends().items() if row.rendered)
