"""Volumes: classes that are there, who mounts them, and the time that weights on them take."""

from __future__ import annotations

from typing import Any

import pytest

from planning.serving.probes import span_seconds
from tests.planning.stacks import errors, model, planned, pool, refusal

EXISTING = {
    "cluster": {"kind": "existing", "name": "main"},
    "network": {"kind": "existing", "vpcId": "vpc-0abc1234", "privateSubnetIds": ["subnet-0aa11111", "subnet-0bb2222"]},
}  # fmt: skip
BIG = [pool(instanceTypes=["p4d.24xlarge"], diskGib=600)]
GP3 = {"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"}


def volume(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "persistentVolume", "storageClass": name, **more}


@pytest.mark.parametrize("name", ["efs-sc", "io2", "gp3-fast", "fsx"])
def test_a_class_that_nothing_in_a_new_cluster_provides_is_refused(name: str) -> None:
    refused = errors(refusal(models=[model(cache=volume(name, accessMode="ReadWriteOnce"))]))
    assert "write gp3 or gp2" in refused["models[0].cache.storageClass"]
    assert "monitoring.storageClass" in errors(refusal(monitoring={"storageClass": name}))


@pytest.mark.parametrize("name", ["gp3", "gp2"])
def test_the_classes_of_a_new_cluster_are_taken(name: str) -> None:
    assert planned(models=[model(cache=volume(name, accessMode="ReadWriteOnce"))]).models[0].cache.storage_class == name


def test_a_class_of_ones_own_and_those_of_an_existing_cluster_are_taken() -> None:
    own = planned(models=[model(cache=volume("efs-sc"))], cluster={"storageClasses": ["efs-sc"]})
    there = planned(models=[model(cache=volume("efs-sc"))], **EXISTING)
    assert {each.models[0].cache.storage_class for each in (own, there)} == {"efs-sc"}


def zone_warnings(**stack: Any) -> dict[str, str]:
    return {finding.path: finding.text for finding in planned(**stack).findings if finding.rule == "volume-zone"}


def test_a_server_that_follows_its_volume_into_a_zone_is_warned_of_a_pool_that_starts_nodes_in_several() -> None:
    told = zone_warnings(models=[model(cache=GP3)])
    assert list(told) == ["models[0].cache.storageClass"]
    assert "nodePools[0].zones: [us-east-1a]" in told["models[0].cache.storageClass"]
    there = zone_warnings(models=[model(cache=GP3)], **EXISTING)
    assert "nodePools[0].subnetIds: [subnet-0aa11111]" in there["models[0].cache.storageClass"]


def test_where_every_node_can_mount_the_volume_or_is_bought_for_it_nothing_is_said_of_zones() -> None:
    assert zone_warnings(models=[model(cache=GP3)], nodePools=[pool(zones=["us-east-1a"])]) == {}
    one = pool(subnetIds=["subnet-0aa11111"])
    assert zone_warnings(models=[model(cache=GP3)], nodePools=[one], **EXISTING) == {}
    assert zone_warnings(models=[model(cache=volume("efs-sc"))], cluster={"storageClasses": ["efs-sc"]}) == {}
    assert zone_warnings(models=[model()]) == {}
    assert (
        zone_warnings(
            models=[model(cache=GP3)], nodePools=[pool(kind="karpenter", amiReleaseVersion="1.35.3-20260527")]
        )
        == {}
    )


def large(cache: dict[str, Any]) -> Any:
    served = model(source="Qwen/Qwen2.5-72B-Instruct", tensorParallel=8, cache=cache)
    return planned(nodePools=BIG, models=[served], cluster={"storageClasses": ["efs-sc"]}).models[0]


def test_probe_and_rollout_wait_for_weights_that_come_from_a_volume() -> None:
    """145 GB at 125 MiB/s are 1109 s, at the 70 MB/s that such readers were seen to reach 2077 s."""
    disk, gp3 = large({"kind": "emptyDir"}), large(GP3)
    assert span_seconds(gp3.startup_probe) > 2077
    assert gp3.rollout_timeout_seconds > span_seconds(gp3.startup_probe)
    assert span_seconds(disk.startup_probe) < 1200


def test_a_stated_throughput_decides_and_an_unknown_class_is_taken_for_slow() -> None:
    spans = [
        span_seconds(large(cache).startup_probe)
        for cache in (volume("efs-sc", throughputMibps=1000), GP3, volume("efs-sc"))
    ]
    assert spans == sorted(spans)
    assert spans[0] < spans[1] < spans[2]


def test_the_download_job_has_time_for_its_node_its_image_and_its_volume() -> None:
    still = (
        planned(nodePools=[pool(minNodes=1, maxNodes=1)], models=[model(cache=GP3)]).models[0].download_timeout_seconds
    )
    growing = [pool(minNodes=0, maxNodes=1)]
    coming = planned(nodePools=growing, models=[model(cache=GP3)]).models[0]
    node = sum(term.high_seconds for term in coming.node_start)
    assert node > 0
    assert coming.download_timeout_seconds >= still + node
