"""One address for all models. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AuthenticationPlan:
    """How a client proves who it is."""

    kind: str
    """none, apiKeys or jwt."""
    secret: str | None = None
    """Holds the keys of apiKeys."""
    issuer: str | None = None
    audiences: tuple[str, ...] = ()
    jwks_uri: str | None = None


@dataclass(frozen=True)
class GatewayPlan:
    """Gateway, certificate and rules."""

    namespace: str
    host: str
    certificate_secret: str
    """Exists, or cert-manager fills it."""
    issuer: str | None
    """ClusterIssuer from which cert-manager fills the certificate's Secret; None: it exists."""
    public: bool
    source_ranges: tuple[str, ...]
    """Addresses that may connect."""
    authentication: AuthenticationPlan
    paths: tuple[str, ...]
    request_timeout_seconds: int
    max_body_mib: int
    model_namespaces: tuple[str, ...]
    port: int = 8000
    alone: str | None = None
    """The stack's only model, which needs no name in its path."""
