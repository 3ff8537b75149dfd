"""The releases of serving backends' operators."""

from __future__ import annotations

from planning.backends.operators import asked_operators, operator_section
from planning.cluster.addon_network import addon_network
from planning.cluster.tracing import plan_tracing
from planning.findings import Findings
from planning.model import OperatorPlan
from planning.versions.charts import ChartSources
from settings.stack import StackSettings


def plan_operators(settings: StackSettings, charts: ChartSources, findings: Findings) -> tuple[OperatorPlan, ...]:
    """What the models' backends need. Of an operator that the cluster has no chart is looked for."""
    operators = []
    for row in asked_operators(settings):
        section = operator_section(settings, row.name)
        kept = findings if section.install else Findings()
        operators.append(
            OperatorPlan(
                name=row.name,
                setting=f"{row.setting}.namespace",
                charts={chart: charts.reference(chart, kept) for chart in row.charts},
                namespace=section.namespace,
                install=section.install,
                webhook_ports=row.webhook_ports,
                mirror=settings.registry.mirror,
                network=addon_network(settings),
                pod_ports=row.pod_ports,
                tracing=plan_tracing(settings) if row.name == "opentelemetry-collector" else None,
            )
        )
    return tuple(operators)
