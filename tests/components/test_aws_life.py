"""The life of our stacks in an account that answers like AWS: up, and a destroy in any order that Pulumi may take."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import boto3
import pytest

from local.aws_endpoint.contract.account import NEWER, OLDER, Account, Runner
from local.stacks.aws_inventory import aws_objects
from tests.moto_engine import MotoEngine, moto_account
from tests.program import needed_canaries, run_program, sections_of

# An account whose quotas were raised, and from which the stacks' own addresses are reached.
QUOTAS = {"L-DB2E81BA": 400, "L-1216C47A": 64, "L-F678F1CE": 5, "L-0263D0A3": 5, "L-FE5A380F": 5}
ADDRESS = "54.0.0.10"
REGION = "us-east-1"


def account(**more: Any) -> Account:
    return Account(zones=NEWER, has_nodes=True, quotas=QUOTAS, runner=Runner(ADDRESS), **more)


def up(sections: dict[str, Any], stack: str, region: str = REGION) -> MotoEngine:
    engine = MotoEngine(region, plays_kubernetes=True)
    run_program(sections, stack, secrets=needed_canaries("prod"), engine=engine)
    return engine


def reachable(stack: str, **cluster: Any) -> dict[str, Any]:
    """A stack of ours that the account's runner reaches."""
    sections = sections_of(stack)
    open_to_runner = {"endpointAccess": "publicAndPrivate", "publicAccessCidrs": [f"{ADDRESS}/32"]}
    kept = {key: value for key, value in sections.get("cluster", {}).items() if key not in ("accessEntries", "protect")}
    return {**sections, "cluster": {**kept, **open_to_runner, **cluster}}


def late_kubernetes(free: Sequence[str]) -> str:
    """The worst order: what is AWS' goes as soon as it may, what is in the cluster as late as it can."""
    return next((urn for urn in free if "kubernetes:" not in urn.split("::")[2].rsplit("$", 1)[-1]), free[0])


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_comes_up_and_goes_and_nothing_that_costs_stays(stack: str) -> None:
    chosen = random.Random(11)
    orders = {"dev": late_kubernetes, "prod": lambda free: chosen.choice(free)}
    with moto_account(REGION, account()):
        before = set(aws_objects(None, REGION))
        engine = up(reachable(stack), stack)
        assert engine.inside, "nothing was asked of the cluster"
        assert len(set(aws_objects(None, REGION)) - before) > 20
        engine.destroy(orders[stack])
        nothing_billed()
        assert set(aws_objects(None, REGION)) == before
        # What EKS has made again by then goes with ours; what it makes minutes later, docs/on-aws.md names.
        assert boto3.client("logs", region_name=REGION).describe_log_groups()["logGroups"] == []


def nothing_billed() -> None:
    ec2 = boto3.client("ec2", region_name=REGION)
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []
    assert [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []
    assert boto3.client("eks", region_name=REGION).list_clusters()["clusters"] == []
    assert boto3.client("iam", region_name=REGION).list_roles()["Roles"] == []


def test_a_destroy_that_is_killed_at_any_step_is_finished_by_the_next_one() -> None:
    """Killed after each deletion of AWS: what is gone already is no error, and nothing that costs stays."""
    killed: list[int] = []

    def kills(step: int) -> bool:
        killed.append(step)
        return True

    with moto_account(REGION, account()):
        engine = up(reachable("dev"), "dev")
        gone = engine.destroy(forgets=kills)
        assert len(killed) == len(gone) > 60
        nothing_billed()


@pytest.fixture(scope="module")
def engine() -> MotoEngine:
    """What was recorded of `dev` when it came up; its account is gone."""
    with moto_account(REGION, account()):
        return up(reachable("dev"), "dev")


def test_everything_in_the_cluster_is_gone_before_the_way_to_it(engine: MotoEngine) -> None:
    """By the recorded dependencies, whatever order is taken."""
    way = ("Route", "RouteTableAssociation", "NatGateway", "VpcEndpoint", "InternetGateway", "AccessEntry")
    needed = [each.urn for kind in (*way, "AccessPolicyAssociation", "Addon") for each in engine.all(kind)]
    needed += [each.urn for each in engine.all("aws:eks/nodeGroup:NodeGroup") if each.name == "system-nodes"]
    assert len(needed) > 10
    for made in engine.inside:
        urn = engine.named(made.name, made.type).urn
        missing = [each for each in needed if each not in engine.comes_after(urn)]
        assert missing == [], f"{made.name} does not come after {missing[0]}"


def test_every_node_group_comes_after_the_routes_of_its_subnets(engine: MotoEngine) -> None:
    ways = [each.urn for kind in ("Route", "RouteTableAssociation", "VpcEndpoint") for each in engine.all(kind)]
    for group in engine.all("aws:eks/nodeGroup:NodeGroup"):
        assert set(ways) <= engine.comes_after(group.urn), group.name


def test_who_runs_the_program_has_an_entry_of_its_own_and_no_hidden_one(engine: MotoEngine) -> None:
    cluster = engine.only("aws:eks/cluster:Cluster")
    assert cluster.inputs["accessConfig"]["bootstrapClusterCreatorAdminPermissions"] is False
    entries = [each.inputs["principalArn"] for each in engine.all("AccessEntry")]
    assert entries == ["arn:aws:iam::123456789012:role/platform"]


def test_a_caller_who_is_listed_has_one_entry_and_what_it_needs() -> None:
    me = "arn:aws:iam::123456789012:role/platform"
    with moto_account(REGION, account()):
        engine = up(reachable("dev", accessEntries=[{"principalArn": me, "policy": "view"}]), "dev")
    assert [each.inputs["principalArn"] for each in engine.all("AccessEntry")] == [me]
    policies = {each.inputs["policyArn"].rsplit("/", 1)[-1] for each in engine.all("AccessPolicyAssociation")}
    assert policies == {"AmazonEKSViewPolicy", "AmazonEKSClusterAdminPolicy"}


@pytest.mark.parametrize("version", ["1.34", "1.35"])
def test_addons_are_those_of_the_clusters_version_and_move_with_it(version: str) -> None:
    with moto_account(REGION, account()):
        engine = up(reachable("dev", version=version), "dev")
        eks = boto3.client("eks", region_name=REGION)
        for addon in engine.all("aws:eks/addon:Addon"):
            name = addon.inputs["addonName"]
            (offered,) = eks.describe_addon_versions(addonName=name, kubernetesVersion=version)["addons"]
            assert addon.inputs["addonVersion"] == _default(offered, version), name


def _default(offered: dict[str, Any], version: str) -> str:
    return next(
        str(addon_version["addonVersion"])
        for addon_version in offered["addonVersions"]
        if any(c["clusterVersion"] == version and c["defaultVersion"] for c in addon_version["compatibilities"])
    )


def test_in_an_older_account_the_same_letters_are_refused_by_eks() -> None:
    with (
        moto_account(REGION, Account(zones=OLDER)),
        pytest.raises(Exception, match="does not support creating control"),
    ):
        run_program(reachable("dev"), "dev", secrets=needed_canaries("dev"), engine=MotoEngine(REGION))
