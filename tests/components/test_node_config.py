"""What nodeadm is told: of disks, of image pulls, of both, and of neither nothing at all."""

from __future__ import annotations

import base64
import email
import tomllib
from dataclasses import replace

import pytest
import yaml

from components.aws.node_group import user_data
from components.cluster.karpenter.manifests import ec2_node_class
from components.node_config import node_config, node_document
from planning.model import BottlerocketPlan, NodeGroupPlan
from tests.components.plans import KARPENTER_NODES

RAID0 = {"instance": {"localStorage": {"strategy": "RAID0"}}}
FAST = {"featureGates": {"FastImagePull": True}}


def spec(document: str | None) -> dict[str, object]:
    assert document is not None
    (part,) = email.message_from_string(document).get_payload()
    assert part.get_content_type() == "application/node.eks.aws"  # type: ignore[union-attr]
    told = yaml.safe_load(part.get_payload())  # type: ignore[union-attr, arg-type]
    assert (told["apiVersion"], told["kind"]) == ("node.eks.aws/v1alpha1", "NodeConfig")
    spec: dict[str, object] = told["spec"]
    return spec


def test_one_numa_node_is_the_kubelets_affair_in_the_words_of_each_image() -> None:
    plan = replace(KARPENTER_NODES, instance_store_gib=None, fast_image_pull=False, gpus_per_numa_node=4)
    policies = {"cpuManagerPolicy": "static", "topologyManagerPolicy": "single-numa-node"}
    assert spec(node_document(plan, raid0=False)) == {"kubelet": {"config": policies}}
    assert spec(node_document(replace(plan, fast_image_pull=True), raid0=True)).keys() == {
        "kubelet",
        "instance",
        "featureGates",
    }
    document = node_document(replace(plan, bottlerocket=BottlerocketPlan(4)), raid0=False)
    assert document is not None
    told = tomllib.loads(document)["settings"]["kubernetes"]
    assert told == {"cpu-manager-policy": "static", "topology-manager-policy": "single-numa-node"}


@pytest.mark.parametrize(
    ("raid0", "fast", "told"), [(True, False, RAID0), (False, True, FAST), (True, True, RAID0 | FAST)]
)
def test_a_managed_groups_user_data_says_what_the_pool_asks(raid0: bool, fast: bool, told: object) -> None:
    plan = replace(KARPENTER_NODES, karpenter=None, instance_store_gib=400 if raid0 else None, fast_image_pull=fast)
    written = user_data(plan)
    assert written is not None
    assert spec(base64.b64decode(written).decode()) == told


def test_nothing_asked_is_no_user_data() -> None:
    plain = replace(KARPENTER_NODES, instance_store_gib=None, fast_image_pull=False)
    assert user_data(replace(plain, karpenter=None)) is None
    assert node_config(plain, raid0=False) is None
    assert "userData" not in node_class(plain)


def test_karpenter_sets_up_the_disks_itself_and_is_told_of_the_pulls_only() -> None:
    assert spec(str(node_class(replace(KARPENTER_NODES, fast_image_pull=True))["userData"])) == FAST


def node_class(plan: NodeGroupPlan) -> dict[str, object]:
    spec: dict[str, object] = ec2_node_class(plan, [], "sg-1", "profile", {})["spec"]
    return spec
