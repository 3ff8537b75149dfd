"""Whose Prometheus scrapes, judges and answers: one that the stack installs, or one that an existing cluster has."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.names import NamespaceName, ObjectName, UrlPath
from settings.types import LabelKey, LabelValue, Section, described, kind_defaults_to


class InstalledPrometheus(Section):
    """kube-prometheus-stack, installed by the stack."""

    kind: Literal["install"] = "install"


class ExistingPrometheusSettings(Section):
    """An existing Prometheus of another operator. What it selects by, the pre-flight holds against these labels."""

    kind: Literal["existing"]
    namespace: NamespaceName = described("where it runs")
    service: ObjectName = described("its Service there; the operator makes this one", default="prometheus-operated")
    port: int = described("port of the Service, and of its pods", default=9090, ge=1, le=65535)
    path: UrlPath = described("prefix of its addresses (routePrefix), /prometheus; empty: none", default="")
    pod_labels: dict[LabelKey, LabelValue] = described(
        "labels of its pods, which network policies let in; the operator sets this one",
        default_factory=lambda: {"app.kubernetes.io/name": "prometheus"},
        min_length=1,
        max_length=10,
    )
    monitor_labels: dict[LabelKey, LabelValue] = described(
        "labels by which it selects PodMonitors and ServiceMonitors, release: kube-prometheus-stack",
        default_factory=dict,
        max_length=10,
    )
    rule_labels: dict[LabelKey, LabelValue] = described(
        "labels by which it selects PrometheusRules", default_factory=dict, max_length=10
    )
    dashboards: bool = described("make the dashboards' ConfigMaps for its Grafana", default=True)
    dashboard_labels: dict[LabelKey, LabelValue] = described(
        "labels by which Grafana's sidecar finds dashboards",
        default_factory=lambda: {"grafana_dashboard": "1"},
        min_length=1,
        max_length=10,
    )
    dashboard_namespace: NamespaceName | None = described(
        "namespace in which the sidecar looks; default: in all, so that of monitoring.namespace", default=None
    )


Prometheus = Annotated[
    InstalledPrometheus | ExistingPrometheusSettings, Field(discriminator="kind"), kind_defaults_to("existing")
]
