"""Replicas on several nodes: what is planned of them, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planning.alerts.stack import MODEL_COST
from planning.architectures.described import architecture_of
from planning.findings import Findings
from planning.model import ServedModel, StackPlan
from planning.serving.drain import ENGINE_WAIT_SECONDS
from planning.serving.groups import check_stages
from settings.models import Model
from tests.planning.stacks import errors, model, planned, pool, refusal

LARGE = "Qwen/Qwen2.5-72B-Instruct"
L4X4: dict[str, Any] = {"instanceTypes": ["g6.12xlarge"], "zones": ["us-east-1a"], "minNodes": 2, "maxNodes": 4}


def grouped(**changes: Any) -> dict[str, Any]:
    """A model on two nodes of four GPUs each."""
    asked = {"source": LARGE, "tensorParallel": 4, "pipelineParallel": 2, "nodes": 2}
    return model(**{**asked, "autoscaling": {"minReplicas": 1, "maxReplicas": 2}, **changes})


def of_stack(**changes: Any) -> StackPlan:
    return planned(nodePools=[pool(**L4X4)], models=[grouped(**changes)])


def served(**changes: Any) -> ServedModel:
    (large,) = of_stack(**changes).models
    return large


def test_leader_and_workers_are_told_of_each_other() -> None:
    large = served()
    assert {"--tensor-parallel-size=4", "--pipeline-parallel-size=2"} <= set(large.args)
    group = large.group
    assert group is not None
    assert (group.name, group.pods, group.network_gbps) == ("chat-group", 2, 40)
    common = {"--nnodes=2", "--master-port=29501"}
    assert common < set(group.leader_args)
    assert {"--node-rank=0", "--master-addr=$(VLLM_HOST_IP)"} <= set(group.leader_args)
    assert "--headless" not in group.leader_args
    assert common < set(group.worker_args)
    own = {"--node-rank=$(LWS_WORKER_INDEX)", "--master-addr=$(LWS_LEADER_ADDRESS)", "--headless"}
    assert own <= set(group.worker_args)
    assert group.ports[0] <= group.rendezvous_port <= group.ports[1]


def test_the_first_pod_of_a_group_waits_for_the_last_one() -> None:
    large = served(drain={"preStopSeconds": 10, "shutdownTimeoutSeconds": 60})
    patience = large.startup_probe.period_seconds * large.startup_probe.failure_threshold
    group = large.group
    assert group is not None
    (timeout,) = (int(each.partition("=")[2]) for each in group.leader_args if "distributed-timeout" in each)
    whole = sum(term.high_seconds for term in (*large.node_start, *large.cold_start))
    assert patience > whole
    assert timeout == max(600, round(whole))
    assert group.leave_seconds == 70 + ENGINE_WAIT_SECONDS
    older = served(image={"tag": "v0.17.0"}).group
    assert older is not None
    assert not any("distributed-timeout" in each for each in older.worker_args), "0.18.0 has it first"


def test_each_pod_asks_for_the_gpus_of_a_node_and_a_replica_costs_all_its_nodes() -> None:
    plan = of_stack()
    (large,) = plan.models
    assert (large.resources.gpus, large.pods_per_replica, large.max_surge) == (4, 2, 0)
    (cost,) = plan.cost.models
    (of_pool,) = plan.cost.pools
    assert of_pool.gpu_usd_per_hour is not None
    assert cost.min_usd_per_hour == pytest.approx(8 * of_pool.gpu_usd_per_hour, rel=0.001)
    (fit,) = plan.node_fits
    assert sum(left.nodes for left in fit.left) == 4
    quota = {"tenants": [{"name": "search", "namespace": "models", "quota": {"gpus": 8}}]}
    told = errors(refusal(nodePools=[pool(**L4X4)], models=[grouped()], **quota))
    assert "16" in told["tenants[0].quota.gpus"]


def test_the_live_cost_counts_all_gpus_of_a_group_for_each_leader() -> None:
    """Rules see the leaders' pods alone; a group of two nodes of four GPUs costs both nodes."""
    monitoring = of_stack().monitoring
    assert monitoring is not None
    rules = [rule for group in monitoring.alert_groups for rule in group.recordings if rule.record == MODEL_COST]
    assert ["* 2 or vector(0)" in rule.expr for rule in rules] == [True]


def test_its_operator_comes_and_it_has_no_deployment() -> None:
    plan = of_stack()
    (large,) = plan.models
    assert (large.deployment_suffix, large.operators, large.pod_names) == (None, ("lws",), "chat-group-[0-9]+")
    assert [(each.name, each.namespace, each.webhook_ports) for each in plan.operators] == [
        ("lws", "lws-system", (9443,))
    ]
    alerts = {alert.name: alert.expr for group in large.alert_groups for alert in group.alerts}
    assert 'pod=~"chat-group-[0-9]+"' in alerts["VllmScrapeMissing"]
    assert "kube_deployment" not in alerts["VllmUnavailable"]
    scaling = {"metrics": [{"kind": "gpuUtilization", "target": 80}], "maxReplicas": 1}
    assert 'exported_pod=~"chat-group-[0-9]+"' in served(autoscaling=scaling).autoscaling.recordings[0].expr
    alone = planned()
    assert alone.operators == ()
    assert (alone.models[0].group, alone.models[0].pods_per_replica) == (None, 1)


