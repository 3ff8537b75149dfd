"""Reservations and Capacity Blocks of managed pools: what the account says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from planning.model import StackPlan
from preflight.ask import guesses
from preflight.model import PreflightReport, Verdict
from tests.preflight.accounts import account, asked, only, own, planned, said

ONE = "cr-0123456789abcdef0"
POOL = {"name": "l4", "instanceTypes": ["g6.2xlarge"], "zones": ["us-east-1b"], "minNodes": 1, "maxNodes": 2}


def with_pool(**changes: Any) -> StackPlan:
    capacity = {"capacity": {"kind": "reservation", "id": ONE}}
    return planned(own("dev", nodePools=[{**POOL, **capacity, **changes}]))


def reservation(**changes: Any) -> dict[str, Any]:
    """As EC2 describes it."""
    return {
        "CapacityReservationId": ONE,
        "ReservationType": "default",
        "InstanceType": "g6.2xlarge",
        "AvailabilityZone": "us-east-1b",
        "State": "active",
        "TotalInstanceCount": 2,
        **changes,
    }


def test_a_reservation_that_holds_its_pool_is_told_with_its_size_and_end() -> None:
    end = datetime(2026, 12, 24, 11, 30, tzinfo=UTC)
    with account(reservations=(reservation(EndDate=end),)) as aws:
        report = asked(with_pool(), aws)
    assert said(report) == {}
    told = only(report, "reservations", Verdict.OK)
    assert told.text == f"{ONE}: 2 × g6.2xlarge in us-east-1b, until 2026-12-24 11:30 UTC"


def test_without_a_reservation_nobody_is_asked() -> None:
    with account() as aws:
        report = asked(planned(own("dev", nodePools=[POOL])), aws)
    assert [answer for answer in report.answers if answer.question == "reservations"] == []


@pytest.mark.parametrize(
    ("has", "path", "verdict", "words"),
    [
        ({"InstanceType": "g6.xlarge"}, "nodePools[0].instanceTypes", Verdict.ERROR, "holds g6.xlarge; write that"),
        ({"AvailabilityZone": "us-east-1c"}, "nodePools[0].zones", Verdict.ERROR, "write zones: [us-east-1c]"),
        ({"ReservationType": "capacity-block"}, "nodePools[0].capacity.kind", Verdict.ERROR, "kind: capacityBlock"),
        ({"State": "expired"}, "nodePools[0].capacity.id", Verdict.ERROR, "is expired: no node starts"),
        ({"State": "scheduled"}, "nodePools[0].capacity.id", Verdict.WARNING, "is scheduled: nodes do not start"),
        ({"TotalInstanceCount": 1}, "nodePools[0].maxNodes", Verdict.WARNING, "write 1 or less"),
        ({"TotalInstanceCount": 0}, "nodePools[0].minNodes", Verdict.ERROR, "1 of l4, and"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_made(
    has: dict[str, Any], path: str, verdict: Verdict, words: str
) -> None:
    with account(reservations=(reservation(**has),)) as aws:
        report = asked(with_pool(), aws)
    (told,) = said(report, verdict)[path]
    assert words in told
    assert [path] == list(said(report))


def test_a_reservation_of_somebody_else_is_an_error() -> None:
    with account(reservations=(reservation(CapacityReservationId="cr-0fedcba9876543210"),)) as aws:
        report = asked(with_pool(), aws)
    assert f"{ONE} is no reservation of account" in said(report, Verdict.ERROR)["nodePools[0].capacity.id"][0]


def test_pools_of_one_reservation_are_counted_together() -> None:
    capacity = {"capacity": {"kind": "reservation", "id": ONE}}
    pools = [{**POOL, **capacity}, {**POOL, **capacity, "name": "more", "minNodes": 0}]
    models = [{"pool": "l4", **model} for model in own("dev")["models"]]
    with account(reservations=(reservation(TotalInstanceCount=3),)) as aws:
        report = asked(planned(own("dev", nodePools=pools, models=models)), aws)
    assert "4 of l4, more, and" in said(report, Verdict.WARNING)["nodePools[0].maxNodes"][0]


def test_without_credentials_it_is_a_guess() -> None:
    report = guesses(with_pool())
    (told,) = [answer for answer in report.answers if answer.question == "reservations"]
    assert told.verdict is Verdict.GUESS
    assert ONE in told.text


def in_their_network(subnets: list[str], zone: str = "us-east-1b") -> PreflightReport:
    """A network of somebody else with subnets in us-east-1a and us-east-1b; the pool stands in those at `subnets`."""
    with account(reservations=(reservation(AvailabilityZone=zone),)) as aws:
        ec2 = boto3.client("ec2", region_name="us-east-1")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        ids = {
            letter: ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"us-east-1{letter}"
            )["Subnet"]["SubnetId"]
            for number, letter in enumerate("ab")
        }
        network = {"kind": "existing", "vpcId": vpc, "privateSubnetIds": list(ids.values())}
        capacity = {"kind": "reservation", "id": ONE}
        pool = {**POOL, "zones": [], "capacity": capacity, "subnetIds": [ids[letter] for letter in subnets]}
        return asked(planned(own("dev", network=network, nodePools=[pool])), aws)


def test_in_a_network_of_somebody_else_the_pools_subnets_are_held_against_the_reservations_zone() -> None:
    assert said(in_their_network(["b"])) == {}


def test_a_subnet_in_another_zone_is_named_with_the_one_to_write() -> None:
    (told,) = said(in_their_network(["a"]), Verdict.ERROR)["nodePools[0].subnetIds"]
    assert f"{ONE} stands in us-east-1b, and subnet-" in told
    assert "in us-east-1a does not: nodes there never start; write subnetIds: [subnet-" in told


def test_a_network_without_a_subnet_in_the_zone_is_told_so() -> None:
    (told,) = said(in_their_network(["a"], zone="us-east-1c"), Verdict.ERROR)["nodePools[0].subnetIds"]
    assert "add a subnet in us-east-1c to network.privateSubnetIds" in told
