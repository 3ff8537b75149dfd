"""Pools of Bottlerocket's: image, volumes, what a version can do, what the GPU Operator leaves to it."""

from __future__ import annotations

from typing import Any

import pytest

from planning.facts import rows
from planning.model import NodeGroupPlan, Severity
from planning.nodes.bottlerocket import MIG_MODELS
from planning.nodes.instances import instance_type
from planning.nodes.sharing import mig_profiles
from tests.planning.stacks import errors, model, planned, pool, refusal, rules

MPS = {"kind": "mps", "replicas": 2}
MIG = {"kind": "mig", "profile": "2g.10gb"}
WHOLE = "1.57.0-0a1b2c3d"


def rocket(**changes: Any) -> dict[str, Any]:
    return pool(amiFamily="bottlerocket", **changes)


def group(**changes: Any) -> NodeGroupPlan:
    return planned(nodePools=[rocket(**changes)]).gpu_pools[0]


def test_a_pool_has_the_variant_two_volumes_and_no_operand_of_the_operator() -> None:
    found = group(amiReleaseVersion=WHOLE)
    assert found.ami_type == "BOTTLEROCKET_x86_64_NVIDIA"
    assert found.ami_release_version == WHOLE
    assert found.bottlerocket is not None
    assert (found.bottlerocket.system_disk_gib, found.bottlerocket.mig_model) == (4, None)
    assert found.labels["nvidia.com/gpu.deploy.operands"] == "false"
    assert planned().gpu_pools[0].bottlerocket is None
    assert "nvidia.com/gpu.deploy.operands" not in planned().gpu_pools[0].labels


@pytest.mark.parametrize(("sharing", "types"), [(MPS, ["g6.xlarge"]), (MIG, ["p4d.24xlarge"])])
def test_the_image_divides_gpus_and_the_operator_is_not_told(sharing: dict[str, Any], types: list[str]) -> None:
    plan = planned(models=[], nodePools=[rocket(instanceTypes=types, gpuSharing=sharing)])
    (found,) = plan.gpu_pools
    assert plan.gpu_operator is not None
    assert plan.gpu_operator.sharing == ()
    assert not {"nvidia.com/mig.config", "nvidia.com/device-plugin.config"} & found.labels.keys()
    assert found.labels_later == {}, "cut before the kubelet starts"
    assert found.advertised_gpus == (2 if sharing is MPS else 24)


def test_a_pool_of_each_family_has_each_its_own_way_of_sharing() -> None:
    plan = planned(models=[], nodePools=[rocket(name="a", gpuSharing=MPS), pool(name="b", gpuSharing=MPS)])
    assert plan.gpu_operator is not None
    assert [each.kind for each in plan.gpu_operator.sharing] == ["mps"]
    assert [("nvidia.com/device-plugin.config" in each.labels) for each in plan.gpu_pools] == [False, True]


def test_every_gpu_that_its_mig_manager_knows_is_one_with_mig() -> None:
    assert all(mig_profiles(gpu) for gpu in MIG_MODELS)
    b200 = instance_type("p6-b200.48xlarge").gpu
    assert b200 is not None
    profile = next(iter(mig_profiles(b200.name)))
    sections = {"instanceTypes": ["p6-b200.48xlarge"], "gpuSharing": {"kind": "mig", "profile": profile}}
    told = errors(refusal(models=[], nodePools=[rocket(**sections)]))["nodePools[0].gpuSharing.kind"]
    assert "a100-40gb, a100-80gb, h100, h200" in told
    assert "write amiFamily: al2023" in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amiReleaseVersion": "1.57.0"}, "EKS refuses 1.57.0 alone"),
        ({"amiReleaseVersion": "1.35.4-20260505"}, "is no version of Bottlerocket"),
        ({"amiReleaseVersion": "latest"}, "is no version of Bottlerocket"),
        ({"amiReleaseVersion": "1.52.0-0a1b2c3d"}, "the variant for Kubernetes 1.35 came with 1.53.0"),
        ({"amiReleaseVersion": "1.54.0-0a1b2c3d", "gpuSharing": MPS}, "gpuSharing: mps came with 1.55.0; write 1.55.0"),
    ],
)
def test_a_version_that_cannot_do_what_is_asked_is_refused(changes: dict[str, Any], words: str) -> None:
    assert words in errors(refusal(models=[], nodePools=[rocket(**changes)]))["nodePools[0].amiReleaseVersion"]


