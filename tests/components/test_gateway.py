"""One address in front of all models: closed, encrypted, and for listed paths only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.cluster.gateway import Gateway, GatewayArgs
from components.cluster.gateway.manifests import (
    backend_policy,
    gateway,
    key_server,
    proxy_policy,
    security_policy,
    session_policy,
)
from components.cluster.gateway.routes import route
from components.manifest import Manifest
from planning.model import GatewayPlan
from tests.components.gateways import GATEWAYS, INTERNAL, OWN_PROVIDER, PUBLIC, TOKENS, shared_out
from tests.components.plans import MODEL, on
from tests.components.rendered import of_gateway
from tests.engine import record
from tests.golden import as_yaml, assert_matches
from tests.planning.stacks import model
from tests.program import run_program

GOLDENS = Path(__file__).parent / "goldens"
SECTION = {
    "kind": "gatewayApi",
    "host": "llm.example.com",
    "certificate": {"kind": "certManager", "issuer": "letsencrypt"},
}


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_gateway_is_as_its_golden(name: str) -> None:
    text = "---\n".join(f"# {what}\n{as_yaml(each)}" for what, each in of_gateway(GATEWAYS[name]).items())
    assert "&id" not in text, "a shared object came out as a YAML anchor"
    assert_matches(GOLDENS / f"gateway-{name}.yaml", text)


@pytest.mark.parametrize("plan", GATEWAYS.values(), ids=list(GATEWAYS))
def test_it_speaks_https_and_its_balancer_lets_in_who_may_connect(plan: GatewayPlan) -> None:
    spec = gateway(plan)["spec"]
    assert [(listener["protocol"], listener["port"], listener["hostname"]) for listener in spec["listeners"]] == [
        ("HTTPS", 443, "llm.example.com")
    ]
    annotations = spec["infrastructure"]["annotations"]
    assert annotations["service.beta.kubernetes.io/load-balancer-source-ranges"].split(",") == list(plan.source_ranges)
    scheme = annotations["service.beta.kubernetes.io/aws-load-balancer-scheme"]
    assert scheme == ("internet-facing" if plan.public else "internal")
    into, *health = proxy_policy(plan)["spec"]["ingress"]
    ranges = [peer["ipBlock"]["cidr"] for rule in health for peer in rule["from"]]
    assert ranges == list(plan.balancer.ranges if plan.balancer else ()), (
        "its controller's load balancers ask after the proxies' health"
    )
    assert [peer["ipBlock"]["cidr"] for peer in into["from"]] == list(plan.source_ranges)


def _matches(manifest: Manifest) -> list[dict[str, Any]]:
    return [match for rule in manifest["spec"]["rules"] for match in rule["matches"]]


@pytest.mark.parametrize("plan", GATEWAYS.values(), ids=list(GATEWAYS))
def test_nothing_is_reached_but_listed_paths_exactly_written(plan: GatewayPlan) -> None:
    allowed = {*plan.paths, *(f"/{MODEL.name}{path}" for path in plan.paths)}
    matches = _matches(route(MODEL, plan))
    assert {match["path"]["value"] for match in matches} == allowed
    assert {match["path"]["type"] for match in matches} == {"Exact"}
    for rule in route(MODEL, plan)["spec"]["rules"][1:]:
        (match,), change = rule["matches"], rule["filters"][0]
        assert match["path"]["value"] == f"/{MODEL.name}{change['urlRewrite']['path']['replaceFullPath']}"
    longest = replace(plan, paths=tuple(f"/v1/{index}" for index in range(6)))
    assert len(route(MODEL, longest)["spec"]["rules"]) <= 16, "Gateway API's limit"


def test_one_of_several_is_chosen_by_its_served_name_and_the_only_one_by_nothing() -> None:
    named = [match.get("headers") for match in _matches(route(MODEL, PUBLIC))[: len(PUBLIC.paths)]]
    assert named == [[{"type": "Exact", "name": "x-model", "value": "llama-3.1-8b"}]] * len(PUBLIC.paths)
    assert all("headers" not in match for match in _matches(route(MODEL, INTERNAL)))


def test_proxies_reach_models_and_only_with_tokens_the_internet() -> None:
    def out(plan: GatewayPlan) -> str:
        return str(proxy_policy(plan)["spec"]["egress"])

    assert "0.0.0.0/0" in out(TOKENS)
    ports = [rule["ports"] for rule in proxy_policy(OWN_PROVIDER)["spec"]["egress"][-2:]]
    assert ports == [[{"port": 8443, "protocol": "TCP"}]] * 2, "of a provider of one's own, also in one's own networks"
    assert "172.16.0.0/12" in str(proxy_policy(OWN_PROVIDER)["spec"]["egress"][-1]["to"])
    assert "0.0.0.0/0" not in out(PUBLIC) + out(INTERNAL)
    assert "search" in out(PUBLIC)


def test_rules_are_there_before_the_gateway_and_kinds_before_both() -> None:
    engine = record(lambda: Gateway("gateway", GatewayArgs(PUBLIC)))
    made = engine.named("gateway-gateway")
    assert {
        "gateway-authentication", "gateway-clients", "gateway-servers", "gateway-class", "gateway-proxies",
    } <= made.depends_on  # fmt: skip
    assert "gateway-certificate" in {registration.name for registration in engine.registrations}
    internal = record(lambda: Gateway("gateway", GatewayArgs(INTERNAL)))
    names = {registration.name for registration in internal.registrations}
    assert not names & {"gateway-authentication", "gateway-certificate"}


def test_a_stack_with_a_gateway_routes_each_model_and_lets_its_proxies_in() -> None:
    sections = {
        "nodePools": [{"name": "l4", "instanceTypes": ["g6.2xlarge"], "minNodes": 2, "maxNodes": 2}],
        "systemNodes": {"minNodes": 3},
        "gateway": SECTION,
        "models": [model(), model(name="other", servedName="other", namespace="search")],
    }
    engine = run_program(sections, "dev", secrets={"grafanaPassword": "canary-1"})
    named = [registration for registration in engine.registrations if registration.name.endswith("-route")]
    assert {each.inputs["metadata"]["namespace"] for each in named} == {"models", "search"}
    for each in named:
        assert "gateway-gateway" in each.depends_on
    policy = engine.named("chat-network-policy").inputs["spec"]["ingress"][0]["from"]
    assert {"kubernetes.io/metadata.name": "gateway"} in [peer["namespaceSelector"]["matchLabels"] for peer in policy]
    releases = [each.inputs["name"] for each in engine.all("kubernetes:helm.sh/v3:Release")]
    assert releases.index("cert-manager") < releases.index("gateway-helm")
    assert {"cert-manager", "envoy-gateway-gateway-helm"} <= engine.named("gateway-gateway").depends_on


@pytest.mark.parametrize(("plan", "signer"), [(TOKENS, "wellKnownCACertificates"), (OWN_PROVIDER, "caCertificateRefs")])
def test_keys_of_tokens_come_from_a_server_whose_certificate_has_its_name(plan: GatewayPlan, signer: str) -> None:
    trust, server = key_server(plan).values()
    (target,) = trust["spec"]["targetRefs"]
    assert security_policy(plan)["spec"]["jwt"]["providers"][0]["remoteJWKS"]["backendRefs"] == [target]
    assert (server["kind"], server["metadata"]["name"]) == (target["kind"], target["name"])
    (endpoint,) = server["spec"]["endpoints"]
    assert set(trust["spec"]["validation"]) == {"hostname", signer}
    assert trust["spec"]["validation"]["hostname"] == endpoint["fqdn"]["hostname"] == plan.authentication.jwks_host
    assert key_server(PUBLIC) == {}


def test_a_token_ends_at_the_gateway_and_has_to_say_whose_it_is_and_until_when() -> None:
    rules = route(MODEL, TOKENS)["spec"]["rules"]
    taken_off = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["Authorization"]}}
    assert all(taken_off in rule["filters"] for rule in rules)
    assert all(taken_off not in rule.get("filters", []) for rule in route(MODEL, PUBLIC)["spec"]["rules"])
    authorization = security_policy(TOKENS)["spec"]["authorization"]
    assert authorization["defaultAction"] == "Deny"
    (rule,) = authorization["rules"]
    assert {"'exp' in", "'sub' in"} <= {part.strip()[:8] for part in rule["cel"].split("&&")}
    assert "authorization" not in security_policy(PUBLIC)["spec"]


def test_versions_that_clients_stay_with_are_clusters_of_their_own() -> None:
    """Of one cluster Envoy Gateway's consistent hash would know no weights."""
    first, *_ = route(MODEL, shared_out(PUBLIC))["spec"]["rules"]
    told = [
        (each["name"], each["weight"], each["filters"][0]["responseHeaderModifier"]["set"][0]["value"])
        for each in first["backendRefs"]
    ]
    assert told == [("llama", 90, "llama"), ("llama-next", 10, "llama-next")]


