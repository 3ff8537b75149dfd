"""Models of backend aibrix: who of AIBrix asks them, and what its gateway leaves open.

Read in vllm-project/aibrix v0.7.0 (c546589095).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.findings import Findings
from planning.model import ServedModel
from settings.backends import Backend
from settings.stack import StackSettings

# A constant of its own (pkg/controller/modelrouter, aibrixEnvoyGatewayNamespace): where its Gateway is, and the plugin
# that reads servers' metrics to choose one.
NAMESPACE = "aibrix-system"


def check_aibrix(settings: StackSettings, findings: Findings) -> None:
    """Its gateway is another way in than the stack's, and has no keys."""
    for index, model in enumerate(settings.models):
        if settings.backend_of(model) is Backend.AIBRIX:
            findings.warning(
                f"models[{index}].backend",
                "aibrix-gateway",
                "AIBrix is yours to install, and its Gateway is plain HTTP on port 80 without keys (dist/chart, "
                "gateway-instance): who reaches it reaches the model, past the stack's own gateway",
                "give aibrix-eg a certificate, keys and source ranges of your own, or write another backend; "
                "see docs/backends/aibrix.md",
            )
            return  # one says it for all


def with_aibrix(models: Sequence[ServedModel], settings: StackSettings) -> list[ServedModel]:
    """The models, those of backend aibrix with the gateway's proxies and its plugin among their clients."""
    asks = (settings.aibrix.proxy_namespace, NAMESPACE)
    return [
        replace(model, client_namespaces=tuple(dict.fromkeys((*model.client_namespaces, *asks))))
        if model.backend == Backend.AIBRIX.value
        else model
        for model in models
    ]
