"""Mistakes of a production stack that cost money or an outage: refused with path, value, limit and what to write."""

from __future__ import annotations

from typing import Any

import pytest

from planning.decide import decide
from planning.model import PlanRefused, Severity
from settings.read import read
from tests.planning.stacks import model, pool, reached

SPOT = {"instanceTypes": ["g6.xlarge", "g6.2xlarge"]}
KARPENTER = {"kind": "karpenter", "amiReleaseVersion": "1.35.4-20260505"}
EXISTING = {
    "cluster": {"kind": "existing", "name": "shared"},
    "network": {
        "kind": "existing",
        "vpcId": "vpc-0123456789abcdef0",
        "privateSubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    },
}
GATEWAY = {
    "kind": "gatewayApi",
    "host": "llm.acme.dev",
    "certificate": {"kind": "secret", "name": "tls"},
    "sourceRanges": ["10.0.0.0/16", "10.0.3.0/24"],
}

# What is written, where it is refused, and words of value, limit and fix.
REFUSED: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "a network of a size that no VPC has": ({"network": {"cidr": "10.0.0.0/8"}}, "network", ("/8", "/16 to /20")),
    "a block in another, public": (
        {"cluster": {"endpointAccess": "publicAndPrivate", "publicAccessCidrs": ["54.0.0.0/24", "54.0.0.10/32"]}},
        "cluster",
        ("54.0.0.10/32", "54.0.0.0/24", "leave 54.0.0.10/32 out"),
    ),
    "a block in another, private": (
        {"cluster": {"privateAccessCidrs": ["10.1.2.0/24", "10.1.0.0/16"]}},
        "cluster",
        ("10.1.2.0/24", "10.1.0.0/16", "leave 10.1.2.0/24 out"),
    ),
    "a block in another, of a proxy": (
        {"downloads": {"proxy": "http://10.1.2.3:3128", "cidrs": ["10.1.2.0/24", "10.1.2.3/32"]}},
        "downloads",
        ("10.1.2.3/32", "10.1.2.0/24"),
    ),
    "a zone that the network has not": (
        {"nodePools": [pool(zones=["us-east-1e"])]},
        "nodePools[0].zones[0]",
        ("us-east-1e", "us-east-1a, us-east-1b"),
    ),
    "spot alone for a floor, managed": (
        {"nodePools": [pool(**SPOT, capacity="spot")]},
        "nodePools[0].capacity",
        ("spot", "minReplicas of chat", "capacity: onDemand"),
    ),
    "spot alone for a floor, Karpenter's": (
        {"nodePools": [pool(**KARPENTER, **SPOT, capacityTypes=["spot"])]},
        "nodePools[0].capacityTypes",
        ("[spot]", "minReplicas of chat", "[spot, onDemand]"),
    ),
    "a reservation with spot, Karpenter's": (
        {"nodePools": [pool(**KARPENTER, capacityTypes=["spot"], capacityReservationIds=["cr-0123456789abcdef0"])]},
        "nodePools[0]",
        ("[spot]", "billed all the same", "[reserved, spot]"),
    ),
    "a reservation with spot, managed": (
        {"nodePools": [pool(capacity={"kind": "spot", "id": "cr-0123456789abcdef0"})]},
        "nodePools[0].capacity.id",
        ("spot has no such key", "reservation"),
    ),
    "a budget under what the fewest nodes cost": (
        {"budget": {"usdPerHour": 0.5}},
        "budget.usdPerHour",
        ("$0.50 an hour", "even at fewest nodes it is $", "raise the budget"),
    ),
    "a quota under what a tenant's models need": (
        {
            "tenants": [{"name": "a", "namespace": "team-a", "groups": ["g"], "quota": {"gpus": 0}}],
            "models": [model(namespace="team-a")],
        },
        "tenants[0].quota.gpus",
        ("0", "models request 2", "write gpus: 2 or more"),
    ),
    "no revision": (
        {"models": [{key: value for key, value in model().items() if key != "revision"}]},
        "models[0].revision",
        ("is missing",),
    ),
    "a branch for a revision": (
        {"models": [model(revision="main")]},
        "models[0].revision",
        ("'main'", "40 hex digits", "take the id"),
    ),
    "nodes kept by two": (
        {"nodePools": [pool(**KARPENTER, minNodes=1)]},
        "nodePools[0].minNodes",
        ("karpenter has no such key", "leave it out"),
    ),
    "a second Karpenter in somebody else's cluster": (
        {**EXISTING, "nodePools": [pool(**KARPENTER)]},
        "nodePools[0].kind",
        ("cluster shared", "two of them", "write kind: managed"),
    ),
    "a volume of one node that every pod writes": (
        {
            "models": [
                model(
                    cache={"kind": "persistentVolume", "storageClass": "gp3"},
                    autoscaling={"minReplicas": 2, "maxReplicas": 3},
                )
            ]
        },
        "models[0].cache.accessMode",
        ("gp3 makes EBS volumes", "one node mounts", "write kind: efs"),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_where_it_stands_with_value_limit_and_fix(what: str) -> None:
    sections, path, words = REFUSED[what]
    given = {"nodePools": [pool()], "models": [model()], **sections}
    given["cluster"] = reached(given.get("cluster", {}))
    with pytest.raises(PlanRefused) as refused:
        decide(read(given, "prod"))
    findings = [finding for finding in refused.value.findings if finding.severity is Severity.ERROR]
    there = [finding for finding in findings if finding.path.startswith(path)]
    assert there, [str(finding) for finding in findings]
    assert all(word in there[0].text for word in words), there[0].text
    assert there[0].fix


def test_what_is_refused_in_production_for_its_floor_is_fine_elsewhere_and_without_a_floor() -> None:
    spot = {"nodePools": [pool(**SPOT, capacity="spot")], "models": [model()], "cluster": reached({})}
    assert decide(read(spot, "dev")).gpu_pools[0].capacity_type == "SPOT"
    both = [pool(**SPOT, capacity="spot"), pool(name="floor")]
    assert decide(read({**spot, "nodePools": both, "models": [model(pool="floor")]}, "prod"))


def test_a_type_that_the_region_does_not_sell_is_told_by_our_table_and_refused_by_the_preflight() -> None:
    """The table is of one day, so the plan warns; tests/preflight/test_questions.py has AWS' own answer."""
    given = {"nodePools": [pool()], "models": [model()], "cluster": reached({}), "region": "af-south-1"}
    (told,) = [finding for finding in decide(read(given, "prod")).findings if finding.rule == "region-family"]
    assert (told.path, told.severity) == ("nodePools[0].instanceTypes[0]", Severity.WARNING)
    assert "there: g4dn" in told.message


def test_a_gateways_sources_are_held_to_the_same() -> None:
    given = {"nodePools": [pool()], "models": [model()], "cluster": reached({}), "gateway": GATEWAY}
    with pytest.raises(PlanRefused, match=r"sourceRanges lists 10\.0\.3\.0/24, which lies in 10\.0\.0\.0/16"):
        decide(read(given, "prod"))
