"""What a gateway is refused for, and what the plan makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from settings.read import read
from tests.planning.stacks import errors, model, planned, pool, refusal

OWN = {"kind": "gatewayApi", "host": "llm.example.com", "certificate": {"kind": "secret", "name": "tls"}}
PUBLIC = {
    **OWN,
    "access": "public",
    "sourceRanges": ["54.0.0.0/24"],
    "authentication": {"kind": "apiKeys", "secret": "k"},
}
ROOM = {"systemNodes": {"minNodes": 3}}


def problems(gateway: dict[str, Any]) -> list[str]:
    return [
        str(problem)
        for problem in read({"gateway": gateway, "nodePools": [pool()], "models": [model()]}, "dev").problems
    ]


def without(section: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name != key}


@pytest.mark.parametrize(
    ("gateway", "words"),
    [
        (without(OWN, "certificate"), "gateway.certificate"),
        (without(OWN, "host"), "gateway.host"),
        ({**OWN, "authentication": {"kind": "mtls"}}, "gateway.authentication.secret"),
        ({**OWN, "retries": 9}, "gateway.retries"),
        ({**OWN, "requestsPerMinute": 0}, "gateway.requestsPerMinute"),
        (without(PUBLIC, "sourceRanges"), "access is public without sourceRanges"),
        (without(PUBLIC, "authentication"), "access is public without authentication"),
        ({**PUBLIC, "authentication": {"kind": "none"}}, "access is public without authentication"),
        ({**PUBLIC, "sourceRanges": ["0.0.0.0/0"]}, "opens the gateway to the whole internet"),
        ({**OWN, "host": "llm"}, "not a host name"),
        ({**OWN, "paths": ["/metrics"]}, "not a path of the API"),
        (
            {
                **OWN,
                "authentication": {"kind": "jwt", "issuer": "https://i", "audiences": ["a"], "jwksUri": "http://i/k"},
            },
            "who alters the keys on the way lets himself in",
        ),
    ],
)
def test_what_would_stand_open_is_refused(gateway: dict[str, Any], words: str) -> None:
    told = problems(gateway)
    assert any(words in each for each in told), told


def tokens(address: str, **more: str) -> dict[str, Any]:
    jwt = {"kind": "jwt", "issuer": "https://id.example.com", "audiences": ["llm"], "jwksUri": address, **more}
    return {**OWN, "authentication": jwt}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://10.0.0.7/keys", "its certificate is checked against a name"),
        ("https://[fd00::7]/keys", "its certificate is checked against a name"),
        ("https://id/keys", "its certificate is checked against a name"),
        ("https://id.example.com:0/keys", "its port is no number from 1 to 65535"),
        ("https://id.example.com:70000/keys", "its port is no number from 1 to 65535"),
        ("https://id.example.com:https/keys", "its port is no number from 1 to 65535"),
        ("https://id_1.example.com/keys", "neither a name nor an IP address"),
        ("https:///keys", "neither a name nor an IP address"),
        ("https://me@id.example.com/keys", "a user or a password would stand in manifests"),
        ("https://id.example.com/keys#1", "what stands after '#'"),
        ("http://id.example.com/keys", "who alters the keys on the way lets himself in"),
    ],
)
def test_an_address_of_tokens_keys_that_nobody_could_trust_is_refused(address: str, words: str) -> None:
    told = problems(tokens(address))
    assert any("jwksUri" in problem and words in problem for problem in told), told


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("https://id.example.com/keys", "id.example.com", 443),
        ("https://ID.example.com.:8443/keys?v=1", "id.example.com", 8443),
    ],
)
def test_the_plan_names_the_server_of_tokens_keys(address: str, host: str, port: int) -> None:
    plan = planned(gateway=tokens(address, ca="id-ca"), **ROOM).gateway
    assert plan is not None
    told = plan.authentication
    assert (told.jwks_host, told.jwks_port, told.jwks_ca, told.jwks_uri) == (host, port, "id-ca", address)
    assert "10.0.0.0/8" in told.jwks_ranges
    public = planned(gateway=tokens(address), **ROOM).gateway
    assert public is not None
    assert public.authentication.jwks_ranges == ()


def test_what_is_closed_is_taken() -> None:
    assert problems(OWN) == []
    assert problems(PUBLIC) == []


def test_two_models_of_one_served_name_behind_one_gateway_are_refused_with_both() -> None:
    both = [model(), model(name="other")]
    message = errors(refusal(models=both, nodePools=[pool(minNodes=2)], gateway=OWN, **ROOM))["models[1].servedName"]
    assert "what clients already get from models[0] chat" in message
    assert planned(models=both, nodePools=[pool(minNodes=2)]).gateway is None, "without a gateway each has its address"
    named = [model(), model(name="other", servedName="other")]
    assert planned(models=named, nodePools=[pool(minNodes=2)], gateway=OWN, **ROOM).gateway is not None


def test_the_plan_says_who_may_connect_and_what_stands_behind_it() -> None:
    plan = planned(gateway=OWN, **ROOM)
    assert plan.gateway is not None
    assert (plan.gateway.source_ranges, plan.gateway.public, plan.gateway.alone) == (("10.0.0.0/16",), False, "chat")
    assert plan.models[0].client_namespaces == ("gateway",)
    assert [operator.name for operator in plan.operators] == ["envoy-gateway"]
    issued = planned(gateway={**OWN, "certificate": {"kind": "certManager", "issuer": "le"}}, **ROOM)
    assert [operator.name for operator in issued.operators] == ["cert-manager", "envoy-gateway"]
    assert planned().models[0].client_namespaces == ()


def test_of_a_network_that_exists_the_sources_are_asked_for() -> None:
    subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    existing = {
        "cluster": {"kind": "existing", "name": "main"},
        "network": {"kind": "existing", "vpcId": "vpc-0123456789abcdef0", "privateSubnetIds": subnets},
    }
    assert "gateway.sourceRanges" in errors(refusal(gateway=OWN, **existing))


def test_an_adapters_name_is_a_name_that_clients_get_from_one_model_only() -> None:
    adapters = [{"name": "legal", "source": "org/adapter", "revision": "a" * 40}]
    both = [model(loraAdapters=adapters), model(name="other", servedName="other", loraAdapters=adapters)]
    told = errors(refusal(models=both, nodePools=[pool(minNodes=2)], gateway=OWN, **ROOM))
    assert "legal is what clients already get from models[0]" in told["models[1].loraAdapters[0].name"]


KEYS = {**OWN, "authentication": {"kind": "apiKeys", "secret": "keys"}}


def test_a_tenants_own_keys_need_a_gateway_that_asks_for_keys() -> None:
    tenants = [{"name": "search", "namespace": "models", "apiKeys": "search-keys"}]
    for gateway in ({"kind": "none"}, OWN):
        message = errors(refusal(tenants=tenants, gateway=gateway, **ROOM))["tenants[0].apiKeys"]
        assert "search-keys, and nothing here asks for keys" in message
    plan = planned(tenants=tenants, gateway=KEYS, **ROOM).gateway
    assert plan is not None
    assert plan.tenant_secrets == {"models": "search-keys"}
    assert plan.names_of == {"chat": (model()["source"],)}
