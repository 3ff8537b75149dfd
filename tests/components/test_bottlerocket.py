"""What Bottlerocket's nodes are told, by a launch template and by Karpenter; its two volumes."""

from __future__ import annotations

import base64
import tomllib
from dataclasses import replace
from typing import Any

import pytest

from components.aws.node_group import user_data, volumes
from components.bottlerocket import bottlerocket_settings
from components.cluster.karpenter.manifests import ec2_node_class
from local.nodes.bottlerocket import is_raid0, settings_of, sharing_of
from planning.model import BottlerocketPlan, GpuSharingPlan, NodeGroupPlan
from tests.components.plans import KARPENTER_NODES
from tests.components.samples import GOLDENS
from tests.golden import assert_matches

PLAIN = replace(
    KARPENTER_NODES,
    ami_type="BOTTLEROCKET_x86_64_NVIDIA",
    bottlerocket=BottlerocketPlan(4),
    instance_store_gib=None,
    fast_image_pull=False,
)
CUT = replace(PLAIN, bottlerocket=BottlerocketPlan(4, "a100.40gb"), sharing=GpuSharingPlan("mig", 3, "2g.10gb"))
FULL = replace(PLAIN, sharing=GpuSharingPlan("timeSlicing", 4), fast_image_pull=True, instance_store_gib=400)


def told(plan: NodeGroupPlan, raid0: bool = False) -> dict[str, Any]:
    document = bottlerocket_settings(plan, raid0)
    assert document is not None
    found: dict[str, Any] = tomllib.loads(document)["settings"]
    return found


def test_the_whole_document_is_as_reviewed() -> None:
    document = bottlerocket_settings(FULL, raid0=True)
    assert document is not None
    assert_matches(GOLDENS / "bottlerocket-settings.toml", document)


def test_nothing_asked_is_no_user_data() -> None:
    assert bottlerocket_settings(PLAIN, raid0=False) is None
    assert user_data(PLAIN) is None


@pytest.mark.parametrize(
    ("sharing", "expected"),
    [
        (GpuSharingPlan("mps", 2), GpuSharingPlan("mps", 2)),
        (GpuSharingPlan("timeSlicing", 4), GpuSharingPlan("timeSlicing", 4)),
        (GpuSharingPlan("mig", 3, "2g.10gb"), GpuSharingPlan("mig", 1, "2g.10gb")),
    ],
)
def test_shares_keep_the_name_that_pods_ask_for(sharing: GpuSharingPlan, expected: GpuSharingPlan) -> None:
    settings = told(replace(CUT, sharing=sharing))
    assert sharing_of(settings) == expected
    plugin = settings["kubelet-device-plugins"]["nvidia"]
    if sharing.kind == "mig":
        assert plugin == {"device-partitioning-strategy": "mig", "mig": {"profile": {"a100.40gb": "2g.10gb"}}}
    else:
        assert plugin[plugin["device-sharing-strategy"]]["rename-by-default"] is False


def test_a_managed_group_sets_up_its_disks_itself_and_karpenter_does_for_its_own() -> None:
    written = user_data(FULL)
    assert written is not None
    document = base64.b64decode(written).decode()
    assert "MIME" not in document
    settings = settings_of(document)
    assert settings is not None
    assert is_raid0(settings)
    of_karpenter = ec2_node_class(FULL, [], "sg-1", "profile", {})["spec"]
    by_karpenter = settings_of(of_karpenter["userData"])
    assert by_karpenter is not None
    assert not is_raid0(by_karpenter)
    assert of_karpenter["instanceStorePolicy"] == "RAID0"


def test_system_and_data_volumes_are_both_encrypted_and_pods_are_on_the_second() -> None:
    made = {each.device_name: each.ebs for each in volumes(PLAIN)}
    assert set(made) == {"/dev/xvda", "/dev/xvdb"}
    assert all(ebs.encrypted == "true" and ebs.delete_on_termination == "true" for ebs in made.values())
    assert (made["/dev/xvda"].volume_size, made["/dev/xvdb"].volume_size) == (4, PLAIN.disk_gib)
    system, data = ec2_node_class(PLAIN, [], "sg-1", "profile", {})["spec"]["blockDeviceMappings"]
    assert (system["deviceName"], system["ebs"]["volumeSize"]) == ("/dev/xvda", "4Gi")
    assert "rootVolume" not in system
    assert (data["deviceName"], data["rootVolume"]) == ("/dev/xvdb", True)
    assert system["ebs"]["encrypted"] is data["ebs"]["encrypted"] is True
