from __future__ import annotations

import ipaddress

import pytest

from planning.cluster.network import MOST_ZONES, private_cidr, public_cidr
from planning.facts import rows
from planning.model import CreateNetworkPlan
from tests.planning.stacks import errors, planned, refusal


def test_a_deployed_stack_has_these_blocks() -> None:
    assert [private_cidr("10.0.0.0/16", i) for i in range(3)] == ["10.0.0.0/19", "10.0.32.0/19", "10.0.64.0/19"]
    assert [public_cidr("10.0.0.0/16", i) for i in range(3)] == ["10.0.224.0/22", "10.0.228.0/22", "10.0.232.0/22"]
    assert private_cidr("10.1.0.0/20", 0) == "10.1.0.0/23"
    assert public_cidr("10.1.0.0/20", 6) == "10.1.15.128/26"


@pytest.mark.parametrize("prefix", range(16, 21))
def test_subnets_lie_in_the_vpc_and_do_not_overlap(prefix: int) -> None:
    vpc = ipaddress.ip_network(f"10.16.0.0/{prefix}")
    blocks = [ipaddress.ip_network(cut(str(vpc), i)) for cut in (private_cidr, public_cidr) for i in range(MOST_ZONES)]
    assert all(block.subnet_of(vpc) for block in blocks)
    assert not any(a.overlaps(b) for n, a in enumerate(blocks) for b in blocks[:n])


def test_an_eighth_zone_has_no_block() -> None:
    with pytest.raises(IndexError):
        private_cidr("10.0.0.0/16", MOST_ZONES)


def test_zones_default_to_the_first_two_of_the_region_and_one_nat() -> None:
    network = planned(region="eu-central-1").network
    assert network.zones == ("eu-central-1a", "eu-central-1b")
    assert network.nat_zones == ("eu-central-1a",)
    assert [subnet.public for subnet in network.subnets] == [False, False, True, True]


def test_one_nat_per_zone_when_asked() -> None:
    assert planned(network={"natGateways": "perZone"}).network.nat_zones == ("us-east-1a", "us-east-1b")


def test_zones_of_another_region_and_doubled_zones_are_refused() -> None:
    refused = errors(refusal(network={"zones": ["us-east-1a", "us-west-2a", "us-east-1a"]}))
    assert "us-west-2a is not in region us-east-1" in refused["network.zones[1]"]
    assert "listed 2 times" in refused["network.zones"]


def test_a_pool_in_a_zone_the_network_has_not_is_refused() -> None:
    from tests.planning.stacks import pool

    assert "us-east-1f" in errors(refusal(nodePools=[pool(zones=["us-east-1f"])]))["nodePools[0].zones[0]"]


def test_zones_of_existing_subnets_cannot_be_chosen() -> None:
    from tests.planning.stacks import pool

    findings = refusal(
        cluster={"kind": "existing", "name": "main"},
        network={"kind": "existing", "vpcId": "vpc-0a", "privateSubnetIds": ["subnet-0a", "subnet-0b"]},
        nodePools=[pool(zones=["us-east-1a"])],
    )
    assert "network.privateSubnetIds" in errors(findings)["nodePools[0].zones"]


@pytest.mark.parametrize(("region", "zones"), [("us-east-1", "ab"), ("ap-northeast-1", "ac"), ("eu-west-3", "ab")])
def test_zones_that_nobody_wrote_are_two_that_an_account_most_likely_has(region: str, zones: str) -> None:
    network = planned(region=region).network
    assert isinstance(network, CreateNetworkPlan)
    assert network.zones == tuple(f"{region}{letter}" for letter in zones)


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("us-gov-west-1", "GovCloud"),
        ("cn-north-1", "China"),
        ("us-iso-east-1", "isolated"),
        ("eusc-de-east-1", "Sovereign"),
    ],
)
def test_a_partition_where_nobody_ever_ran_a_stack_is_refused_by_name(region: str, name: str) -> None:
    told = errors(refusal(region=region))["region"]
    assert name in told
    assert "us-east-1" in told


def test_every_partition_of_a_region_has_a_row() -> None:
    known = {row["partition"] for row in rows("partitions.csv")}
    assert {row["partition"] for row in rows("regions.csv")} == known
