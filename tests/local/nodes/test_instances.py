"""Instances that join by themselves: what their user data makes of them, and who the cluster lets in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.nodes.instances import Instances
from local.nodes.node_config import node_config
from local.nodes.rendering import GROUP_ANNOTATION, INSTANCE_ANNOTATION
from tests.local.aws_endpoint.land import Land, client_as_written, land
from tests.local.aws_endpoint.launches import fleet, launched, profile, template

LABELS = "karpenter.sh/nodepool=l4,karpenter.sh/capacity-type=spot,vllm-on-eks/pool=l4"
UNREGISTERED = {"key": "karpenter.sh/unregistered", "effect": "NoExecute"}
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


def _config(cluster: str, **more: Any) -> str:
    spec = {
        "cluster": {"name": cluster, "apiServerEndpoint": "https://127.0.0.1:1", "cidr": "10.100.0.0/16"},
        "kubelet": {
            "config": {"registerWithTaints": [UNREGISTERED, GPU_TAINT]},
            "flags": [f'--node-labels="{LABELS}"'],
        },
        **more,
    }
    return yaml.safe_dump({"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec})


def _archive(*documents: str, kind: str = "application/node.eks.aws") -> str:
    """As Karpenter serializes it."""
    parts = "".join(f"--//\nContent-Type: {kind}\n\n{document}\n" for document in documents)
    return f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="//"\n\n{parts}--//--\n'


def test_karpenters_archive_says_cluster_labels_taints_and_disks() -> None:
    node = node_config(_archive(_config("c", instance={"localStorage": {"strategy": "RAID0"}})))
    assert node is not None
    assert (node.cluster, node.raid0) == ("c", True)
    assert node.labels == dict(pair.split("=") for pair in LABELS.split(","))
    assert node.taints == ({**UNREGISTERED, "value": ""}, GPU_TAINT)


def test_a_plain_document_will_do_and_later_parts_add_to_earlier_ones() -> None:
    plain = node_config(_config("c"))
    assert plain is not None
    assert plain.cluster == "c"
    own = {"kubelet": {"flags": ["--node-labels=team=a,size="]}}
    more = yaml.safe_dump({"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": own})
    merged = node_config(_archive(more, _config("c")))
    assert merged is not None
    assert merged.labels.items() >= {"team": "a", "size": "", "karpenter.sh/nodepool": "l4"}.items()
    assert len(merged.taints) == 2


@pytest.mark.parametrize(
    "user_data",
    ["", "#!/bin/sh\necho hello", "key: [", "- a list", _archive("echo hello", kind="text/x-shellscript"),
     _archive("apiVersion: v1\nkind: NodeConfig\nspec: {cluster: {name: c}}"),
     _archive("apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec: {}")],
)  # fmt: skip
def test_other_user_data_makes_no_node(user_data: str) -> None:
    assert node_config(user_data) is None


# -- in an account -------------------------------------------------------------------------------------------------


@pytest.fixture
def here() -> Iterator[Land]:
    with land() as played:
        yield played


def _joined(instances: Instances) -> dict[str, Any]:
    return {name: dict(node.manifest) for name, node in instances.wanted(["us-east-1"]).items()}


def test_an_instance_becomes_the_node_that_its_user_data_and_type_say(here: Land) -> None:
    cluster = here.cluster(version="1.35")
    here.group(cluster)  # brings the role's access entry
    instance = launched(here, fleet(here, template(here, _archive(_config(cluster))), lifecycle="spot"))
    ((name, node),) = _joined(Instances(client_as_written)).items()
    zone = instance["Placement"]["AvailabilityZone"]
    assert name == instance["PrivateDnsName"] == node["metadata"]["labels"]["kubernetes.io/hostname"]
    assert node["spec"]["providerID"] == f"aws:///{zone}/{instance['InstanceId']}"
    assert [taint["key"] for taint in node["spec"]["taints"]] == ["karpenter.sh/unregistered", "nvidia.com/gpu"]
    labels = node["metadata"]["labels"]
    assert labels["node.kubernetes.io/instance-type"] == "g6.2xlarge"
    assert (labels["topology.kubernetes.io/zone"], labels["karpenter.sh/nodepool"]) == (zone, "l4")
    assert labels["topology.k8s.aws/zone-id"] == instance["Placement"]["AvailabilityZoneId"]
    assert "eks.amazonaws.com/nodegroup" not in labels
    annotations = node["metadata"]["annotations"]
    assert annotations[INSTANCE_ANNOTATION] == instance["InstanceId"]
    assert GROUP_ANNOTATION not in annotations
    assert node["status"]["capacity"]["cpu"] == "8"
    assert node["status"]["capacity"]["ephemeral-storage"] == f"{100 * 1024}Mi", "the root volume"
    assert "nvidia.com/gpu" not in node["status"]["capacity"], "the device plugin's affair"
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.35.0-simulated"
    assert node["status"]["addresses"][0] == {"type": "InternalIP", "address": instance["PrivateIpAddress"]}


def test_with_raid0_pods_have_the_instances_own_disks(here: Land) -> None:
    cluster = here.cluster()
    here.group(cluster)
    raid = _config(cluster, instance={"localStorage": {"strategy": "RAID0"}})
    fleet(here, template(here, _archive(raid)), types=("g6.2xlarge",))
    (node,) = _joined(Instances(client_as_written)).values()
    assert node["status"]["capacity"]["ephemeral-storage"] == f"{450 * 10**9 // 2**30 * 1024}Mi"


def test_an_instance_stays_outside_until_the_cluster_lets_its_role_in(here: Land) -> None:
    cluster = here.cluster()
    fleet(here, template(here, _archive(_config(cluster))))
    instances = Instances(client_as_written)
    assert _joined(instances) == {}
    here.eks.create_access_entry(clusterName=cluster, principalArn=here.role, type="EC2_LINUX")
    assert len(_joined(instances)) == 1


def test_what_is_no_node_of_a_cluster_here_stays_outside(here: Land) -> None:
    here.group(here.cluster())
    fleet(here, template(here, "#!/bin/sh\n"))
    fleet(here, template(here, _archive(_config("elsewhere")), profile(here)))
    assert _joined(Instances(client_as_written)) == {}


def test_a_terminated_instance_is_no_node_any_more(here: Land) -> None:
    cluster = here.cluster()
    here.group(cluster)
    name = template(here, _archive(_config(cluster)))
    first, second = (launched(here, fleet(here, name)) for _ in range(2))
    instances = Instances(client_as_written)
    assert set(_joined(instances)) == {first["PrivateDnsName"], second["PrivateDnsName"]}
    here.ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    assert set(_joined(instances)) == {second["PrivateDnsName"]}
