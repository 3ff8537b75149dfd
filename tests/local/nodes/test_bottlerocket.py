"""Bottlerocket's user data on the platform: who joins, how GPUs are divided, what is no such document."""

from __future__ import annotations

import pytest

from local.nodes.bottlerocket import settings_of, sharing_of
from local.nodes.gpu_features import label_changes, shares
from local.nodes.groups import launch_volume_gib
from local.nodes.node_config import node_config
from planning.model import GpuSharingPlan
from tests.local.nodes.test_watcher import CAPACITY

# As Karpenter v1.14.0 merges it (pkg/providers/amifamily/bootstrap/bottlerocket.go).
JOINS = """
[settings.kubernetes]
api-server = "https://127.0.0.1:1"
cluster-name = "c"
[settings.kubernetes.node-labels]
"karpenter.sh/nodepool" = "l4"
[settings.kubernetes.node-taints]
"karpenter.sh/unregistered" = [":NoExecute"]
"nvidia.com/gpu" = ["present:NoSchedule"]
[settings.bootstrap-commands.000-mount-instance-storage]
commands = [["apiclient", "ephemeral-storage", "init"], ["apiclient", "ephemeral-storage", "bind"]]
essential = true
mode = "always"
"""
MPS = """
[settings.kubelet-device-plugins.nvidia]
device-sharing-strategy = "mps"
"""


def test_karpenters_document_says_cluster_labels_taints_and_disks() -> None:
    found = node_config(JOINS)
    assert found is not None
    assert (found.cluster, found.raid0, found.bottlerocket) == ("c", True, True)
    assert found.labels == {"karpenter.sh/nodepool": "l4"}
    assert found.taints == (
        {"key": "karpenter.sh/unregistered", "value": "", "effect": "NoExecute"},
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
    )
    assert found.sharing == GpuSharingPlan()


@pytest.mark.parametrize("text", ["MIME-Version: 1.0", "settings = 1", "[other]\nx = 1", "[settings]\nmotd = 'hi'"])
def test_what_names_no_cluster_makes_no_node(text: str) -> None:
    assert node_config(text) is None


PLUGIN = "[settings.kubelet-device-plugins.nvidia"
KEPT = MPS + f"{PLUGIN}.mps]\nrename-by-default = false\n"
CUT = f'device-partitioning-strategy = "mig"\n{PLUGIN}.mig.profile]\n"a100.40gb" = "1g.5gb"\n'


@pytest.mark.parametrize(("more", "gpus"), [("", 1), (MPS, 0), (KEPT, 2), (MPS + CUT, 0)])
def test_renamed_shares_and_mps_on_mig_leave_a_node_without_nvidia_com_gpu(more: str, gpus: int) -> None:
    settings = settings_of(more)
    assert settings is not None
    assert shares(CAPACITY, sharing_of(settings)) == gpus


def test_the_operator_labels_nothing_where_the_group_says_so() -> None:
    assert label_changes({"nvidia.com/gpu.deploy.operands": "false", "team": "a"}, CAPACITY, True) == {}


def test_the_disk_of_pods_is_the_second_one() -> None:
    volumes = [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 4}},
        {"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 300}},
    ]
    template = {"BlockDeviceMappings": volumes}
    assert (launch_volume_gib(template), launch_volume_gib(template, "/dev/xvdb")) == (4, 300)