def test_its_memory_is_that_of_the_fullest_stage() -> None:
    memory, halves = served().memory, served(tensorParallel=2, pipelineParallel=4).memory
    assert memory is not None
    assert halves is not None
    assert memory.kv_cache_tokens > 8192
    assert halves.weights_bytes_per_gpu == pytest.approx(memory.weights_bytes_per_gpu, rel=0.1), "as many GPUs hold it"


def test_its_tokens_pass_every_stage_and_the_network_between() -> None:
    """Of one request each stage reads its part of the weights after the other; a slow network is felt by prompts."""
    rates, halves = served().throughput, served(tensorParallel=2, pipelineParallel=4).throughput
    assert rates is not None
    assert halves is not None
    assert halves.idle_time_per_output_token_seconds > 1.8 * rates.idle_time_per_output_token_seconds
    slow = {**L4X4, "instanceTypes": ["g6.xlarge"], "minNodes": 2}
    fast = {**slow, "instanceTypes": ["g6.16xlarge"]}
    asked = grouped(source="Qwen/Qwen2.5-7B-Instruct", tensorParallel=1)
    first = [planned(nodePools=[pool(**nodes)], models=[asked]).models[0].throughput for nodes in (slow, fast)]
    assert first[0] is not None
    assert first[1] is not None
    assert first[0].idle_time_to_first_token_seconds > first[1].idle_time_to_first_token_seconds


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "half the GPUs": ({}, {"pipelineParallel": 1}, "models[0].nodes", "have 8 GPUs"),
    "more GPUs": ({}, {"pipelineParallel": 4}, "models[0].nodes", "write nodes: 4"),
    "layers over nodes": (
        {},
        {"tensorParallel": 8, "pipelineParallel": 1},
        "models[0].tensorParallel",
        "twice per layer",
    ),
    "zones": ({"zones": []}, {}, "nodePools[0].zones", "in one"),
    "two zones": ({"zones": ["us-east-1a", "us-east-1b"]}, {}, "nodePools[0].zones", "us-east-1a, us-east-1b"),
    "half a group": ({"maxNodes": 3}, {}, "nodePools[0].maxNodes", "write maxNodes: 4"),
    "no group": ({"minNodes": 0, "maxNodes": 1}, {}, "nodePools[0].maxNodes", "write maxNodes: 2"),
    "one node's volume": (
        {},
        {"cache": {"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"}},
        "models[0].cache.accessMode",
        "a replica is on 2",
    ),
    "compiled": ({}, {"compileCache": "efs", "cache": {"kind": "efs"}}, "models[0].compileCache", "other layers"),
    "canary": ({}, {"rollout": {"kind": "canary"}}, "models[0].rollout.kind", "knows no LeaderWorkerSets"),
    "backend": ({}, {"backend": "kserve"}, "models[0].nodes", "these do: deployment"),
    "draft": (
        {},
        {"draftModel": {"source": "a/c", "revision": "0" * 40, "numSpeculativeTokens": 3}},
        "models[0].draftModel",
        "does not draft with stages",
    ),
    "shares": (
        {"gpuSharing": {"kind": "timeSlicing", "replicas": 2}},
        {},
        "models[0].tensorParallel",
        "gpuSharing: timeSlicing",
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_a_group_cannot_have_is_refused_by_its_path(case: str) -> None:
    nodes, changes, path, words = REFUSED[case]
    told = errors(refusal(nodePools=[pool(**{**L4X4, **nodes})], models=[grouped(**changes)]))
    assert words in told[path], told


def test_a_family_that_vllm_does_not_divide_and_stages_without_layers_are_refused() -> None:
    asked = Model.model_validate(grouped(pipelineParallel=16, nodes=4))
    known = architecture_of(asked)
    assert known is not None
    for shape, words in (
        (replace(known, family="zamba2"), "does not divide zamba2"),
        (replace(known, layers=15), "write 15 or less"),
    ):
        findings = Findings()
        check_stages(asked, shape, "models[0]", findings)
        assert words in errors(findings.all())["models[0].pipelineParallel"]
    silent = Findings()
    check_stages(asked, known, "models[0]", silent)
    assert silent.all() == ()


def test_a_group_on_nodes_that_are_taken_back_is_warned_of() -> None:
    plan = planned(nodePools=[pool(**L4X4, capacity="spot")], models=[grouped()])
    (told,) = [each for each in plan.findings if each.rule == "group-spot"]
    assert told.path == "models[0].nodes"


def test_stages_of_one_node_need_no_group() -> None:
    (chat,) = planned(
        nodePools=[pool(instanceTypes=["g6.12xlarge"])], models=[model(tensorParallel=2, pipelineParallel=2)]
    ).models
    assert chat.group is None
    assert chat.resources.gpus == 4
    assert "--pipeline-parallel-size=2" in chat.args
    told = errors(refusal(nodePools=[pool()], models=[model(pipelineParallel=2)]))
    assert "or nodes for a replica on several" in told["models[0].pipelineParallel"]
