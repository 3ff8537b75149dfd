"""Spare nodes: what they raise and cost, what a placeholder asks for, and where they cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from planning.model import Severity, SpareNodesPlan, StackPlan
from planning.versions.images import stack_images
from planning.versions.pins import PAUSE
from tests.planning.stacks import errors, model, plain, planned, pool, refusal, rules, stack

AMI = "1.35.4-20260505"
NOBODY = {"kind": "none"}
BLOCK = {"kind": "capacityBlock", "id": "cr-0123456789abcdef0"}
SMALL = "Qwen/Qwen2.5-0.5B-Instruct"
MIRROR = "111122223333.dkr.ecr.us-west-2.amazonaws.com/mirror"


def karpenter(**changes: Any) -> dict[str, Any]:
    return pool(kind="karpenter", amiReleaseVersion=AMI, **changes)


def scaled(pool: dict[str, Any], fewest: int, most: int, **changes: Any) -> StackPlan:
    scaling = {"minReplicas": fewest, "maxReplicas": most}
    return planned(nodePools=[pool], models=[model(autoscaling=scaling, **changes)])


def spare(plan: StackPlan) -> SpareNodesPlan:
    (only,) = plan.spare_nodes
    return only


@pytest.mark.parametrize("made", [pool, karpenter])
def test_without_the_setting_nothing_is_spare(made: Any) -> None:
    plan = planned(nodePools=[made()])
    assert plan.spare_nodes == ()
    assert plan.gpu_pools[0].spare_nodes == 0
    assert plan.monitoring is not None
    assert plan.monitoring.pods_may_wait_in == ()
    assert plain(planned(nodePools=[made(spareNodes=0)])) == plain(plan)


@pytest.mark.parametrize(
    ("asked", "fewest", "floor"),
    [
        (pool(minNodes=1, maxNodes=4, spareNodes=1), 1, 2),
        (pool(minNodes=0, maxNodes=4, spareNodes=1), 2, 3),
        (pool(minNodes=3, maxNodes=4, spareNodes=1), 1, 3),  # minNodes has room for it
        (pool(minNodes=1, maxNodes=2, spareNodes=1), 1, 2),  # and then nothing grows
        (karpenter(maxNodes=4, spareNodes=1), 1, 2),
        (karpenter(maxNodes=4, spareNodes=2), 1, 3),
        (karpenter(maxNodes=4), 1, 1),
    ],
)
def test_the_floor_is_the_nodes_of_the_fewest_replicas_and_spare_ones(
    asked: dict[str, Any], fewest: int, floor: int
) -> None:
    plan = scaled(asked, fewest, fewest)
    group = plan.gpu_pools[0]
    assert (group.min_nodes, group.desired_nodes) == (floor, floor)
    line = next(line for line in plan.cost.lines if line.what.startswith("nodes of l4"))
    node = planned(nodePools=[pool()]).cost.pools[0].gpu_usd_per_hour
    assert line.min_usd_per_hour == pytest.approx(floor * 0.8048)
    assert node is not None
    assert plan.cost.pools[0].min_usd_per_hour == pytest.approx(floor * node, abs=1e-3)


def test_models_that_scale_to_zero_leave_the_spare_node() -> None:
    plan = planned(
        nodePools=[karpenter(spareNodes=1, maxNodes=3)],
        models=[model(autoscaling={"kind": "keda", "minReplicas": 0, "maxReplicas": 2, "wake": {"query": "sum(x)"}})],
    )
    assert plan.gpu_pools[0].min_nodes == 1


@pytest.mark.parametrize("made", [pool, karpenter])
@pytest.mark.parametrize(("most", "may"), [(2, False), (3, True)])
def test_scaling_counts_without_a_node_only_where_spare_ones_hold_all_that_may_come(
    made: Any, most: int, may: bool
) -> None:
    assert scaled(made(maxNodes=4, spareNodes=1), 1, most).models[0].replicas_may_need_nodes is may
    assert scaled(made(maxNodes=4), 1, most).models[0].replicas_may_need_nodes is True


def test_time_outs_of_a_pool_that_begins_with_no_node_count_with_one_all_the_same() -> None:
    assert scaled(karpenter(maxNodes=4, spareNodes=2), 1, 2).models[0].node_start


def test_the_fullest_pool_has_less_spare_and_says_so() -> None:
    said = scaled(pool(maxNodes=3, spareNodes=1), 1, 3).findings
    (finding,) = (finding for finding in said if finding.rule == "spare-nodes")
    assert (finding.severity, finding.path) == (Severity.WARNING, "nodePools[0].maxNodes")
    assert "then none of 1 spare node are left" in finding.text
    assert "maxNodes: 4" in finding.text
    assert "spare-nodes" not in rules(scaled(pool(maxNodes=4, spareNodes=1), 1, 3).findings, Severity.WARNING)


@pytest.mark.parametrize("made", [pool, karpenter])
def test_spare_nodes_that_can_never_be_are_refused(made: Any) -> None:
    two = {"minReplicas": 2, "maxReplicas": 2}
    told = errors(refusal(nodePools=[made(maxNodes=3, spareNodes=2)], models=[model(autoscaling=two)]))
    assert "minReplicas of models/chat need 2 nodes of maxNodes 3" in told["nodePools[0].spareNodes"]
    assert "write maxNodes: 4 or more, or spareNodes: 1" in told["nodePools[0].spareNodes"]
    with pytest.raises(ValidationError, match="spareNodes 4 is more than maxNodes 3"):
        stack(nodePools=[made(spareNodes=4)])


def test_nothing_buys_the_next_one_without_a_node_autoscaler_or_in_a_capacity_block() -> None:
    told = errors(refusal(nodePools=[pool(spareNodes=1)], nodeAutoscaling=NOBODY))
    assert "nothing buys the next one" in told["nodePools[0].spareNodes"]
    block = pool(spareNodes=1, capacity=BLOCK, zones=["us-east-1a"])
    assert "paid for in advance" in errors(refusal(nodePools=[block]))["nodePools[0].spareNodes"]
    bought = planned(nodePools=[karpenter(spareNodes=1)], nodeAutoscaling=NOBODY)
    assert bought.spare_nodes, "Karpenter is no part of nodeAutoscaling"
    assert planned(nodePools=[pool(spareNodes=1)], nodeAutoscaling={"install": False}).spare_nodes


def test_models_that_evict_nothing_have_no_use_for_one() -> None:
    lab = {"name": "lab", "priority": "batch"}
    told = errors(refusal(nodePools=[pool(spareNodes=1)], tenants=[lab], models=[model(namespace="lab")]))
    assert "evict nothing" in told["nodePools[0].spareNodes"]
    critical = planned(
        nodePools=[pool(spareNodes=1)], tenants=[{**lab, "priority": "critical"}], models=[model(namespace="lab")]
    )
    assert critical.spare_nodes
    without = planned(nodePools=[pool()], tenants=[{**lab, "priority": "critical"}], models=[model(namespace="lab")])
    assert critical.tenants == without.tenants, "a placeholder is in no tenant's quota"


def test_a_volume_of_one_node_keeps_its_pods_from_another() -> None:
    volume = model(cache={"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"})
    told = errors(refusal(nodePools=[pool(spareNodes=1)], models=[volume]))
    assert "mounted on one node" in told["nodePools[0].spareNodes"]
    both = planned(nodePools=[pool(spareNodes=1)], models=[volume, model(name="other")])
    assert both.spare_nodes, "the other model has a use for it"


def test_a_replica_of_several_nodes_needs_as_many_spare_ones() -> None:
    group = model(nodes=2, pipelineParallel=2)
    asked = {"zones": ["us-east-1a"], "maxNodes": 4}
    told = errors(refusal(nodePools=[pool(**asked, spareNodes=1)], models=[group]))
    assert "takes 2 nodes at once, and 1 would have to come" in told["nodePools[0].spareNodes"]
    assert "write 2 or more" in told["nodePools[0].spareNodes"]
    assert spare(planned(nodePools=[pool(**asked, spareNodes=2)], models=[group])).nodes == 2


@pytest.mark.parametrize(
    ("instance", "changes", "containers"),
    [
        ("g6.xlarge", {}, (1,)),
        ("g6.12xlarge", {}, (4,)),
        ("g6.12xlarge", {"gpuSharing": {"kind": "timeSlicing", "replicas": 2}}, (1,) * 8),
        ("g6.12xlarge", {"gpuSharing": {"kind": "mps", "replicas": 2}}, (1,) * 8),
        ("p4d.24xlarge", {"gpuSharing": {"kind": "mig", "profile": "2g.10gb"}, "diskGib": 2000}, (24,)),
        ("p5.48xlarge", {"numaAlignment": "singleNode"}, (4, 4)),
    ],
)
def test_a_placeholder_takes_all_that_a_node_advertises_as_its_kubelet_gives_it(
    instance: str, changes: dict[str, Any], containers: tuple[int, ...]
) -> None:
    small = model(source=SMALL, gpuMemoryUtilization=0.4) if "gpuSharing" in changes else model()
    plan = planned(nodePools=[pool(instanceTypes=[instance], spareNodes=1, **changes)], models=[small])
    assert tuple(container.gpus for container in spare(plan).containers) == containers
    assert sum(containers) == plan.gpu_pools[0].advertised_gpus


def test_it_waits_for_what_models_wait_for_and_tolerates_what_they_tolerate() -> None:
    mig = {"instanceTypes": ["p4d.24xlarge"], "diskGib": 2000, "gpuSharing": {"kind": "mig", "profile": "2g.10gb"}}
    taint = {"key": "team", "value": "a", "effect": "NoExecute"}
    plan = planned(nodePools=[pool(**mig, spareNodes=1, taints=[taint])], models=[model(source=SMALL)])
    held = spare(plan)
    assert held.node_selector == plan.models[0].node_selector
    assert held.taints == plan.gpu_pools[0].taints


def test_each_image_of_the_pools_models_is_pulled_once_and_the_mirror_has_what_sleeps() -> None:
    pools = [pool(spareNodes=1), pool(name="other")]
    models = [model(pool="l4"), model(name="b", pool="l4"), model(name="c", pool="other", image={"tag": "v0.32.0"})]
    plan = planned(nodePools=pools, models=models)
    assert spare(plan).model_images == (plan.models[0].image,)
    assert spare(plan).image == f"registry.k8s.io/pause:{PAUSE.tag}@{PAUSE.digest}"
    uses = {use.image: use.used_by for use in stack_images(plan)}
    assert uses[spare(plan).image] == "spare nodes of pool l4"
    mirrored = planned(nodePools=pools, models=models, registry={"mirror": MIRROR})
    assert spare(mirrored).image.startswith(f"{MIRROR}/registry.k8s.io/pause:")
    assert spare(mirrored).model_images == (mirrored.models[0].image,)


def test_no_rule_of_ours_looks_at_a_placeholder() -> None:
    """Which is Pending for good at `maxNodes`, and whose GPU is idle."""
    plan, usual = (scaled(karpenter(maxNodes=4, **more), 1, 2) for more in ({"spareNodes": 1}, {}))
    assert plan.monitoring is not None
    assert plan.monitoring.pods_may_wait_in == ("spare-nodes",)
    assert usual.monitoring is not None
    of_model = [plan.models[0].alert_groups, usual.models[0].alert_groups]
    assert [[group.alerts for group in groups] for groups in of_model] != [[], []]
    for groups in (plan.monitoring.alert_groups, plan.models[0].alert_groups):
        for group in groups:
            for alert in group.alerts:
                assert "spare-nodes" not in alert.expr
                assert "kube_pod_status_phase" not in alert.expr or 'namespace="models"' in alert.expr, alert.name
                assert "DCGM_FI_DEV_GPU_UTIL" not in alert.expr


def test_its_namespace_is_nobody_elses() -> None:
    told = errors(refusal(nodePools=[pool(spareNodes=1)], models=[model(namespace="spare-nodes")]))
    assert told["models[0].namespace"].startswith("spare-nodes belongs to spare nodes (nodePools[0].spareNodes")
    assert planned(models=[model(namespace="spare-nodes")]).models, "without any it is free"