@pytest.mark.parametrize(
    ("release", "changes", "words"),
    [
        ("1.45.0-0a1b2c3d", {"fastStart": True}, "fastStart with instanceStore: raid0 came with 1.46.0"),
        ("1.43.0-0a1b2c3d", {"fastStart": True, "instanceStore": "unused"}, "fastStart came with 1.44.0"),
        ("1.45.0-0a1b2c3d", {"fastStart": True, "instanceStore": "unused"}, None),
        ("1.45.0-0a1b2c3d", {}, "instanceStore: raid0 as we set it up came with 1.46.0"),
        ("1.45.0-0a1b2c3d", {"diskGib": 300}, None),
        (
            "1.33.0-0a1b2c3d",
            {"instanceTypes": ["p4d.24xlarge"], "gpuSharing": MIG, "diskGib": 900},
            "gpuSharing: mig came with 1.34.0",
        ),
    ],
)
def test_each_thing_has_the_version_it_came_with(release: str, changes: dict[str, Any], words: str | None) -> None:
    sections: dict[str, Any] = {
        "cluster": {"version": "1.32"},
        "models": [],
        "nodePools": [rocket(**{"amiReleaseVersion": release, **changes})],
    }
    if words is None:
        assert planned(**sections)
    else:
        assert words in errors(refusal(**sections))["nodePools[0].amiReleaseVersion"]


@pytest.mark.parametrize(("release", "old"), [("1.52.0-0a1b2c3d", True), ("1.53.0-0a1b2c3d", False), (None, False)])
def test_a_driver_older_than_the_images_cuda_is_told(release: str | None, old: bool) -> None:
    pinned = {"amiReleaseVersion": release} if release else {}
    plan = planned(cluster={"version": "1.33"}, nodePools=[rocket(**pinned)])
    told = [finding for finding in plan.findings if finding.rule == "ami-cuda"]
    assert [finding.path for finding in told] == ["nodePools[0].amiReleaseVersion"] * old
    assert all("1.53.0 or later" in finding.text for finding in told)


def test_without_the_operator_such_a_pool_still_has_its_device_plugin() -> None:
    off = {"gpuOperator": {"enabled": False, "smokeTest": False}}
    assert planned(nodePools=[rocket()], **off).gpu_operator is None
    beside = refusal(nodePools=[rocket(), pool(name="b")], models=[model(pool="b")], **off)
    assert "no-device-plugin" in {each.rule for each in beside}
    without = {"devicePlugin": False, "smokeTest": False}
    alone = planned(nodePools=[rocket(gpuSharing=MPS)], models=[], gpuOperator=without)
    assert alone.gpu_operator is not None
    assert not alone.gpu_operator.device_plugin


def test_what_is_not_seen_of_its_gpus_is_told_and_nothing_scales_by_it() -> None:
    assert "bottlerocket-gpu-metrics" in rules(planned(nodePools=[rocket()]).findings, Severity.WARNING)
    quiet = planned(nodePools=[rocket()], gpuOperator={"dcgmExporter": False})
    assert "bottlerocket-gpu-metrics" not in rules(quiet.findings, Severity.WARNING)
    assert "bottlerocket-gpu-metrics" not in rules(planned().findings, Severity.WARNING)
    by_gpu = model(autoscaling={"maxReplicas": 1, "metrics": [{"kind": "gpuUtilization"}]})
    assert errors(refusal(nodePools=[rocket()], models=[by_gpu]))


def test_the_table_is_sound() -> None:
    table = rows("bottlerocket.csv")
    assert len({row["name"] for row in table}) == len(table)
    assert all(row["source"] and len(row["since"].split(".")) == 3 for row in table)
