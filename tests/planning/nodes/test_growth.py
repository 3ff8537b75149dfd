from __future__ import annotations

from typing import Any

import pytest

from planning.cluster.autoscaler import image_tag
from planning.model import Severity, StackPlan
from planning.nodes.growth import node_start
from planning.serving.cold_start import pod_seconds, replica_seconds, seconds
from planning.versions.autoscaler_tags import CLUSTER_AUTOSCALER_TAGS
from simulation.supply import NODE_TERMS
from tests.planning.stacks import model, planned, pool, rules

NODE_SECONDS = (165.0, 280.0)


def _scaled(least: int, most: int, replicas: int, **sections: Any) -> StackPlan:
    scaling = {"minReplicas": 1, "maxReplicas": replicas}
    return planned(nodePools=[pool(minNodes=least, maxNodes=most)], models=[model(autoscaling=scaling)], **sections)


def test_a_new_nodes_terms_come_from_the_table_and_the_simulator_shares_all_but_who_decides() -> None:
    names = [term.name for term in node_start()]
    assert names == ["autoscaler decision", "node boot", "GPU advertised"]
    assert seconds(node_start()) == NODE_SECONDS
    assert NODE_TERMS[1:] == node_start()[1:]


@pytest.mark.parametrize(
    ("least", "most", "replicas", "of_a_rollout", "of_replicas"),
    [
        (1, 1, 1, False, False),  # cannot grow
        (3, 4, 2, False, False),  # most replicas and a rollout's pod find their nodes there
        (2, 4, 2, True, False),  # only the rollout's pod does not
        (1, 4, 2, True, True),
        (0, 1, 1, True, True),
    ],
)
def test_a_node_is_counted_with_where_a_pod_may_need_one(
    least: int, most: int, replicas: int, of_a_rollout: bool, of_replicas: bool
) -> None:
    served = _scaled(least, most, replicas).models[0]
    assert bool(served.node_start) == of_a_rollout
    assert served.replicas_may_need_nodes == of_replicas
    warm = seconds(served.cold_start)
    whole = (warm[0] + NODE_SECONDS[0], warm[1] + NODE_SECONDS[1])
    assert pod_seconds(served) == pytest.approx(whole if of_a_rollout else warm)
    assert replica_seconds(served) == pytest.approx(whole if of_replicas else warm)


@pytest.mark.parametrize(
    ("least", "most", "fewest_replicas", "billed"),
    [(1, 4, 2, 2), (0, 4, 3, 3), (3, 4, 1, 3), (2, 2, 2, 2)],
)
def test_the_bill_at_its_lowest_has_the_nodes_that_the_fewest_replicas_keep(
    least: int, most: int, fewest_replicas: int, billed: int
) -> None:
    """EKS' minSize stays what is written: the autoscaler adds the nodes, and pods that run there keep them."""
    scaling = {"minReplicas": fewest_replicas, "maxReplicas": 4}
    sections = {"nodePools": [pool(minNodes=least, maxNodes=most)], "models": [model(autoscaling=scaling)]}
    plan = planned(**sections)
    (group,) = plan.node_groups
    assert (group.min_nodes, group.fewest_nodes) == (least, billed)
    (cost,) = plan.cost.pools
    assert cost.min_usd_per_hour == pytest.approx(cost.max_usd_per_hour / most * billed, abs=1e-3)


def test_scaling_is_as_ever_where_replicas_fit_on_the_nodes_that_run() -> None:
    there, nobody = _scaled(2, 4, 2), _scaled(2, 4, 2, nodeAutoscaling={"kind": "none"})
    assert there.models[0].autoscaling == nobody.models[0].autoscaling
    assert there.models[0].throughput == nobody.models[0].throughput


def test_scaling_looks_further_ahead_and_lets_go_later_where_a_replica_may_cost_a_node() -> None:
    here, there = _scaled(2, 4, 2).models[0].autoscaling, _scaled(1, 4, 2).models[0].autoscaling
    assert there.scale_down.window_seconds >= here.scale_down.window_seconds + 1.5 * sum(NODE_SECONDS) / 2 - 60
    assert there.scale_up == here.scale_up
    demand = [next(r.expr for r in each.recordings if "expected" in r.record) for each in (here, there)]
    assert demand[0] != demand[1], "the trend's lead"


def test_time_for_a_rollout_covers_the_nodes_coming() -> None:
    patient = _scaled(2, 4, 2).models[0].rollout_timeout_seconds
    usual = _scaled(2, 2, 2).models[0].rollout_timeout_seconds
    assert patient >= pod_seconds(_scaled(2, 4, 2).models[0])[1]
    assert patient >= usual


def test_a_pool_of_four_gpus_counts_pods_and_not_nodes() -> None:
    four = pool(instanceTypes=["g6.12xlarge"], minNodes=1, maxNodes=2, diskGib=500)
    for replicas, needs_nodes in ((4, False), (5, True)):
        plan = planned(nodePools=[four], models=[model(autoscaling={"maxReplicas": replicas})])
        assert plan.models[0].replicas_may_need_nodes == needs_nodes


