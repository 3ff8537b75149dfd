"""Prometheus, dashboards and the metrics adapter: installed, or the adapter beside a Prometheus that is there."""

from __future__ import annotations

from collections.abc import Sequence

from planning.cluster.addon_network import addon_network, existing_prometheus
from planning.findings import Findings
from planning.model import AutoscalingPlan, MetricRule, MonitoringPlan, ScalerKind
from planning.versions.charts import ChartSources
from planning.versions.pull_through import image_mirror
from settings.addons import NoReceiver
from settings.cluster import CreateCluster
from settings.monitoring import ExistingPrometheusSettings
from settings.stack import StackSettings

STACK_CHART = "kube-prometheus-stack"
ADAPTER_CHART = "prometheus-adapter"
# Prometheus drops its oldest samples there; write-ahead log and compaction need the rest.
RETENTION_SHARE = 0.9
RULE = "existing-prometheus"
# What only an installed Prometheus has.
_OF_OURS = ("retention_days", "storage_gib", "storage_class", "grafana")


def plan_monitoring(
    settings: StackSettings, scalings: Sequence[AutoscalingPlan], charts: ChartSources, findings: Findings
) -> MonitoringPlan | None:
    """Prometheus, Grafana, and the adapter with the metrics that HPAs read; KEDA asks Prometheus itself."""
    monitoring = settings.monitoring
    if not monitoring.enabled:
        return None
    installed = monitoring.installed
    grafana = installed and monitoring.grafana.enabled
    return MonitoringPlan(
        stack_chart=charts.reference(STACK_CHART, findings) if installed else None,
        adapter_chart=charts.reference(ADAPTER_CHART, findings),
        namespace=monitoring.namespace,
        retention_days=monitoring.retention_days,
        storage_gib=monitoring.storage_gib,
        storage_class=monitoring.storage_class,
        scrape_interval_seconds=monitoring.scrape_interval_seconds,
        grafana=grafana,
        grafana_password_key=monitoring.grafana.password_key if grafana else None,
        adapter_rules=_adapter_rules(scalings),
        mirror=image_mirror(settings),
        retention_size_gib=int(monitoring.storage_gib * RETENTION_SHARE),
        existing=existing_prometheus(settings),
        network=addon_network(settings),
    )


def _adapter_rules(scalings: Sequence[AutoscalingPlan]) -> tuple[MetricRule, ...]:
    """Each metric once, whichever models follow it; a rule is not one model's."""
    used = {metric.rule: None for scaling in scalings if scaling.kind is ScalerKind.HPA for metric in scaling.metrics}
    return tuple(sorted(used, key=lambda rule: rule.name))


def check_prometheus(settings: StackSettings, findings: Findings) -> None:
    """An existing Prometheus: where it can be, and which settings the stack does not own."""
    existing = settings.monitoring.existing
    if existing is None:
        return
    if isinstance(settings.cluster, CreateCluster):
        findings.error(
            "monitoring.prometheus.kind",
            RULE,
            "existing, in a cluster that this stack makes: nothing is there yet, and monitors and rules are of kinds "
            "that its operator brings",
            "leave monitoring.prometheus out, or write cluster: {kind: existing, name: ...}",
        )
    _check_settings_of_ours(settings, findings)
    _check_labels(existing, findings)


def _check_settings_of_ours(settings: StackSettings, findings: Findings) -> None:
    monitoring = settings.monitoring
    for name in _OF_OURS:
        if name in monitoring.model_fields_set:
            written = type(monitoring).model_fields[name].alias
            findings.error(
                f"monitoring.{written}",
                RULE,
                "is a setting of the Prometheus that a stack installs; an existing one is its owner's to set",
                "remove it",
            )
    if not isinstance(monitoring.alerts.receiver, NoReceiver):
        findings.error(
            "monitoring.alerts.receiver",
            RULE,
            f"{monitoring.alerts.receiver.kind}, but the Alertmanager of an existing Prometheus decides where alerts "
            "are sent",
            "remove it, and add a receiver there for alerts with the label model",
        )


def _check_labels(existing: ExistingPrometheusSettings, findings: Findings) -> None:
    """Without labels it has to take every monitor, which most do not."""
    if not existing.monitor_labels or not existing.rule_labels:
        missing = [
            name
            for name, labels in (("monitorLabels", existing.monitor_labels), ("ruleLabels", existing.rule_labels))
            if not labels
        ]
        findings.warning(
            "monitoring.prometheus",
            RULE,
            f"without {' and '.join(missing)} it has to take every object of that kind, and most select by a label: "
            "then no metric and no alert ever comes",
            "write what `kubectl get prometheus -A -o "
            "jsonpath='{.items[*].spec.podMonitorSelector}{.items[*].spec.ruleSelector}'` prints, "
            "for example {release: kube-prometheus-stack}",
        )
