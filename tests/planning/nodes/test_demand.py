"""Nodes that pods need are counted by all that the scheduler counts, once for all who read the number."""

from __future__ import annotations

from typing import Any

import pytest

from planning.picture import picture
from tests.planning.nodes.test_spare import SMALL, karpenter, scaled
from tests.planning.stacks import errors, model, planned, pool, refusal, stack

ONE = {"minReplicas": 1, "maxReplicas": 1}
FOUR = {"instanceTypes": ["g6.12xlarge"], "diskGib": 500, "maxNodes": 4}


@pytest.mark.parametrize("made", [pool, karpenter])
@pytest.mark.parametrize(
    ("asked", "models", "needed"),
    [
        (FOUR, [model(resources={"cpu": "20"}, autoscaling={"minReplicas": 3, "maxReplicas": 3})], 2),
        (FOUR, [model(resources={"memory": "100Gi"}, autoscaling={"minReplicas": 2, "maxReplicas": 2})], 2),
        (FOUR, [model(name=name, resources={"cpu": "25"}) for name in ("a", "b", "c")], 3),
        (FOUR, [model(name="a", resources={"cpu": "40"}), model(name="b", resources={"cpu": "1"})], 1),
        (
            {**FOUR, "gpuSharing": {"kind": "timeSlicing", "replicas": 2}},
            [model(name=n, source=SMALL, gpuMemoryUtilization=0.4, resources={"cpu": "25"}) for n in ("a", "b")],
            2,
        ),
        (
            {**FOUR, "zones": ["us-east-1a"], "spareNodes": 2, "maxNodes": 6},
            [
                model(
                    nodes=2,
                    pipelineParallel=8,
                    resources={"cpu": "30"},
                    autoscaling={"minReplicas": 2, "maxReplicas": 2},
                )
            ],
            4,
        ),
        (
            FOUR,
            [
                model(
                    resources={"cpu": "47900m"},
                    acceptedRisks={"nodeFit": "the kubelet of our AMI reserves less"},
                    autoscaling={"minReplicas": 2, "maxReplicas": 2},
                )
            ],
            2,
        ),
    ],
    ids=["cpu", "memory", "three models", "one beside the other", "time slices", "groups", "accepted"],
)
def test_the_floor_is_packed_by_all_that_the_scheduler_counts(
    made: Any, asked: dict[str, Any], models: list[dict[str, Any]], needed: int
) -> None:
    sections = {"nodePools": [made(**{"spareNodes": 1, **asked})], "models": models}
    plan = planned(**sections)
    group, shown = plan.gpu_pools[0], picture(plan, stack(**sections)).pools[0]
    floor = needed + group.spare_nodes
    assert (group.min_nodes, group.desired_nodes) == (floor, floor)
    if shown.at_fewest is not None:  # nothing is shown of pods that are larger than a node
        assert shown.at_fewest.nodes == needed
    node = planned(nodePools=[made(**{**asked, "spareNodes": 0})], models=[{**models[0], "autoscaling": ONE}])
    one, all_of_them = node.cost.pools[0].min_usd_per_hour, plan.cost.pools[0].min_usd_per_hour
    assert one is not None
    assert all_of_them == pytest.approx(one / node.gpu_pools[0].fewest_nodes * floor, abs=1e-3)


def test_parts_of_gpus_are_packed_beside_memory_as_well() -> None:
    mig = pool(
        instanceTypes=["p4d.24xlarge"],
        diskGib=2000,
        maxNodes=4,
        spareNodes=1,
        gpuSharing={"kind": "mig", "profile": "2g.10gb"},
    )
    assert scaled(mig, 6, 6, source=SMALL).gpu_pools[0].min_nodes == 2, "of 24 parts"
    assert scaled(mig, 6, 6, source=SMALL, resources={"memory": "300Gi"}).gpu_pools[0].min_nodes == 3


@pytest.mark.parametrize("made", [pool, karpenter])
def test_what_scaling_counts_with_is_packed_so_too(made: Any) -> None:
    for cpu, may in (("20", True), ("11", False)):
        plan = scaled(made(**FOUR, spareNodes=1), 1, 5, resources={"cpu": cpu})
        assert plan.gpu_pools[0].min_nodes == 2
        assert plan.models[0].replicas_may_need_nodes is may


def test_without_spare_nodes_a_managed_pool_has_those_that_are_written() -> None:
    assert scaled(pool(**FOUR), 3, 3, resources={"cpu": "20"}).gpu_pools[0].min_nodes == 1
    assert scaled(karpenter(**FOUR), 3, 3, resources={"cpu": "20"}).gpu_pools[0].min_nodes == 2


@pytest.mark.parametrize("made", [pool, karpenter])
def test_spare_nodes_beside_packed_ones_are_refused_by_the_same_number(made: Any) -> None:
    three = model(resources={"cpu": "20"}, autoscaling={"minReplicas": 3, "maxReplicas": 3})
    told = errors(refusal(nodePools=[made(**{**FOUR, "maxNodes": 2}, spareNodes=1)], models=[three]))
    assert "minReplicas of models/chat need 2 nodes of maxNodes 2" in told["nodePools[0].spareNodes"]
    assert "write maxNodes: 3 or more" in told["nodePools[0].spareNodes"]
