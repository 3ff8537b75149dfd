"""A file system that is there, and the subnets of one that is made, asked of EFS and EC2."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from preflight.model import Verdict
from tests.preflight.accounts import account, asked, only, own, planned

EFS = {"cache": {"kind": "efs"}}


def sections(**more: Any) -> dict[str, Any]:
    dev = own("dev")
    return {**dev, "models": [{**dev["models"][0], **EFS}], **more}


def vpc(*zones: str) -> tuple[str, list[str]]:
    ec2 = boto3.client("ec2", region_name="us-east-1")
    made = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return made, [
        ec2.create_subnet(VpcId=made, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate(zones)
    ]


def existing(network: tuple[str, list[str]]) -> dict[str, Any]:
    return {"network": {"kind": "existing", "vpcId": network[0], "privateSubnetIds": network[1]}}


def files(*subnets: str, **more: Any) -> str:
    efs = boto3.client("efs", region_name="us-east-1")
    made = str(efs.create_file_system(CreationToken="weights", **{"Encrypted": True, **more})["FileSystemId"])
    for subnet in subnets:
        efs.create_mount_target(FileSystemId=made, SubnetId=subnet)
    return made


def test_a_file_system_that_is_not_there_is_told_before_up() -> None:
    with account() as aws:
        wanted = {"kind": "existing", "id": "fs-0123456789abcdef0"}
        report = asked(planned(sections(fileSystem=wanted)), aws)
    assert only(report, "files", Verdict.ERROR).text.startswith("there is no file system fs-0123456789abcdef0 in us-")


@pytest.mark.parametrize(
    ("mounted", "verdict", "told"),
    [
        (2, Verdict.OK, "has mount targets in us-east-1a, us-east-1c"),
        (1, Verdict.ERROR, "has no mount target in us-east-1c: pods of nodes there stay in ContainerCreating"),
    ],
)
def test_its_mount_targets_are_held_against_the_zones_of_the_nodes(mounted: int, verdict: Verdict, told: str) -> None:
    with account() as aws:
        network = vpc("a", "c")
        made = files(*network[1][:mounted])
        report = asked(planned(sections(fileSystem={"kind": "existing", "id": made}, **existing(network))), aws)
    assert told in only(report, "files", verdict).text


def test_mount_targets_of_another_vpc_and_plain_text_on_disk_are_told() -> None:
    with account() as aws:
        made = files(vpc("a")[1][0], Encrypted=False)
        report = asked(planned(sections(fileSystem={"kind": "existing", "id": made})), aws)
    assert "the nodes are in another VPC" in only(report, "files", Verdict.ERROR).text
    assert "is not encrypted" in only(report, "files", Verdict.WARNING).text


@pytest.mark.parametrize(
    ("chosen", "verdict", "told"),
    [
        ((), Verdict.ERROR, "are in us-east-1c, and EFS makes one mount target for each zone; write subnetIds: ["),
        ((0, 1), Verdict.OK, "one mount target in each of us-east-1a, us-east-1c"),
    ],
)
def test_two_subnets_of_one_zone_are_told_before_efs_refuses_the_second(
    chosen: tuple[int, ...], verdict: Verdict, told: str
) -> None:
    with account() as aws:
        network = vpc("a", "c", "c")
        wanted = {"subnetIds": [network[1][index] for index in chosen]}
        report = asked(planned(sections(fileSystem=wanted, **existing(network))), aws)
    assert told in only(report, "files", verdict).text


def test_no_other_stack_asks() -> None:
    with account() as aws:
        assert not [each for each in asked(planned(own("dev")), aws).answers if each.question == "files"]
