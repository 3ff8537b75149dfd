from __future__ import annotations

from planning.model import Severity
from tests.planning.stacks import errors, model, planned, pool, refusal, rules

TWO = {"minReplicas": 2, "maxReplicas": 2}


NOBODY = {"kind": "none"}


def test_replicas_that_need_more_nodes_than_may_come_are_refused() -> None:
    refused = errors(refusal(nodePools=[pool(maxNodes=1)], models=[model(autoscaling=TWO)]))
    message = refused["nodePools[0].minNodes"]
    assert "need 2 nodes of g6.xlarge" in message, "a pool that cannot grow: both numbers are too small"
    assert "write minNodes: 2 and maxNodes: 2 or more" in message
    four = {"minReplicas": 4, "maxReplicas": 4}
    grown = errors(refusal(nodePools=[pool(maxNodes=3)], models=[model(autoscaling=four)]))
    assert grown["nodePools[0].maxNodes"].startswith("3; minReplicas of models/chat need 4 nodes of g6.xlarge")
    assert "write maxNodes: 4" in grown["nodePools[0].maxNodes"]


def test_nodes_follow_replicas_up_to_max_nodes() -> None:
    plan = planned(nodePools=[pool(minNodes=1, maxNodes=3)], models=[model(autoscaling={**TWO, "maxReplicas": 3})])
    assert rules(plan.findings, Severity.WARNING) == {"image-digest"}
    both = planned(models=[model(name="a"), model(name="b")])
    assert "too-few-nodes" not in rules(both.findings, Severity.WARNING)


def test_where_nothing_adds_nodes_replicas_need_those_that_run() -> None:
    refused = errors(refusal(nodeAutoscaling=NOBODY, models=[model(autoscaling=TWO)]))
    message = refused["nodePools[0].minNodes"]
    assert "need 2 nodes of g6.xlarge, and nothing adds nodes to this pool" in message
    assert "write minNodes: 2" in message
    assert "maxNodes" not in message


def test_models_of_one_pool_are_added_up() -> None:
    models = [model(name="a"), model(name="b")]
    refused = errors(refusal(nodeAutoscaling=NOBODY, models=models))
    assert "models/a, models/b need 2 nodes" in refused["nodePools[0].minNodes"]


def test_most_replicas_beyond_the_nodes_that_may_come_are_warned_of() -> None:
    plan = planned(models=[model(autoscaling={"maxReplicas": 9})])
    finding = next(finding for finding in plan.findings if finding.rule == "replicas-beyond-nodes")
    assert finding.path == "nodePools[0].maxNodes"
    assert "need 9 nodes" in finding.text
    assert "write maxNodes: 9" in finding.text


def test_most_replicas_beyond_the_nodes_that_run_are_warned_of_where_nothing_adds_any() -> None:
    plan = planned(nodeAutoscaling=NOBODY, models=[model(autoscaling={"maxReplicas": 3})])
    finding = next(finding for finding in plan.findings if finding.rule == "replicas-beyond-nodes")
    assert finding.path == "nodePools[0].minNodes"
    beyond = planned(nodeAutoscaling=NOBODY, models=[model(autoscaling={"maxReplicas": 9})])
    assert next(f for f in beyond.findings if f.rule == "replicas-beyond-nodes").path == "nodePools[0].maxNodes"


def test_a_rollout_may_start_a_pod_more_only_where_a_gpu_is_left_or_comes() -> None:
    assert planned(nodePools=[pool(maxNodes=1)]).models[0].max_surge == 0
    assert planned(nodeAutoscaling=NOBODY).models[0].max_surge == 0
    assert planned(nodePools=[pool(minNodes=1, maxNodes=2)]).models[0].max_surge == 1
    spare = planned(nodeAutoscaling=NOBODY, nodePools=[pool(minNodes=2)])
    assert spare.models[0].max_surge == 1
    assert rules(spare.findings, Severity.WARNING) == {"image-digest"}


def test_a_pool_without_nodes_serves_where_they_come_and_is_not_smoke_tested() -> None:
    empty = [pool(minNodes=0)]
    refused = errors(refusal(nodeAutoscaling=NOBODY, nodePools=empty))
    assert "write minNodes: 1" in refused["nodePools[0].minNodes"]
    served = planned(nodePools=empty)
    assert served.models[0].replicas_may_need_nodes
    for plan in (served, planned(nodePools=empty, models=[])):
        assert plan.gpu_operator is not None
        assert plan.gpu_operator.smoke_tests == ()


def test_a_volume_that_one_node_mounts_leaves_no_room_for_a_pod_more() -> None:
    cache = {"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"}
    assert planned(nodePools=[pool(minNodes=2)], models=[model(cache=cache)]).models[0].max_surge == 0
