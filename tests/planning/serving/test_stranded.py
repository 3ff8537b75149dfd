from __future__ import annotations

from planning.model import RoomPlan, Severity
from planning.nodes.fit import IMAGE_UNPACKED_MIB
from tests.planning.stacks import errors, model, planned, pool, refusal, rules

SMALL = "Qwen/Qwen2.5-3B-Instruct"
FOUR = {"minReplicas": 1, "maxReplicas": 4}


def fours(**more: object) -> dict[str, object]:
    """One g6.12xlarge: 4 × L4, 48 vCPU, 192 GiB."""
    return pool(**{"instanceTypes": ["g6.12xlarge"], "diskGib": 400, **more})


def test_a_nodes_size_goes_to_system_daemons_pods_and_what_is_left() -> None:
    fit = planned().node_fits[0]
    held = planned().models[0].resources
    assert (fit.pool, fit.instance_type) == ("l4", "g6.xlarge")
    (full,) = fit.left
    cpu = fit.system.cpu_millicores + fit.daemons.cpu_millicores + full.left.cpu_millicores
    assert cpu + int(held.cpu_request.rstrip("m")) == fit.total.cpu_millicores == 4000
    memory = fit.system.memory_mib + fit.daemons.memory_mib + full.left.memory_mib
    assert memory + int(held.memory.removesuffix("Gi")) * 1024 == fit.total.memory_mib == 16384
    disk = fit.system.ephemeral_mib + fit.images_mib + full.left.ephemeral_mib
    assert disk + int(held.ephemeral_storage.removesuffix("Gi")) * 1024 == fit.total.ephemeral_mib == 232 * 1024
    assert fit.images_mib == IMAGE_UNPACKED_MIB


def test_dev_shm_is_taken_from_the_pods_memory_and_not_added_to_it() -> None:
    small = planned(models=[model(resources={"sharedMemory": "1Gi", "memory": "12Gi"})]).node_fits[0]
    large = planned(models=[model(resources={"sharedMemory": "4Gi", "memory": "12Gi"})]).node_fits[0]
    assert small.left == large.left


def test_what_is_left_beside_a_pod_that_has_the_only_gpu_is_stranded() -> None:
    plan = planned(nodePools=[pool(instanceTypes=["g6.16xlarge"])])
    fit = plan.node_fits[0]
    assert fit.stranded.gpus == 0
    assert fit.stranded.cpu_millicores > 50_000
    assert fit.stranded.memory_mib > 100_000
    assert "gpus-stranded" not in rules(plan.findings, Severity.WARNING)


def test_what_another_pod_could_still_take_is_idle_and_not_stranded() -> None:
    fit = planned(nodePools=[fours()], models=[model(source=SMALL)]).node_fits[0]
    (only,) = fit.left
    assert only.pods_more == 3
    assert (only.gpus_used, only.left.gpus) == (1, 3)
    assert fit.stranded == RoomPlan(0, 0, 0, 0)


def test_gpus_that_memory_keeps_out_of_reach_are_warned_of_with_their_price() -> None:
    greedy = model(source=SMALL, autoscaling=FOUR, resources={"memory": "55Gi"})
    plan = planned(nodePools=[fours(minNodes=2)], models=[greedy])
    fit = plan.node_fits[0]
    assert fit.stranded.gpus == 1
    finding = next(finding for finding in plan.findings if finding.rule == "gpus-stranded")
    assert finding.path == "nodePools[0].instanceTypes"
    assert finding.text.startswith("1 of 8 GPUs ($1.15/h) is out of reach: on g6.12xlarge the memory is gone")
    modest = model(source=SMALL, autoscaling=FOUR)
    fitting = planned(nodePools=[fours(minNodes=2)], models=[modest])
    assert fitting.node_fits[0].stranded.gpus == 0
    assert "gpus-stranded" not in rules(fitting.findings, Severity.WARNING)


def test_shares_out_of_reach_are_called_shares() -> None:
    sharing = {"kind": "mps", "replicas": 2}
    greedy = model(source=SMALL, autoscaling={"maxReplicas": 8}, resources={"memory": "40Gi"})
    plan = planned(nodePools=[fours(gpuSharing=sharing, minNodes=3)], models=[greedy])
    finding = next(finding for finding in plan.findings if finding.rule == "gpus-stranded")
    assert " shares (" in finding.text


def test_models_that_meet_on_a_node_need_disk_for_all_of_them_and_the_image() -> None:
    models = [model(name=name, source=SMALL, resources={"ephemeralStorage": "50Gi"}) for name in ("a", "b", "c")]
    message = errors(refusal(nodePools=[fours(diskGib=190)], models=models))["nodePools[0].diskGib"]
    assert "the pods of a, b, c that meet on a node leave 16Gi for images" in message
    larger = int(message.split("write ")[1].split(".")[0])
    assert planned(nodePools=[fours(diskGib=larger)], models=models).node_fits[0].pool == "l4"
    models[1]["acceptedRisks"] = {"nodeFit": "our image is small"}
    accepted = planned(nodePools=[fours(diskGib=190)], models=models)
    assert "disk-fit" in rules(accepted.findings, Severity.WARNING)


def test_one_model_is_not_asked_for_more_disk_than_its_replicas_need() -> None:
    eight = pool(instanceTypes=["g6.48xlarge"], diskGib=200)
    small = model(source=SMALL, resources={"ephemeralStorage": "50Gi"})
    assert planned(nodePools=[eight], models=[small]).models[0].name == "chat"
    many = {**small, "autoscaling": {"maxReplicas": 8}}
    assert "8 × chat" in errors(refusal(nodePools=[eight], models=[many]))["nodePools[0].diskGib"]


def test_a_pool_without_models_is_idle_as_a_whole() -> None:
    fit = planned(models=[]).node_fits[0]
    assert fit.left == ()
    assert fit.images_mib == 0


def test_daemons_of_monitoring_and_operator_count_only_where_they_run() -> None:
    without = planned(models=[], monitoring={"enabled": False}).node_fits[0]
    with_both = planned(models=[]).node_fits[0]
    assert without.daemons.memory_mib <= with_both.daemons.memory_mib
    bare = planned(models=[], gpuOperator={"enabled": False}, monitoring={"enabled": False}).node_fits[0]
    assert bare.daemons.cpu_millicores == with_both.daemons.cpu_millicores - 5, "node-feature-discovery's worker"
