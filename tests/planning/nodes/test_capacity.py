from __future__ import annotations

from planning.model import Severity
from tests.planning.stacks import errors, model, planned, pool, refusal, rules

TWO = {"minReplicas": 2, "maxReplicas": 2}


def test_replicas_that_need_more_nodes_than_run_are_refused_because_nothing_adds_nodes() -> None:
    found = errors(refusal(models=[model(autoscaling=TWO)]))
    message = found["nodePools[0].minNodes"]
    assert "need 2 nodes of g6.xlarge" in message
    assert "write minNodes: 2" in message
    assert "maxNodes" not in message


def test_the_way_out_names_max_nodes_where_that_is_too_small_as_well() -> None:
    found = errors(refusal(nodePools=[pool(maxNodes=1)], models=[model(autoscaling=TWO)]))
    assert "and maxNodes: 2 or more" in found["nodePools[0].minNodes"]


def test_models_of_one_pool_are_added_up() -> None:
    found = errors(refusal(models=[model(name="a"), model(name="b")]))
    assert "models/a, models/b need 2 nodes" in found["nodePools[0].minNodes"]


def test_most_replicas_beyond_the_nodes_are_warned_of() -> None:
    plan = planned(models=[model(autoscaling={"maxReplicas": 3})])
    finding = next(each for each in plan.findings if each.rule == "replicas-beyond-nodes")
    assert finding.path == "nodePools[0].minNodes"
    beyond = planned(models=[model(autoscaling={"maxReplicas": 9})])
    assert next(f for f in beyond.findings if f.rule == "replicas-beyond-nodes").path == "nodePools[0].maxNodes"


def test_a_rollout_may_start_a_pod_more_only_where_a_gpu_is_left() -> None:
    assert planned().models[0].max_surge == 0
    spare = planned(nodePools=[pool(minNodes=2)])
    assert spare.models[0].max_surge == 1
    assert rules(spare.findings, Severity.WARNING) == {"image-digest"}


def test_a_pool_without_nodes_serves_nothing_and_is_not_smoke_tested() -> None:
    assert "write minNodes: 1" in errors(refusal(nodePools=[pool(minNodes=0)]))["nodePools[0].minNodes"]
    idle = planned(nodePools=[pool(minNodes=0)], models=[])
    assert idle.gpu_operator is not None
    assert idle.gpu_operator.smoke_tests == ()


def test_a_volume_that_one_node_mounts_leaves_no_room_for_a_pod_more() -> None:
    cache = {"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"}
    assert planned(nodePools=[pool(minNodes=2)], models=[model(cache=cache)]).models[0].max_surge == 0
