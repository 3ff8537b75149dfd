"""Routers in front of models whose backend has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.backends.table import backends
from planning.cluster.addon_network import addon_network
from planning.cluster.aibrix import with_aibrix
from planning.cluster.gateway import behind_gateway
from planning.cluster.kubeai import with_kubeai
from planning.cluster.pickers import with_pickers
from planning.cluster.ray import with_ray
from planning.findings import Findings
from planning.model import ChartRef, PodResources, RouterPlan, ServedModel
from planning.versions import pins
from planning.versions.charts import ChartSources
from planning.versions.pull_through import image_mirror
from settings.backends import RouterSettings, RoutingLogic
from settings.stack import StackSettings

# CPU and memory are the chart's own figures; it writes nothing but logs.
RESOURCES = PodResources("400m", "1000Mi", "1Gi", None, 0)
# In the router's words (vllm_router, parsers/parser.py).
LOGIC = {RoutingLogic.ROUND_ROBIN: "roundrobin", RoutingLogic.PREFIX_AWARE: "prefixaware"}


def with_routers(
    models: Sequence[ServedModel], settings: StackSettings, charts: ChartSources, findings: Findings
) -> list[ServedModel]:
    """The models, each with what its backend puts before it (router, picker, head, proxy), and behind the gateway."""
    asked = {model.name: model.router or RouterSettings() for model in settings.models}
    used = {backends()[model.backend].router for model in models} - {None}
    references = {chart: charts.reference(chart, findings) for chart in used if chart}
    routed = [_with_router(model, asked[model.name], references, settings) for model in models]
    behind = with_ray(with_aibrix(behind_gateway(routed, settings), settings), settings, findings)
    return with_pickers(with_kubeai(behind, settings, findings), settings, findings)


def _with_router(
    model: ServedModel, asked: RouterSettings, references: dict[str, ChartRef], settings: StackSettings
) -> ServedModel:
    chart = backends()[model.backend].router
    if chart is None:
        return model
    plan = RouterPlan(
        chart=references[chart],
        repository=pins.mirrored(pins.VLLM_ROUTER.repository, image_mirror(settings)),
        tag=pins.VLLM_ROUTER.tag,
        replicas=asked.replicas,
        resources=RESOURCES,
        logic=LOGIC[asked.logic],
        api_server_ranges=addon_network(settings).api_server_ranges,
    )
    return replace(model, router=plan)