def test_versions_share_by_weight_and_one_is_had_always_by_its_header() -> None:
    plan = replace(shared_out(PUBLIC), session_headers={})
    first, *others = route(MODEL, plan)["spec"]["rules"]
    assert first["backendRefs"] == [
        {"name": "llama", "port": 8000, "weight": 90},
        {"name": "llama-next", "port": 8000, "weight": 10},
    ]
    sticky = {rule["matches"][0]["headers"][-1]["value"]: rule["backendRefs"] for rule in others[:2]}
    assert sticky == {name: [{"name": name, "port": 8000, "weight": 1}] for name in ("llama", "llama-next")}, (
        "by x-version"
    )
    assert all(rule["backendRefs"] == first["backendRefs"] for rule in others[2:]), "by the name before the path, too"


@pytest.mark.parametrize("plan", GATEWAYS.values(), ids=list(GATEWAYS))
def test_a_client_that_keeps_its_server_is_treated_as_all_others(plan: GatewayPlan) -> None:
    """A policy of a route stands in the place of the gateway's, so it says all of it."""
    spec = session_policy(MODEL, plan, "x-user")["spec"]
    balancer = spec.pop("loadBalancer")
    assert balancer == {
        "type": "ConsistentHash",
        "consistentHash": {"type": "Headers", "headers": [{"name": "x-user"}]},
    }
    assert [(ref["kind"], ref["name"]) for ref in spec.pop("targetRefs")] == [("HTTPRoute", "llama")]
    common = backend_policy(plan)["spec"]
    assert spec == {key: value for key, value in common.items() if key != "targetRefs"}


