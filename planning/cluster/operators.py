"""The releases of serving backends' operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planning.backends.operators import asked_operators, is_installed, operator_namespace
from planning.cluster.addon_network import addon_network
from planning.cluster.kubeai import plan_kubeai
from planning.cluster.tracing import plan_tracing
from planning.facts import rows
from planning.findings import Findings
from planning.model import OpenCostPlan, OperatorPlan, OperatorResources, ServedModel
from planning.nodes.quantity import as_cpu, as_mib
from planning.versions.charts import ChartSources
from planning.versions.pull_through import image_mirror
from settings.stack import StackSettings

# Most memory and CPU of those whose requests are ours (planning/facts/system_pods.csv), MiB and millicores. Estimates.
LIMITS: Mapping[str, tuple[int, int | None]] = {
    "argo-rollouts": (512, None),
    "opencost": (1024, None),  # the chart's own
    "kuberay": (512, 500),  # the chart's limit, 100m, is throttled while it makes clusters
    "lws": (512, None),
    "opentelemetry-collector": (512, None),
}


def plan_operators(
    settings: StackSettings,
    models: Sequence[ServedModel],
    open_cost: OpenCostPlan | None,
    charts: ChartSources,
    findings: Findings,
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
                mirror=image_mirror(settings),
                network=addon_network(settings),
                pod_ports=row.pod_ports,
                metrics_ports=row.metrics_ports,
                asks_prometheus=row.asks_prometheus,
                scrape_interval_seconds=settings.monitoring.scrape_interval_seconds,
                tracing=plan_tracing(settings) if row.name == "opentelemetry-collector" else None,
                open_cost=open_cost if row.name == "opencost" else None,
                kubeai=plan_kubeai(models, settings) if row.name == "kubeai" else None,
                resources=operator_resources(row.name),
            )
        )
    return tuple(operators)


def operator_resources(name: str) -> OperatorResources | None:
    """Of each pod of the operator, as the system nodes count it; None: its chart says it."""
    if name not in LIMITS:
        return None
    (row,) = (row for row in rows("system_pods.csv") if row["when"] == name)
    memory, cpu = LIMITS[name]
    return OperatorResources(
        as_cpu(int(row["cpu_millicores"])),
        as_mib(int(row["memory_mib"])),
        as_mib(memory),
        as_cpu(cpu) if cpu else None,
    )