def test_a_pod_that_takes_half_a_nodes_cores_counts_as_that_and_not_by_its_gpu() -> None:
    four = pool(instanceTypes=["g6.12xlarge"], minNodes=1, maxNodes=2, diskGib=500)
    for replicas, of_a_rollout, of_replicas in ((1, False, False), (2, True, False), (3, True, True)):
        asked = model(resources={"cpu": "20"}, autoscaling={"maxReplicas": replicas})
        served = planned(nodePools=[four], models=[asked]).models[0]
        assert (bool(served.node_start), served.replicas_may_need_nodes) == (of_a_rollout, of_replicas)


def test_models_count_on_their_own_pool_only() -> None:
    pools = [pool(), pool(name="other", minNodes=2, maxNodes=3)]
    plan = planned(nodePools=pools, models=[model(pool="l4"), model(name="b", pool="other")])
    assert [bool(model.node_start) for model in plan.models] == [True, False]


def test_the_autoscaler_is_there_where_a_group_can_grow() -> None:
    fixed = {"minNodes": 2, "maxNodes": 2}
    stays = pool(minNodes=1, maxNodes=1)
    assert planned(nodePools=[stays], systemNodes=fixed).cluster_autoscaler is None
    assert planned(nodePools=[stays]).cluster_autoscaler is not None, "system nodes can grow"
    assert planned(systemNodes=fixed).cluster_autoscaler is not None
    assert planned(nodeAutoscaling={"kind": "none"}).cluster_autoscaler is None


def test_an_autoscaler_of_the_clusters_own_counts_and_is_not_installed_again() -> None:
    plan = planned(nodeAutoscaling={"install": False}, models=[model(autoscaling={"minReplicas": 2, "maxReplicas": 2})])
    assert plan.cluster_autoscaler is None
    assert plan.models[0].replicas_may_need_nodes


def test_what_the_autoscaler_is_told() -> None:
    autoscaler = planned("dev", region="eu-west-1", nodeAutoscaling={"scaleDownAfterSeconds": 60}).cluster_autoscaler
    assert autoscaler is not None
    assert autoscaler.arguments == {
        "expander": "least-waste",
        "balance-similar-node-groups": True,
        "skip-nodes-with-system-pods": False,
        "skip-nodes-with-local-storage": False,
        "scale-down-unneeded-time": "60s",
        "scale-down-delay-after-add": "60s",
    }
    assert (autoscaler.chart.chart, autoscaler.chart.version, autoscaler.namespace) == (
        "cluster-autoscaler",
        "9.59.0",
        "kube-system",
    )
    assert autoscaler.image_tag == CLUSTER_AUTOSCALER_TAGS["1.35"]
    assert autoscaler.node_groups_arn == "arn:aws:eks:eu-west-1:*:nodegroup/vllm-on-eks-dev/*/*"
    assert autoscaler.node_selector == {"vllm-on-eks/pool": "system"}
    assert autoscaler.monitoring_namespace == "monitoring"
    silent = planned(monitoring={"enabled": False}).cluster_autoscaler
    assert silent is not None
    assert silent.monitoring_namespace is None


@pytest.mark.parametrize("version", sorted(CLUSTER_AUTOSCALER_TAGS))
def test_its_minor_is_the_clusters(version: str) -> None:
    assert image_tag(version).startswith(f"v{version}.")


def test_a_version_beyond_the_table_gets_the_nearest() -> None:
    assert image_tag("1.29") == CLUSTER_AUTOSCALER_TAGS["1.31"]
    assert image_tag("1.40") == CLUSTER_AUTOSCALER_TAGS[max(CLUSTER_AUTOSCALER_TAGS)]


def test_an_existing_clusters_version_is_what_is_written_or_what_eks_will_answer() -> None:
    network = {"kind": "existing", "vpcId": "vpc-1", "privateSubnetIds": ["subnet-a", "subnet-b"]}
    for written, tag in (({"version": "1.33"}, CLUSTER_AUTOSCALER_TAGS["1.33"]), ({}, None)):
        autoscaler = planned(
            cluster={"kind": "existing", "name": "main", **written}, network=network
        ).cluster_autoscaler
        assert autoscaler is not None
        assert autoscaler.image_tag == tag, "never the version that a created cluster would have"


def test_an_existing_cluster_is_warned_that_the_role_needs_its_add_on() -> None:
    network = {"kind": "existing", "vpcId": "vpc-1", "privateSubnetIds": ["subnet-a", "subnet-b"]}
    there: dict[str, Any] = {"cluster": {"kind": "existing", "name": "main"}, "network": network}
    plan = planned(**there)
    finding = next(finding for finding in plan.findings if finding.rule == "autoscaler-credentials")
    assert finding.path == "nodeAutoscaling"
    assert "main" in finding.text
    assert "install: false" in finding.text
    own = planned(**there, nodeAutoscaling={"install": False})
    assert "autoscaler-credentials" not in rules(own.findings, Severity.WARNING)