def test_only_a_model_with_a_session_header_has_a_policy_of_its_own() -> None:
    sections = {
        "nodePools": [{"name": "l4", "instanceTypes": ["g6.2xlarge"], "minNodes": 2, "maxNodes": 2}],
        "systemNodes": {"minNodes": 3},
        "gateway": SECTION,
        "models": [model(sessionHeader="x-user"), model(name="other", servedName="other", namespace="search")],
    }
    engine = run_program(sections, "dev", secrets={"grafanaPassword": "canary-1"})
    policies = engine.all("kubernetes:gateway.envoyproxy.io/v1alpha1:BackendTrafficPolicy")
    assert sorted(policy.name for policy in policies) == ["chat-sessions", "gateway-servers"]
    assert engine.named("chat-sessions").inputs["metadata"]["namespace"] == "models"
    assert "gateway-gateway" in engine.named("chat-sessions").depends_on


def test_a_versions_own_route_is_its_name_before_the_path_and_nothing_else() -> None:
    version = route(replace(MODEL, name="llama-next"), shared_out(PUBLIC))["spec"]
    paths = {match["path"]["value"] for rule in version["rules"] for match in rule["matches"]}
    assert paths == {f"/llama-next{path}" for path in PUBLIC.paths}
    assert {ref["name"] for rule in version["rules"] for ref in rule["backendRefs"]} == {"llama-next"}


def test_the_most_versions_and_paths_fit_into_a_route() -> None:
    versions = tuple((f"v{number}", 12) for number in range(8))
    paths = tuple(f"/v1/{number}" for number in range(6))
    plan = replace(PUBLIC, paths=paths, versions={"llama": versions})
    assert len(route(MODEL, plan)["spec"]["rules"]) <= 16, "Gateway API's limit"


@pytest.mark.parametrize("plan", [PUBLIC, INTERNAL], ids=["several", "alone"])
def test_a_model_whose_address_has_other_paths_is_asked_by_the_usual_ones(plan: GatewayPlan) -> None:
    """KubeAI's proxy answers below /openai: each path is rewritten, so each has a rule of its own."""
    there = on(MODEL, "kubeai")
    rules = route(there, plan)["spec"]["rules"]
    told = [
        (match["path"]["value"], change["urlRewrite"]["path"]["replaceFullPath"], match.get("headers"))
        for rule in rules
        for match in rule["matches"]
        for change in rule["filters"]
    ]
    usual = [match.get("headers") for match in _matches(route(MODEL, plan))[: len(plan.paths)]]
    assert told == [
        *((path, f"/openai{path}", headers) for path, headers in zip(plan.paths, usual, strict=True)),
        *((f"/llama{path}", f"/openai{path}", None) for path in plan.paths),
    ]
    assert {ref["name"] for rule in rules for ref in rule["backendRefs"]} == {"llama"}
    longest = replace(plan, paths=tuple(f"/v1/{index}" for index in range(6)))
    assert len(route(there, longest)["spec"]["rules"]) <= 16, "Gateway API's limit"
