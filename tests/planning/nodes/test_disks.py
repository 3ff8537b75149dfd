"""Where pods' images and weights lie on a node, and what follows for room, cost, time and the cluster-autoscaler."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planning.findings import Findings
from planning.model import NodeGroupPlan
from planning.nodes.disks import plan_disk
from planning.nodes.instances import allocatable_ephemeral_mib, instance_types
from settings.node_system import InstanceStore
from settings.pools import ManagedPool
from tests.planning.stacks import errors, model, planned, pool, refusal

SMALL = "Qwen/Qwen2.5-0.5B-Instruct"


def group(**asked: Any) -> NodeGroupPlan:
    (node_group,) = planned(nodePools=[pool(**asked)], models=[model(source=SMALL)]).gpu_pools
    return node_group


@pytest.mark.parametrize(
    ("asked", "root_gib", "root_mibps", "store_gib"),
    [
        ({"instanceTypes": ["g6.2xlarge"]}, 50, 125, 419),
        ({"instanceTypes": ["g6.4xlarge", "g6.2xlarge"]}, 50, 125, 419),  # counted with the type that has least
        ({"instanceTypes": ["g6.2xlarge"], "instanceStore": "unused"}, 200, 600, None),
        ({"instanceTypes": ["g6.2xlarge"], "diskGib": 300}, 300, 600, None),  # somebody sized the root volume
        ({"instanceTypes": ["g6.2xlarge"], "diskThroughputMibps": 250}, 200, 250, None),
        ({"instanceTypes": ["g6.2xlarge"], "diskGib": 60, "instanceStore": "raid0"}, 60, 125, 419),
        ({"instanceTypes": ["g4dn.xlarge"]}, 200, 600, None),  # 116 GiB are less than the usual volume
        ({"instanceTypes": ["g4dn.xlarge"], "instanceStore": "raid0"}, 50, 125, 116),
    ],
)
def test_the_instance_store_is_used_where_it_is_large_enough_and_nobody_said_otherwise(
    asked: dict[str, Any], root_gib: int, root_mibps: int, store_gib: int | None
) -> None:
    served = model(source=SMALL, dtype="float16" if "g4dn.xlarge" in asked["instanceTypes"] else "auto")
    (node_group,) = planned(nodePools=[pool(**asked)], models=[served]).gpu_pools
    assert (node_group.disk_gib, node_group.disk_throughput_mibps) == (root_gib, root_mibps)
    assert node_group.instance_store_gib == store_gib
    assert node_group.disk_iops == max(3000, root_mibps * 4)
    tag = f"{allocatable_ephemeral_mib(store_gib or root_gib)}Mi"
    assert node_group.resources_by_tag["ephemeral-storage"] == tag


def test_types_without_disks_are_refused_with_raid0_and_by_default_use_the_root_volume() -> None:
    """No GPU type that EKS' driver serves is without; the check is for the next one."""
    known = instance_types()
    types = (known["g6.2xlarge"], replace(known["g6.4xlarge"], nvme_gb=0))
    asked = ManagedPool.model_validate(pool(instanceTypes=[type_.name for type_ in types]))
    findings = Findings()
    assert plan_disk(asked, types, "nodePools[0]", findings).instance_store_gib is None
    assert findings.all() == ()
    wanted = asked.model_copy(update={"instance_store": InstanceStore.RAID0})
    assert plan_disk(wanted, types, "nodePools[0]", findings).instance_store_gib is None
    (told,) = findings.all()
    assert (told.path, told.rule) == ("nodePools[0].instanceStore", "no-instance-store")
    assert "g6.4xlarge has no instance store" in told.message


def test_pods_room_is_that_of_the_disks_and_a_lack_says_what_else_to_write() -> None:
    asked = model(source=SMALL, resources={"ephemeralStorage": "500Gi"})
    told = errors(refusal(nodePools=[pool(instanceTypes=["g6.2xlarge"])], models=[asked]))
    message = told["nodePools[0].instanceStore"]
    assert message.startswith("419 GiB of instance store leave ")
    assert "write instanceStore: unused and diskGib: " in message
    gib = int(message.split("diskGib: ")[1].split(",")[0])
    larger = pool(instanceTypes=["g6.2xlarge"], instanceStore="unused", diskGib=gib)
    assert planned(nodePools=[larger], models=[asked]).gpu_pools[0].disk_gib == gib


def test_the_instance_store_is_in_the_instances_price_and_only_the_root_volume_is_added() -> None:
    def volume(**asked: Any) -> float:
        lines = planned(nodePools=[pool(**asked)], models=[model(source=SMALL)]).cost.lines
        (line,) = [line for line in lines if line.what == "root volumes of l4"]
        assert line.max_usd_per_hour is not None
        return line.max_usd_per_hour

    assert volume() < volume(instanceStore="unused") / 4


def test_the_time_to_read_weights_says_that_nobody_published_it() -> None:
    def reading(**asked: Any) -> Any:
        (served,) = planned(nodePools=[pool(**asked)], models=[model(source=SMALL)]).models
        return next(term for term in served.cold_start if term.name == "load weights")

    assert "AWS publishes none by type" in reading().source
    assert "gp3" in reading(instanceStore="unused").source
    assert reading().high_seconds != reading(instanceStore="unused").high_seconds


def test_parallel_pulls_need_a_root_volume_that_keeps_up_or_the_instances_own_disks() -> None:
    slow = pool(fastStart=True, instanceStore="unused", diskThroughputMibps=300)
    message = errors(refusal(nodePools=[slow]))["nodePools[0].diskThroughputMibps"]
    assert message.startswith("300 MiB/s, and with fastStart images come slower than without below 600; write 600")
    for works in ({"instanceStore": "unused"}, {"instanceTypes": ["g6.xlarge"], "instanceStore": "raid0"}):
        assert planned(nodePools=[pool(fastStart=True, **works)]).gpu_pools[0].fast_image_pull


def test_the_preview_says_of_pulling_an_image_how_long_with_and_without() -> None:
    def pull(**changes: object) -> tuple[float, str]:
        (term,) = [t for t in planned(nodePools=[pool(**changes)]).models[0].cold_start if t.name == "pull image"]
        return term.high_seconds, term.source

    usual, fast = pull(instanceStore="unused"), pull(instanceStore="unused", fastStart=True)
    assert fast[0] < usual[0] / 2
    assert f"without fastStart: {usual[0]:g} s" in fast[1]
    assert f"with nodePools[].fastStart: {fast[0]:g} s" in usual[1]


def test_what_is_wrong_with_the_disk_is_told_once_and_beside_types_that_make_no_pool() -> None:
    wrong = {"diskThroughputMibps": 200, "diskGib": 300, "fastStart": True, "amiFamily": "bottlerocket"}
    found = refusal(nodePools=[pool(instanceTypes=["g6.xlarge", "g5.xlarge"], **wrong)], models=[])
    rules = [each.rule for each in found]
    assert rules.count("fast-start-disk") == 1
    assert "mixed-pool" in rules
