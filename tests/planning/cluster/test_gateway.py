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
        str(each) for each in read({"gateway": gateway, "nodePools": [pool()], "models": [model()]}, "dev").problems
    ]


def without(section: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name != key}


@pytest.mark.parametrize(
    ("gateway", "words"),
    [
        (without(OWN, "certificate"), "gateway.certificate"),
        (without(OWN, "host"), "gateway.host"),
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


def test_what_is_closed_is_taken() -> None:
    assert problems(OWN) == []
    assert problems(PUBLIC) == []


def test_two_models_of_one_served_name_behind_one_gateway_are_refused_with_both() -> None:
    both = [model(), model(name="other")]
    told = errors(refusal(models=both, nodePools=[pool(minNodes=2)], gateway=OWN, **ROOM))["models[1].servedName"]
    assert "what clients already get from models[0] chat" in told
    assert planned(models=both, nodePools=[pool(minNodes=2)]).gateway is None, "without a gateway each has its address"
    named = [model(), model(name="other", servedName="other")]
    assert planned(models=named, nodePools=[pool(minNodes=2)], gateway=OWN, **ROOM).gateway is not None


def test_the_plan_says_who_may_connect_and_what_stands_behind_it() -> None:
    plan = planned(gateway=OWN, **ROOM)
    assert plan.gateway is not None
    assert (plan.gateway.source_ranges, plan.gateway.public, plan.gateway.alone) == (("10.0.0.0/16",), False, "chat")
    assert plan.models[0].client_namespaces == ("gateway",)
    assert [each.name for each in plan.operators] == ["envoy-gateway"]
    issued = planned(gateway={**OWN, "certificate": {"kind": "certManager", "issuer": "le"}}, **ROOM)
    assert [each.name for each in issued.operators] == ["cert-manager", "envoy-gateway"]
    assert planned().models[0].client_namespaces == ()


def test_of_a_network_that_exists_the_sources_are_asked_for() -> None:
    subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    existing = {
        "cluster": {"kind": "existing", "name": "main"},
        "network": {"kind": "existing", "vpcId": "vpc-0123456789abcdef0", "privateSubnetIds": subnets},
    }
    assert "gateway.sourceRanges" in errors(refusal(gateway=OWN, **existing))
