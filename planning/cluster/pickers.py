"""Endpoint pickers of models on backend llm-d, and the gateway of the cluster that asks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.cluster.addon_network import addon_network
from planning.facts import rows
from planning.findings import Findings, listed
from planning.model import PickerPlan, PodResources, ServedModel
from planning.versions import pins
from planning.versions.pull_through import image_mirror
from settings.backends import Backend, InferenceGateway
from settings.gateway import OneAddress
from settings.stack import StackSettings

# The chart asks for 8 CPU and 8Gi, for pools of hundreds of servers. Ours: what a pool of a stack has to do with it.
RESOURCES = PodResources("1", "2Gi", "1Gi", None, 0)
REQUEST_TIMEOUT_SECONDS = 600
# As the chart's: answers that stream through it end first.
GRACE_SECONDS = 130
# Weights of the chart's default-plugins.yaml (llm-d-router-gateway v0.10.0).
SCORERS = {"queue-scorer": 2, "kv-cache-utilization-scorer": 2, "prefix-cache-scorer": 3}


def with_pickers(models: Sequence[ServedModel], settings: StackSettings, findings: Findings) -> list[ServedModel]:
    """The models, those of backend llm-d with their picker, and the gateway's proxies among their clients."""
    if not any(model.backend == Backend.LLM_D.value for model in models):
        return list(models)
    gateway = settings.llm_d.gateway
    if gateway is None:
        findings.error(
            "llmD.gateway",
            "inference-gateway",
            "models of backend llm-d are asked through a gateway that serves InferencePools, and none is named",
            "write llmD: {gateway: {name: <Gateway>, namespace: <its namespace>, controller: istio}}",
        )
        return list(models)
    _check(gateway, settings, findings)
    plan = PickerPlan(
        image=f"{pins.mirrored(pins.ENDPOINT_PICKER.repository, image_mirror(settings))}:{pins.ENDPOINT_PICKER.tag}",
        resources=RESOURCES,
        gateway=gateway.name,
        gateway_namespace=gateway.namespace,
        failure_mode=settings.llm_d.failure_mode.value,
        request_timeout_seconds=REQUEST_TIMEOUT_SECONDS,
        scorers=SCORERS,
        grace_seconds=GRACE_SECONDS,
        api_server_ranges=addon_network(settings).api_server_ranges,
    )
    return [_with_picker(model, plan) if model.backend == Backend.LLM_D.value else model for model in models]


def _with_picker(model: ServedModel, plan: PickerPlan) -> ServedModel:
    clients = tuple(dict.fromkeys((*model.client_namespaces, plan.gateway_namespace)))
    return replace(model, picker=plan, client_namespaces=clients)


def _check(gateway: InferenceGateway, settings: StackSettings, findings: Findings) -> None:
    table = {row["controller"]: row for row in rows("inference_gateways.csv")}
    row = table[gateway.controller.value]
    if row["serves"] != "yes":
        serving = [name for name, entry in table.items() if entry["serves"] == "yes"]
        findings.error(
            "llmD.gateway.controller",
            "inference-gateway",
            f"{row['title']} does not serve InferencePools: {row['needs']}; these do: {listed(serving)}",
            "name a gateway of one of them, or another backend",
        )
    elif row["needs"]:
        findings.warning(
            "llmD.gateway.controller",
            "inference-gateway",
            f"{row['title']} serves InferencePools only with what the stack does not make: {row['needs']}",
            "see docs/backends/llm-d.md, and prepare the cluster before the first up",
        )
    if isinstance(settings.gateway, OneAddress):
        findings.warning(
            "gateway",
            "picker-passed-by",
            "it sends to the Services of models, so that requests through it pass the pickers of backend llm-d by",
            "let clients ask the gateway of llmD.gateway, or leave gateway out",
        )
