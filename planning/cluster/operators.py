"""The releases of serving backends' operators."""

from __future__ import annotations

from collections.abc import Sequence

from planning.backends.operators import asked_operators, is_installed, operator_namespace
from planning.cluster.addon_network import addon_network
from planning.cluster.kubeai import plan_kubeai
from planning.cluster.tracing import plan_tracing
from planning.findings import Findings
from planning.model import OperatorPlan, ServedModel
from planning.versions.charts import ChartSources
from settings.stack import StackSettings


def plan_operators(
    settings: StackSettings, models: Sequence[ServedModel], charts: ChartSources, findings: Findings
) -> tuple[OperatorPlan, ...]:
    """What the models' backends need. Of an operator that the cluster has no chart is looked for."""
    operators = []
    for row in asked_operators(settings):
        install = is_installed(settings, row)
        kept = findings if install else Findings()
        operators.append(
            OperatorPlan(
                name=row.name,
                setting="models[].namespace" if row.beside_models else f"{row.setting}.namespace",
                charts={chart: charts.reference(chart, kept) for chart in row.charts},
                namespace=operator_namespace(settings, row),
                install=install,
                webhook_ports=row.webhook_ports,
                mirror=settings.registry.mirror,
                network=addon_network(settings),
                pod_ports=row.pod_ports,
                metrics_ports=row.metrics_ports,
                asks_prometheus=row.asks_prometheus,
                scrape_interval_seconds=settings.monitoring.scrape_interval_seconds,
                tracing=plan_tracing(settings) if row.name == "opentelemetry-collector" else None,
                kubeai=plan_kubeai(models, settings) if row.name == "kubeai" else None,
            )
        )
    return tuple(operators)
