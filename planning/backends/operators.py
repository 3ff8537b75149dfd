"""The operators that a stack needs: of its models' backends, its gateway and its traces."""

from __future__ import annotations

from planning.backends.table import OperatorRow, backends, operators
from settings.backends import CertManager, Kserve, Kuberay
from settings.gateway import GatewayApi, IssuedCertificate
from settings.stack import StackSettings
from settings.tracing import CollectorTracing


def asked_operators(settings: StackSettings) -> tuple[OperatorRow, ...]:
    """Each once, in the order of their installation."""
    used = {name for model in settings.models for name in backends()[settings.backend_of(model)].operators}
    if isinstance(settings.gateway, GatewayApi):
        used.add("envoy-gateway")
        if isinstance(settings.gateway.certificate, IssuedCertificate):
            used.add("cert-manager")
    if isinstance(settings.tracing, CollectorTracing):
        used.add("opentelemetry-collector")
    return tuple(row for name, row in operators().items() if name in used)


def operator_section(
    settings: StackSettings, name: str
) -> CertManager | Kserve | Kuberay | GatewayApi | CollectorTracing:
    """The section of the stack file that speaks of an operator that is asked for."""
    if name == "envoy-gateway" and isinstance(settings.gateway, GatewayApi):
        return settings.gateway
    if name == "opentelemetry-collector" and isinstance(settings.tracing, CollectorTracing):
        return settings.tracing
    sections: dict[str, CertManager | Kserve | Kuberay] = {
        "cert-manager": settings.cert_manager,
        "kserve": settings.kserve,
        "kuberay": settings.kuberay,
    }
    return sections[name]
