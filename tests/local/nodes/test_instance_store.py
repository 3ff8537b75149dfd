"""A node whose launch template asks for RAID0 has its pods' storage on the instance's own disks."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from components.aws.node_group import user_data
from local.nodes.groups import instance_store_gib, is_raid0
from planning.nodes.disks import NodeDisk
from planning.nodes.instances import instance_type
from tests.components.samples import GPU_NODES


def encoded(text: str) -> dict[str, str]:
    return {"UserData": base64.b64encode(text.encode()).decode()}


def test_what_the_program_writes_is_understood() -> None:
    written = user_data(replace(GPU_NODES, instance_store_gib=419))
    assert written is not None
    assert is_raid0({"UserData": written})
    assert user_data(replace(GPU_NODES, instance_store_gib=None)) is None


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/bash\necho strategy: RAID0",
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/x-shellscript\n\n'
        "spec: {instance: {localStorage: {strategy: RAID0}}}\n--b--\n",
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n'
        "Content-Type: application/node.eks.aws\n\nspec: {instance: {localStorage: {strategy: Mount}}}\n--b--\n",
        "",
    ],
)
def test_other_user_data_is_not(text: str) -> None:
    assert not is_raid0(encoded(text))
    assert not is_raid0({})


def test_its_size_is_what_the_plan_counts_with() -> None:
    described = {"InstanceStorageInfo": {"TotalSizeInGB": instance_type("g6.2xlarge").nvme_gb}}
    assert instance_store_gib(described) == NodeDisk(50, 125, 419).pods_gib
    assert instance_store_gib({}) == 0
