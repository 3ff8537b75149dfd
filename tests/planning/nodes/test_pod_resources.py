from __future__ import annotations

import pytest

from planning.model import Severity
from planning.nodes.quantity import mib, millicores
from tests.planning.stacks import errors, model, planned, pool, refusal

EFS = {"kind": "persistentVolume", "storageClass": "efs-sc"}
OF_YOURS = {"storageClasses": ["efs-sc"]}


def test_defaults_leave_the_node_its_daemon_sets() -> None:
    asked = planned().models[0].resources
    assert 8 * 1024 <= mib(asked.memory) <= 14162 - 214
    assert 3000 <= millicores(asked.cpu_request) <= 3725
    assert asked.gpus == 1


def test_two_replicas_of_two_gpus_share_a_node_of_four() -> None:
    plan = planned(
        nodePools=[pool(instanceTypes=["g6.12xlarge"], diskGib=300)],
        models=[model(tensorParallel=2, autoscaling={"minReplicas": 2, "maxReplicas": 2})],
    )
    asked = plan.models[0].resources
    assert asked.gpus == 2
    assert 2 * mib(asked.memory) <= 178_933
    assert plan.gpu_pools[0].desired_nodes == 1
    assert mib(asked.shared_memory) > mib(planned().models[0].resources.shared_memory)


def test_the_download_asks_for_no_gpu_and_no_more_than_the_server() -> None:
    served = planned().models[0]
    assert served.download_resources.gpus == 0
    assert mib(served.download_resources.memory) <= mib(served.resources.memory)
    assert served.download_resources.ephemeral_storage == served.resources.ephemeral_storage


def test_weights_in_the_pod_count_for_its_disk_and_on_a_volume_they_do_not() -> None:
    inside = planned().models[0]
    outside = planned(models=[model(cache=EFS)], cluster=OF_YOURS).models[0]
    assert mib(inside.resources.ephemeral_storage) - mib(outside.resources.ephemeral_storage) >= 14 * 1024
    assert inside.cache.kind == "emptyDir"
    assert outside.cache.size_gib == inside.cache.size_gib == 17


def test_memory_that_no_node_has_is_refused_with_limit_and_way_out() -> None:
    # Guides ask for 32Gi on g6.2xlarge, whose kubelet leaves 29317Mi.
    refused = errors(
        refusal(nodePools=[pool(instanceTypes=["g6.2xlarge"])], models=[model(resources={"memory": "32Gi"})])
    )
    message = refused["models[0].resources.memory"]
    assert "32Gi asked, 28Gi left on g6.2xlarge" in message
    assert "use g6.4xlarge ($1.3232/h)" in message
    assert "acceptedRisks: {nodeFit: <why>}" in message


def test_the_smallest_type_of_a_pool_is_what_counts() -> None:
    mixed = pool(instanceTypes=["g6.4xlarge", "g6.xlarge"])
    refused = errors(refusal(nodePools=[mixed], models=[model(resources={"memory": "20Gi"})]))
    assert "left on g6.xlarge" in refused["models[0].resources.memory"]


def test_cpu_that_no_node_has_is_refused() -> None:
    refused = errors(refusal(models=[model(resources={"cpu": "4"})]))
    assert "write at most 3700m" in refused["models[0].resources.cpu"]


def test_an_accepted_risk_turns_the_estimate_into_a_warning_with_the_reason() -> None:
    risky = model(resources={"memory": "32Gi"}, acceptedRisks={"nodeFit": "we patched the kubelet reserve"})
    plan = planned(models=[risky])
    finding = next(finding for finding in plan.findings if finding.rule == "node-fit")
    assert finding.severity is Severity.WARNING
    assert "we patched the kubelet reserve" in finding.text


def test_shared_memory_counts_against_the_limit() -> None:
    refused = errors(refusal(models=[model(resources={"memory": "8Gi", "sharedMemory": "6Gi"})]))
    assert "leave 2Gi for 1 worker" in refused["models[0].resources.memory"]


def test_a_disk_that_does_not_hold_image_and_weights_is_refused_with_the_size_that_does() -> None:
    refused = errors(refusal(nodePools=[pool(diskGib=50)]))
    assert "write 60" in refused["nodePools[0].diskGib"]
    assert planned(nodePools=[pool(diskGib=60)]).gpu_pools[0].disk_gib == 60


def test_ebs_is_not_shared_by_nodes() -> None:
    refused = errors(refusal(models=[model(cache={"kind": "persistentVolume", "storageClass": "gp3"})]))
    assert "one node mounts" in refused["models[0].cache.accessMode"]


@pytest.mark.parametrize(("most", "refused"), [(1, False), (2, True)])
def test_a_volume_of_one_node_holds_the_replicas_of_one_node(most: int, refused: bool) -> None:
    cache = {"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"}
    served = model(cache=cache, autoscaling={"maxReplicas": most})
    if refused:
        message = errors(refusal(models=[served]))["models[0].cache.accessMode"]
        assert "holds 1 replica, autoscaling.maxReplicas is 2" in message
    else:
        assert planned(models=[served]).models[0].cache.access_mode == "ReadWriteOnce"


def test_a_volume_smaller_than_the_weights_is_refused() -> None:
    refused = errors(refusal(models=[model(cache={**EFS, "sizeGib": 10})], cluster=OF_YOURS))
    assert "write 17" in refused["models[0].cache.sizeGib"]


def test_a_price_that_is_not_known_is_said() -> None:
    plan = planned(models=[model(cache=EFS)], cluster=OF_YOURS)
    unknown = next(finding for finding in plan.findings if finding.rule == "price-unknown")
    assert (unknown.path, unknown.severity) == ("models[0].cache.storageClass", Severity.WARNING)
    assert any(line.max_usd_per_hour is None for line in plan.cost.lines)
