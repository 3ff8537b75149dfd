"""Plans of the way in through an Ingress, for component tests: with as little, and with as much as one can have."""

from __future__ import annotations

from dataclasses import replace

from planning.model import EntryPlan, IngressPlan, PodResources, RestrictionPlan, RoutedModel
from tests.components.gateways import INTERNAL, OWN_PROVIDER, TOKENS, shared_out

PLAIN = EntryPlan(
    gateway=INTERNAL,
    models=(RoutedModel("llama", "models", 8000, "/v1"),),
    ingress=IngressPlan("company", "other", {"company.example.com/allow": "10.0.0.0/16"}),
    certificate_arn=None,
    callers=("ingress",),
    caller_ranges=(),
    resources=PodResources("100m", "672Mi", "64Mi", None, 0),
    heap_bytes=608 * 1024 * 1024,
    leaving_seconds=600,
    grace_seconds=610,
    idle_seconds=660,
    most_connections=65_536,
    connect_seconds=5,
    most_clients=10_000,
)
SEVERAL = replace(
    PLAIN,
    gateway=replace(TOKENS, retries=2),
    pull_secrets=("registry",),
    models=(RoutedModel("llama", "models", 8000, "/v1"), RoutedModel("summary", "search", 8000, "/openai/v1")),
    ingress=IngressPlan(
        "traefik",
        "traefik",
        {"traefik.ingress.kubernetes.io/router.middlewares": "gateway-models@kubernetescrd"},
        restriction=RestrictionPlan(
            "traefik.io/v1alpha1", "Middleware", {"spec": {"ipAllowList": {"sourceRange": ["54.0.0.0/24"]}}}
        ),
    ),
)
VERSIONS = replace(
    SEVERAL,
    gateway=shared_out(OWN_PROVIDER),
    models=(*SEVERAL.models, RoutedModel("llama-next", "models", 8000, "/v1")),
    ingress=IngressPlan("company", "other", {}),
    caller_ranges=("10.0.0.0/16",),
    callers=(),
)
ENTRIES = {"plain": PLAIN, "several": SEVERAL, "versions": VERSIONS}
