"""Managed pools on capacity reservations and Capacity Blocks: what is planned, counted, priced and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from planning.cluster.quotas import quotas, surge_nodes
from planning.facts import rows
from planning.model import PlanRefused, ReservationPlan, Severity, StackPlan
from planning.nodes.instances import instance_types
from planning.nodes.reservations import block_families
from planning.plan import plan
from settings.read import read
from tests.golden import assert_matches
from tests.planning.stacks import errors, model, planned, pool, refusal, rules, stack

GOLDENS = Path(__file__).parents[1] / "goldens"
ONE, OTHER = "cr-0123456789abcdef0", "cr-0fedcba9876543210"
GROUP = "arn:aws:resource-groups:us-east-1:210987654321:group/l4"
EXISTING = {"kind": "existing", "vpcId": "vpc-0abc", "privateSubnetIds": ["subnet-0a", "subnet-0b"]}
KARPENTER = {"kind": "karpenter", "amiReleaseVersion": "1.35.4-20260505", "capacityTypes": ["reserved"]}


def reserved(**changes: Any) -> dict[str, Any]:
    """L4 nodes of a reservation."""
    return pool(**{"capacity": {"kind": "reservation", "id": ONE}, "zones": ["us-east-1b"], **changes})


def block(**changes: Any) -> dict[str, Any]:
    """H100 nodes of a Capacity Block."""
    h100 = {"name": "h", "instanceTypes": ["p5.48xlarge"], "diskGib": 1200, "zones": ["us-east-1b"]}
    return {**h100, "capacity": {"kind": "capacityBlock", "id": ONE}, **changes}


def node_line(stack_plan: StackPlan) -> str:
    (source,) = [
        line.source
        for line in stack_plan.cost.lines
        if line.what.startswith(f"nodes of {stack_plan.gpu_pools[0].name}")
    ]
    return source


@pytest.mark.parametrize("word", ["onDemand", "spot"])
def test_a_word_and_its_section_are_the_same(word: str) -> None:
    short = {"drain": {"shutdownTimeoutSeconds": 60}}
    as_word = planned(nodePools=[pool(capacity=word)], models=[model(**short)])
    as_section = planned(nodePools=[pool(capacity={"kind": word})], models=[model(**short)])
    assert as_word == as_section
    assert as_word.gpu_pools[0].reservation is None


def test_nodes_of_a_reservation_are_on_demand_ones_that_name_it() -> None:
    stack_plan = planned(nodePools=[reserved()])
    assert stack_plan.gpu_pools[0].capacity_type == "ON_DEMAND"
    assert stack_plan.gpu_pools[0].reservation == ReservationPlan(ONE)
    assert "L-DB2E81BA" in {need.quota.code for need in quotas(stack_plan)}
    assert "billed at this price for all its instances, with nodes and without" in node_line(stack_plan)


def test_a_group_of_reservations_may_hold_several_types_and_zones() -> None:
    asked = pool(capacity={"kind": "reservation", "resourceGroupArn": GROUP}, instanceTypes=["g6.xlarge", "g6.2xlarge"])
    assert planned(nodePools=[asked]).gpu_pools[0].reservation == ReservationPlan(None, GROUP)
    elsewhere = pool(capacity={"kind": "reservation", "resourceGroupArn": GROUP.replace("us-east-1", "eu-west-1")})
    assert (
        "write a group of us-east-1" in errors(refusal(nodePools=[elsewhere]))["nodePools[0].capacity.resourceGroupArn"]
    )


def test_a_capacity_block_takes_no_quota_and_is_paid_in_advance() -> None:
    stack_plan = planned(nodePools=[block()])
    assert stack_plan.gpu_pools[0].capacity_type == "CAPACITY_BLOCK"
    assert stack_plan.gpu_pools[0].reservation == ReservationPlan(ONE)
    assert "L-417A185B" not in {need.quota.code for need in quotas(stack_plan)}
    assert "paid whole and in advance" in node_line(stack_plan)


def test_replicas_that_must_stay_are_told_that_a_block_ends_in_production_only() -> None:
    assert "capacity-block-ends" in rules(planned("prod", nodePools=[block()]).findings, Severity.WARNING)
    assert "capacity-block-ends" not in rules(planned("dev", nodePools=[block()]).findings, Severity.WARNING)
    assert "capacity-block-ends" not in rules(planned("prod", nodePools=[reserved()]).findings, Severity.WARNING)


@pytest.mark.parametrize("asked", [reserved, block])
def test_a_reservation_stands_in_one_zone(asked: Any) -> None:
    refused = errors(refusal(nodePools=[asked(zones=[])]))
    assert "write zones: [<its zone>], for example [us-east-1a]" in refused["nodePools[0].zones"]
    refused = errors(refusal(nodePools=[asked(zones=[])], network=EXISTING))
    assert f"describe-capacity-reservations --capacity-reservation-ids {ONE}" in refused["nodePools[0].subnetIds"]


@pytest.mark.parametrize("asked", [reserved, block])
def test_in_an_existing_network_the_pool_says_which_subnets_are_in_the_zone(asked: Any) -> None:
    stack_plan = planned(nodePools=[asked(zones=[], subnetIds=["subnet-0b"])], network=EXISTING)
    assert stack_plan.gpu_pools[0].subnet_ids == ("subnet-0b",)
    assert stack_plan.gpu_pools[0].reservation == ReservationPlan(ONE)


def test_subnets_are_the_networks_and_of_an_existing_one() -> None:
    told = errors(refusal(nodePools=[pool(subnetIds=["subnet-0a", "subnet-0c"])], network=EXISTING))
    assert "subnet-0c is not in network.privateSubnetIds (subnet-0a, subnet-0b)" in told["nodePools[0].subnetIds[1]"]
    assert (
        "write zones, of us-east-1a"
        in errors(refusal(nodePools=[pool(subnetIds=["subnet-0a"])]))["nodePools[0].subnetIds"]
    )
    told = errors(refusal(nodePools=[pool(zones=["us-east-1a"])], network=EXISTING))
    assert "write subnetIds" in told["nodePools[0].zones"]
    twice = planned(nodePools=[pool(subnetIds=["subnet-0a", "subnet-0a"])], network=EXISTING)
    assert twice.gpu_pools[0].subnet_ids == ("subnet-0a",)


def test_an_updates_surge_counts_the_pools_own_subnets() -> None:
    wide = planned(nodePools=[pool(updateStrategy="surge")], network=EXISTING)
    narrow = planned(nodePools=[pool(updateStrategy="surge", subnetIds=["subnet-0a"])], network=EXISTING)
    assert surge_nodes(wide.gpu_pools[0], wide.network) == 4
    assert surge_nodes(narrow.gpu_pools[0], narrow.network) == 2


def test_a_reservation_holds_one_type() -> None:
    refused = errors(refusal(nodePools=[reserved(instanceTypes=["g6.xlarge", "g6.2xlarge"])]))
    assert "nodes of the others never start" in refused["nodePools[0].instanceTypes"]
    same = planned(nodePools=[reserved(instanceTypes=["g6.xlarge", "g6.xlarge"])])
    assert same.gpu_pools[0].instance_types == ("g6.xlarge",)


def test_two_pools_of_one_reservation_are_told_and_one_shared_with_karpenter_is_refused() -> None:
    models = [model(pool="a")]
    both = planned(nodePools=[reserved(name="a"), reserved(name="b")], models=models)
    assert "reservation-shared" in rules(both.findings, Severity.WARNING)
    apart = reserved(name="b", capacity={"kind": "reservation", "id": OTHER})
    alone = planned(nodePools=[reserved(name="a"), apart], models=models)
    assert "reservation-shared" not in rules(alone.findings, Severity.WARNING)
    karpenter = pool(name="b", capacityReservationIds=[ONE], **KARPENTER)
    refused = errors(refusal(nodePools=[reserved(name="a"), karpenter], models=models))
    assert "Karpenter takes what is free in it" in refused["nodePools[0].capacity.id"]


def test_the_families_of_blocks_are_ones_of_the_catalogue() -> None:
    known = {instance_type.family for instance_type in instance_types().values() if instance_type.gpu}
    assert set(block_families()) <= known
    assert all(row["source"].startswith("https://docs.aws.amazon.com/") for row in rows("capacity_blocks.csv"))


@pytest.mark.parametrize(
    ("capacity", "words"),
    [
        ({"kind": "reservation"}, "neither of id and resourceGroupArn"),
        ({"kind": "reservation", "id": ONE, "resourceGroupArn": GROUP}, "both of id and resourceGroupArn"),
        ({"kind": "reservation", "id": "cr-xyz"}, "write cr- and hex digits"),
        ({"kind": "reservation", "resourceGroupArn": "l4"}, "not the ARN of a resource group"),
        ({"kind": "capacityBlock", "resourceGroupArn": GROUP}, "resourceGroupArn"),
        ({"kind": "spot", "id": ONE}, "id"),
    ],
)
def test_what_cannot_be_is_refused_by_the_settings(capacity: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        stack(nodePools=[pool(capacity=capacity)])


def test_a_block_has_no_further_nodes_for_a_surge() -> None:
    with pytest.raises(ValidationError, match="write updateStrategy: minimal"):
        stack(nodePools=[block(updateStrategy="surge")])
    assert stack(nodePools=[reserved(updateStrategy="surge")])


@pytest.mark.parametrize(
    ("capacity", "path", "words"),
    [
        ("spott", "capacity", "'spott' is not a capacity; did you mean spot? or write onDemand, spot, {kind: reserv"),
        (7, "capacity", "7 is not a capacity; write onDemand, spot, {kind: reservation"),
        ({"id": ONE}, "capacity", "has no kind; write kind: one of capacityBlock, onDemand, reservation, spot"),
        ({"kind": "spot", "id": ONE}, "capacity.id", "kind spot has no such key, only capacityBlock, reservation has"),
        ({"kind": "reservation", "ids": [ONE]}, "capacity.ids", "unknown key; did you mean id?"),
        ({"kind": "block", "id": ONE}, "capacity", "kind 'block' is unknown; write one of"),
    ],
)
def test_a_wrong_capacity_is_told_with_its_path(capacity: Any, path: str, words: str) -> None:
    loaded = read({"nodePools": [pool(capacity=capacity)]}, "dev")
    texts = {problem.path: problem.text for problem in loaded.problems}
    assert texts[f"nodePools[0].{path}"].startswith(words)


def test_the_whole_refusal() -> None:
    pools = [
        block(name="a", instanceTypes=["g6.xlarge", "g6.2xlarge"], diskGib=200, zones=[]),
        pool(name="b", capacityReservationIds=[ONE], **KARPENTER),
        reserved(name="c", zones=["us-east-1a", "us-east-1b"], capacity={"kind": "reservation", "id": OTHER}),
        pool(
            name="d",
            capacity={"kind": "reservation", "resourceGroupArn": GROUP.replace("us-east-1", "eu-west-1")},
        ),
    ]
    with pytest.raises(PlanRefused) as refused:
        plan(stack(nodePools=pools, models=[model(pool="a")]), "prod")
    assert_matches(GOLDENS / "refusal-reservations.txt", str(refused.value) + "\n")
