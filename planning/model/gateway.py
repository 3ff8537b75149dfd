"""One address for all models. Value types of the plan; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Annotations of a Service by which its load balancer is internal: the newer before the older word for it, of which
# the first that is there decides (kubernetes-sigs/aws-load-balancer-controller, Service annotations, 2026-11-28).
SERVICE_SCHEMES = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
}

# Who asks: the name of the key in its Secret, or the token's subject. Envoy writes it over what a client sends.
CLIENT_HEADER = "x-client-id"


@dataclass(frozen=True)
class AuthenticationPlan:
    """How a client proves who it is."""

    kind: str
    """none, apiKeys, jwt or mtls."""
    secret: str | None = None
    """Holds the keys of apiKeys; for mtls, who signs clients' certificates."""
    issuer: str | None = None
    audiences: tuple[str, ...] = ()
    jwks_uri: str | None = None
    jwks_host: str = ""
    """Of that address; its certificate is checked against it."""
    jwks_port: int = 443
    jwks_ca: str | None = None
    """ConfigMap with who signed that certificate; None: authorities of the web."""
    jwks_ranges: tuple[str, ...] = ()
    """Private addresses that the proxies reach beside public ones: a provider of one's own may stand there."""


@dataclass(frozen=True)
class BalancerPlan:
    """A network load balancer that AWS Load Balancer Controller makes."""

    ranges: tuple[str, ...]
    """From which it asks after the proxies' health."""
    leaving_seconds: int
    """How long a proxy that leaves keeps its connections."""


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
    idle_seconds: int
    """How long a client's connection may carry nothing, and how long a request may take to arrive."""
    retry_milliseconds: tuple[int, int]
    """Before another pod is asked: the first wait, and the longest."""
    least_ready_percent: int
    """Of a model's endpoints: below it those that load or leave are asked, too."""
    model_namespaces: tuple[str, ...]
    proxy_image: str
    port: int = 8000
    alone: str | None = None
    """The stack's only model (beside its versions), which needs no name in its path."""
    proxies: int = 1
    retries: int = 2
    """How often another pod is asked, before the first byte of an answer."""
    requests_per_minute: int | None = None
    """Of each client to each model; None: as many as it sends."""
    names_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a model is called by in requests: its served name and those of its adapters; a version by nothing."""
    versions: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    """Model -> who shares its requests, with weights that add up to 100."""
    session_headers: Mapping[str, str] = field(default_factory=dict)
    """Model -> header of which one value keeps its version, and its server where the gateway chooses it."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """AWS tags of its load balancer, by which the bill tells whose it is."""
    balancer: BalancerPlan | None = None
    """The load balancer that AWS Load Balancer Controller of the stack makes; None: EKS itself makes it, by the cloud
    provider inside it."""
    tenant_secrets: Mapping[str, str] = field(default_factory=dict)
    """By namespace: whose keys alone open its models."""

    @property
    def served_names(self) -> tuple[str, ...]:
        """Of all models."""
        return tuple(name for names in self.names_of.values() for name in names)
