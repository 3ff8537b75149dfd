"""Gateway plans for component tests: with as little, and with as much as one can have."""

from __future__ import annotations

from dataclasses import replace

from planning.model import AuthenticationPlan, BalancerPlan, GatewayPlan
from planning.versions.pins import PROXY_IMAGE

PUBLIC = GatewayPlan(
    namespace="gateway",
    host="llm.example.com",
    certificate_secret="gateway-tls",
    issuer="letsencrypt",
    public=True,
    source_ranges=("54.0.0.0/24", "54.0.1.0/24"),
    authentication=AuthenticationPlan("apiKeys", secret="api-keys"),
    paths=("/v1/models", "/v1/chat/completions"),
    request_timeout_seconds=600,
    max_body_mib=10,
    idle_seconds=60,
    retry_milliseconds=(100, 1000),
    least_ready_percent=1,
    model_namespaces=("models", "search"),
    proxy_image=PROXY_IMAGE,
    proxies=2,
    requests_per_minute=60,
    names_of={"llama": ("llama-3.1-8b",), "summary": ("summary", "summary-v1.2")},
)
INTERNAL = replace(
    PUBLIC,
    certificate_secret="own-tls",
    issuer=None,
    public=False,
    source_ranges=("10.0.0.0/16",),
    authentication=AuthenticationPlan("none"),
    alone="llama",
    proxies=1,
    requests_per_minute=None,
    retries=0,
    names_of={"llama": ("llama-3.1-8b",)},
)
TOKENS = replace(
    PUBLIC,
    authentication=AuthenticationPlan(
        "jwt", None, "https://id.example.com", ("llm",), "https://id.example.com/keys.json", "id.example.com"
    ),
)
OWN_PROVIDER = replace(
    TOKENS,
    authentication=replace(
        TOKENS.authentication, jwks_uri="https://id.internal.example.com:8443/keys", jwks_port=8443, jwks_ca="id-ca",
        jwks_host="id.internal.example.com", jwks_ranges=("10.0.0.0/8", "172.16.0.0/12"),
    ),
)  # fmt: skip
CERTIFICATES = replace(PUBLIC, authentication=AuthenticationPlan("mtls", secret="clients"))
GATEWAYS = {
    "controller": replace(PUBLIC, balancer=BalancerPlan(("10.0.0.0/16",), 600)),
    "public": PUBLIC,
    "internal": INTERNAL,
    "tokens": TOKENS,
    "own-provider": OWN_PROVIDER,
    "mtls": CERTIFICATES,
}


def shared_out(plan: GatewayPlan) -> GatewayPlan:
    """The plan with a version of the model llama, with which a user stays."""
    return replace(
        plan,
        session_headers={"llama": "x-user"},
        names_of={**plan.names_of, "llama-next": ()},
        versions={"llama": (("llama", 90), ("llama-next", 10))},
    )
