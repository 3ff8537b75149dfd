"""One address for all models. Value types of the plan; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class AuthenticationPlan:
    """`kind` none, apiKeys (`secret` holds them), jwt, or mtls (`secret` holds who signs clients' certificates)."""

    kind: str
    secret: str | None = None
    issuer: str | None = None
    audiences: tuple[str, ...] = ()
    jwks_uri: str | None = None


@dataclass(frozen=True)
class GatewayPlan:
    """Gateway, certificate and rules. `issuer` set: cert-manager fills `certificate_secret` from that ClusterIssuer.

    `source_ranges`: who may connect. `alone`: the stack's only model, which needs no name in its path. `names_of`: what
    a model is called by in requests: its served name and those of its adapters. `tenant_secrets`: by namespace, whose
    keys alone open its models. `requests_per_minute`: of each client to each model; None: as many as it sends.
    """

    namespace: str
    host: str
    certificate_secret: str
    issuer: str | None
    public: bool
    source_ranges: tuple[str, ...]
    authentication: AuthenticationPlan
    paths: tuple[str, ...]
    request_timeout_seconds: int
    max_body_mib: int
    model_namespaces: tuple[str, ...]
    proxy_image: str
    port: int = 8000
    alone: str | None = None
    proxies: int = 1
    retries: int = 2
    requests_per_minute: int | None = None
    names_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tenant_secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def served_names(self) -> tuple[str, ...]:
        """Of all models."""
        return tuple(name for names in self.names_of.values() for name in names)
