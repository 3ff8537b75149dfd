"""One address for all models. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AuthenticationPlan:
    """`kind` none, apiKeys (`secret` holds them) or jwt."""

    kind: str
    secret: str | None = None
    issuer: str | None = None
    audiences: tuple[str, ...] = ()
    jwks_uri: str | None = None


@dataclass(frozen=True)
class GatewayPlan:
    """Gateway, certificate and rules. `issuer` set: cert-manager fills `certificate_secret` from that ClusterIssuer.

    `source_ranges`: who may connect. `alone`: the stack's only model, which needs no name in its path.
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
    port: int = 8000
    alone: str | None = None
