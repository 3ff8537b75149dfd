"""Serving: a plan says what is served (`ServedModel`); its backend says with which objects (`backends`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.serving.shared_weights import SharedWeights
from components.serving.vllm_autoscaler import VllmAutoscaler, VllmAutoscalerArgs
from components.serving.vllm_model import VllmModel, VllmModelArgs
from planning.model import ServedModel, Tags


@dataclass(frozen=True)
class ServingWiring:
    """What all models of a stack share. Keys: namespace name, priority, config key of a token, pool name.

    `prometheus_url` with port; `keda_after`: what brings KEDA's kinds, where we install it; `operators_after`: by
    operator, what brings its kinds.
    `stores_after`: by namespace, its way to Secrets Manager. `prometheus_url` with port; `keda_after`: what brings
    KEDA's kinds, where we install it.
    """

    namespaces: Mapping[str, pulumi.Input[str]]
    priority_classes: Mapping[str, pulumi.Input[str]]
    hf_tokens: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    limits_after: Mapping[str, tuple[pulumi.Resource, ...]] = field(default_factory=dict)
    gpus_after: Mapping[str, tuple[pulumi.Resource, ...]] = field(default_factory=dict)
    monitors_after: tuple[pulumi.Resource, ...] = ()
    keda_after: tuple[pulumi.Resource, ...] = ()
    stores_after: Mapping[str, tuple[pulumi.Resource, ...]] = field(default_factory=dict)
    prometheus_url: pulumi.Input[str] | None = None
    operators_after: Mapping[str, tuple[pulumi.Resource, ...]] = field(default_factory=dict)
    gateway_after: tuple[pulumi.Resource, ...] = ()
    shared: SharedWeights | None = None
    cluster_name: pulumi.Input[str] | None = None
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True)
class ServedAddress:
    """Where a model answers: `url` is the OpenAI base URL inside the cluster, `served_name` the name to ask for."""

    name: str
    served_name: str
    url: pulumi.Output[str]


def serve(model: ServedModel, wiring: ServingWiring, opts: pulumi.ResourceOptions | None = None) -> ServedAddress:
    """Registers what serves `model`: its servers as its backend makes them, and their autoscaler."""
    namespace = wiring.namespaces[model.namespace]
    token_key = model.token.config_key if model.token else None
    servers = VllmModel(
        model.name,
        VllmModelArgs(
            model=model,
            namespace=namespace,
            priority_class=wiring.priority_classes[model.priority],
            hf_token=wiring.hf_tokens.get(token_key) if token_key else None,
            gpus_after=(*wiring.gpus_after.get(model.pool, ()), *wiring.limits_after.get(model.namespace, ())),
            monitors_after=wiring.monitors_after,
            gateway_after=wiring.gateway_after,
            shared=wiring.shared,
            prometheus_url=wiring.prometheus_url,
            cluster_name=wiring.cluster_name,
            tags=wiring.tags,
            backend_after=tuple(
                resource for name in model.operators for resource in wiring.operators_after.get(name, ())
            ),
            store_after=wiring.stores_after.get(model.namespace, ()),
        ),
        opts,
    )
    scaling = VllmAutoscalerArgs(
        model=model,
        namespace=namespace,
        deployment_name=servers.deployment_name,
        prometheus_url=wiring.prometheus_url,
        rules_after=wiring.monitors_after,
        keda_after=wiring.keda_after,
    )
    VllmAutoscaler(model.name, scaling, opts)
    return ServedAddress(model.name, model.served_name, servers.url)
