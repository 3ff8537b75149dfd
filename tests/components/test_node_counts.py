"""Raising or lowering the bounds of a pool that has grown, with plain `pulumi up`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pulumi
import pulumi_aws as aws
import pytest

from components.aws.node_counts import Counts, LiveSizes, counts, live_sizes
from planning.model import NodeGroupPlan
from tests.components.samples import CLUSTER, GPU_NODES, REGION
from tests.components.test_aws_replay import build
from tests.engine import Engine, record
from tests.moto_engine import MotoEngine, moto_account, replay

GROWN = LiveSizes(1, 2, 3)


def bounds(low: int, high: int) -> NodeGroupPlan:
    return replace(GPU_NODES, min_nodes=low, desired_nodes=low, max_nodes=high)


@pytest.mark.parametrize(
    ("plan", "live", "wanted"),
    [
        (bounds(1, 3), None, Counts(1, desired_is_ours=False)),
        (bounds(1, 3), GROWN, Counts(1, desired_is_ours=False)),
        (bounds(3, 4), GROWN, Counts(3, desired_is_ours=True)),
        (bounds(1, 4), GROWN, Counts(2, desired_is_ours=True)),
        (bounds(1, 2), GROWN, Counts(2, desired_is_ours=True)),
        (bounds(0, 3), GROWN, Counts(2, desired_is_ours=True)),
        (bounds(1, 3), LiveSizes(1, 2, 9), Counts(2, desired_is_ours=True)),
    ],
)
def test_a_change_of_bounds_carries_the_size_of_the_moment(
    plan: NodeGroupPlan, live: LiveSizes | None, wanted: Counts
) -> None:
    assert counts(plan, live) == wanted


def test_bounds_below_what_runs_are_refused_in_place_of_ending_busy_nodes() -> None:
    with pytest.raises(pulumi.RunError, match=r"maxNodes 1, but 2 nodes run.*write maxNodes: 2"):
        counts(bounds(1, 1), GROWN)


def sizes_in(engine: Engine, plan: NodeGroupPlan = GPU_NODES) -> LiveSizes | None:
    """What a program sees of the pool in the account."""
    seen: list[LiveSizes | None] = []

    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        seen.append(live_sizes(CLUSTER.name, plan, pulumi.InvokeOptions(provider=provider)))

    record(program, engine=engine)
    return seen[0]


def test_a_grown_pool_takes_new_bounds_without_losing_a_node() -> None:
    with moto_account(REGION):
        assert sizes_in(MotoEngine(REGION)) is None
        replay(lambda: build(CLUSTER), REGION)
        eks: Any = boto3.client("eks", region_name=REGION)
        names = eks.list_nodegroups(clusterName=CLUSTER.name)["nodegroups"]
        (name,) = [name for name in names if name.startswith("l4-")]
        group = {"clusterName": CLUSTER.name, "nodegroupName": name}
        eks.update_nodegroup_config(**group, scalingConfig={"desiredSize": 2})
        live = sizes_in(MotoEngine(REGION))
        assert live == GROWN
        stale = {"minSize": 3, "desiredSize": 1, "maxSize": 4}  # what the state remembers
        with pytest.raises(Exception, match="Minimum capacity 3 can't be greater than desired size 1"):
            eks.update_nodegroup_config(**group, scalingConfig=stale)
        desired_nodes = counts(bounds(3, 4), live).desired_nodes
        eks.update_nodegroup_config(**group, scalingConfig={**stale, "desiredSize": desired_nodes})
        assert sizes_in(MotoEngine(REGION)) == LiveSizes(3, 3, 4)


def test_a_preview_without_credentials_knows_of_no_size() -> None:
    assert sizes_in(Engine()) is None
