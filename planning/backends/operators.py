"""The operators that a stack needs: of its models' backends, its gateway, its traces and its costs."""

from __future__ import annotations

from planning.backends.table import OperatorRow, backends, operators
from settings.backends import CertManager, Kserve, Kubeai, Kuberay, LeaderWorkerSets
from settings.gateway import GatewayApi, IssuedCertificate, OneAddress
from settings.open_cost import OpenCostSettings
from settings.rollout import ArgoRollouts
from settings.stack import StackSettings
from settings.tracing import CollectorTracing

OwnSection = CertManager | Kserve | Kuberay | Kubeai | ArgoRollouts | OpenCostSettings | LeaderWorkerSets
"""Sections that speak of nothing but an operator."""


def asked_operators(settings: StackSettings) -> tuple[OperatorRow, ...]:
    """Each once, in the order of their installation."""
    used = {name for model in settings.models for name in backends()[settings.backend_of(model)].operators}
    if isinstance(settings.gateway, GatewayApi):
        used.add("envoy-gateway")
    if isinstance(settings.gateway, OneAddress) and isinstance(settings.gateway.certificate, IssuedCertificate):
        used.add("cert-manager")
    if any(model.rollout.kind == "canary" for model in settings.models):
        used.add("argo-rollouts")
    if any(model.nodes > 1 for model in settings.models):
        used.add("lws")
    if isinstance(settings.tracing, CollectorTracing):
        used.add("opentelemetry-collector")
    if settings.open_cost.install:
        used.add("opencost")
    return tuple(row for name, row in operators().items() if name in used)


def operator_section(settings: StackSettings, name: str) -> GatewayApi | CollectorTracing | OwnSection:
    """The section of the stack file that speaks of an operator that is asked for."""
    if name == "envoy-gateway" and isinstance(settings.gateway, GatewayApi):
        return settings.gateway
    if name == "opentelemetry-collector" and isinstance(settings.tracing, CollectorTracing):
        return settings.tracing
    sections: dict[str, OwnSection] = {
        "argo-rollouts": settings.argo_rollouts,
        "cert-manager": settings.cert_manager,
        "kserve": settings.kserve,
        "kuberay": settings.kuberay,
        "kubeai": settings.kubeai,
        "opencost": settings.open_cost,
        "lws": settings.leader_worker_set,
    }
    return sections[name]


def is_installed(settings: StackSettings, row: OperatorRow) -> bool:
    """Whether the stack installs it; False: the cluster has its own. What lives beside its models is the stack's."""
    section = operator_section(settings, row.name)
    return True if isinstance(section, Kubeai) else section.install


def operator_namespace(settings: StackSettings, row: OperatorRow) -> str:
    """Where it lives: its own namespace, or that of the first model that needs it."""
    section = operator_section(settings, row.name)
    if not isinstance(section, Kubeai):
        return section.namespace
    return next(m.namespace for m in settings.models if row.name in backends()[settings.backend_of(m)].operators)
