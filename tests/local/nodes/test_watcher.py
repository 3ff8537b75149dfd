"""Node groups become nodes; GPUs, labels, taints and volumes follow what is installed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from components.cluster.gpu_operator import gpu_operator_values
from local.aws_endpoint.extension import install_extension
from local.nodes.capacity import node_capacity, reserved_cpu_millicores
from local.nodes.demand import LEAVING_TAINT
from local.nodes.gpu_features import (
    DEFAULT_ANNOTATION,
    DEVICE_PLUGIN,
    MIG_MANAGER,
    MPS_DAEMON,
    PluginConfigs,
    advertised_gpus,
    gpu_change,
    is_operator,
    label_changes,
    nodes_with,
    plugin_configs,
    sharing_of,
)
from local.nodes.groups import NodeGroups, PlatformNodeGroup, wanted_nodes
from local.nodes.rendering import gpu_product_label, node_indices, render_nodes
from local.nodes.volumes import SELECTED_NODE, reconcile_volumes, wanted_volume
from local.nodes.watcher import taints_to_set
from planning.model import GPU_RESOURCE as GPU
from planning.model import GpuSharingPlan
from planning.nodes.instances import instance_type
from planning.nodes.sharing import WHOLE
from tests.components.plans import SHARING_OPERATOR
from tests.golden import as_yaml, assert_matches
from tests.planning.stacks import planned, pool

GOLDENS = Path(__file__).parent / "goldens"

SUBNETS = [
    {
        "SubnetId": f"subnet-{zone}",
        "AvailabilityZone": f"eu-west-1{zone}",
        "AvailabilityZoneId": zone_id,
        "CidrBlock": cidr,
    }
    for zone, zone_id, cidr in (("b", "euw1-az2", "10.0.32.0/20"), ("a", "euw1-az1", "10.0.16.0/20"))
]
GROUP = {
    "nodegroupName": "l4",
    "nodegroupArn": "arn:aws:eks:eu-west-1:123456789012:nodegroup/prod/l4/11111111",
    "version": "1.34",
    "status": "ACTIVE",
    "capacityType": "SPOT",
    "amiType": "AL2023_x86_64_NVIDIA",
    "instanceTypes": ["g6.2xlarge"],
    "scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 3},
    "labels": {"accelerator": "nvidia", "gpu-type": "l4", "vllm-on-eks/pool": "l4"},
    "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
}
CAPACITY = node_capacity("g6.2xlarge", 100, None)


def test_a_node_group_becomes_these_nodes() -> None:
    assert_matches(GOLDENS / "nodes.yaml", as_yaml(render_nodes(GROUP, SUBNETS, CAPACITY, range(3))))


def test_nodes_are_spread_over_zones_and_start_without_gpus() -> None:
    nodes = render_nodes(GROUP, SUBNETS, CAPACITY, range(3))
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes]
    assert zones == ["eu-west-1a", "eu-west-1b", "eu-west-1a"]
    assert len({node["metadata"]["name"] for node in nodes}) == 3
    assert all(GPU not in node["status"]["allocatable"] for node in nodes)


def _names(described: dict[str, Any], present: dict[int, bool] | None = None) -> list[str]:
    groups = [PlatformNodeGroup("eu-west-1", described, SUBNETS, CAPACITY)]
    return list(wanted_nodes(groups, {described["nodegroupArn"]: present or {}}))


def _sized(desired: int) -> dict[str, Any]:
    return {**GROUP, "scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": desired}}


def test_a_smaller_group_keeps_its_first_nodes_and_a_new_group_has_others() -> None:
    other = {**GROUP, "nodegroupArn": "arn:aws:eks:eu-west-1:123456789012:nodegroup/prod/l4/22222222"}
    assert _names(_sized(1), dict.fromkeys(range(3), False)) == _names(GROUP)[:1]
    assert not set(_names(other)) & set(_names(GROUP))


@pytest.mark.parametrize(
    ("desired", "present", "wanted"),
    [
        (3, {}, [0, 1, 2]),
        (2, {0: False, 1: False, 2: False}, [0, 1]),
        (2, {0: True, 1: False, 2: False}, [1, 2]),  # the marked one leaves, whichever it is
        (1, {0: True, 1: False, 2: True}, [1]),
        (1, {0: True, 1: True}, [0]),
        (3, {1: False, 2: False}, [0, 1, 2]),  # a new one takes the free place
        (4, {1: False, 5: False}, [0, 1, 2, 5]),
        (2, {0: True, 1: False}, [0, 1]),  # marked, but the group still wants it
        (0, {0: False}, []),
    ],
)
def test_nodes_that_stay_are_those_that_were_there_and_are_not_marked(
    desired: int, present: dict[int, bool], wanted: list[int]
) -> None:
    assert node_indices(desired, present) == wanted


def test_a_node_keeps_name_and_zone_whichever_others_leave() -> None:
    before = _names(_sized(3))
    assert _names(_sized(2), {0: True, 1: False, 2: False}) == before[1:]
    assert _names(_sized(3), {1: False, 2: False}) == before


def test_the_scheduler_judges_with_the_planners_numbers() -> None:
    planned = instance_type("g6.2xlarge")
    assert CAPACITY.allocatable_memory_mib == planned.allocatable_memory_mib
    assert CAPACITY.allocatable_cpu_millicores == planned.allocatable_cpu_millicores
    assert CAPACITY.gpu_count == planned.gpu_count == 1


def test_a_type_that_the_catalogue_lacks_is_computed_from_ec2() -> None:
    row = {
        "VCpuInfo": {"DefaultVCpus": 2},
        "MemoryInfo": {"SizeInMiB": 8192},
        "NetworkInfo": {"MaximumNetworkInterfaces": 3, "Ipv4AddressesPerInterface": 10},
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
    }
    node = node_capacity("x0.large", 20, row)
    assert node.pods == 29  # the published figure of every type with 3 × 10 addresses, e.g. m5.large
    assert node.allocatable_cpu_millicores == 1930
    assert node.allocatable_memory_mib == 7577 - 255 - 11 * 29 - 100
    with pytest.raises(LookupError, match=r"x0\.large"):
        node_capacity("x0.large", 20, None)


@pytest.mark.parametrize(("vcpu", "reserved"), [(1, 60), (2, 70), (4, 80), (8, 90), (192, 550)])
def test_the_cpu_that_eks_keeps_for_the_kubelet(vcpu: int, reserved: int) -> None:
    assert reserved_cpu_millicores(vcpu) == reserved


def _pod(node: str, owner: str, ready: str, deleted: bool = False) -> Any:
    return SimpleNamespace(
        metadata=SimpleNamespace(
            owner_references=[SimpleNamespace(kind="DaemonSet", name=owner)],
            deletion_timestamp="now" if deleted else None,
        ),
        spec=SimpleNamespace(node_name=node),
        status=SimpleNamespace(conditions=[SimpleNamespace(type="Ready", status=ready)]),
    )


def test_gpus_are_advertised_only_where_the_device_plugins_own_pod_is_ready() -> None:
    plugin = "nvidia-device-plugin-daemonset"
    pods = [_pod("a", plugin, "True"), _pod("b", plugin, "False"), _pod("c", "other", "True"),
            _pod("d", plugin, "True", deleted=True)]  # fmt: skip
    assert nodes_with(plugin, pods) == {"a"}
    assert [advertised_gpus(node, CAPACITY, WHOLE, pods) for node in "abcd"] == [1, 0, 0, 0]
    assert gpu_change({}, 1) == {"capacity": {GPU: "1"}, "allocatable": {GPU: "1"}}
    assert gpu_change({GPU: "1"}, 1) == {}
    assert gpu_change({GPU: "1"}, 2) == {"capacity": {GPU: "2"}, "allocatable": {GPU: "2"}}
    assert gpu_change({GPU: "1"}, 0) == {"capacity": {GPU: None}, "allocatable": {GPU: None}}


A100S = node_capacity("p4d.24xlarge", 1000, None)


def _config_map(data: dict[str, str], default: str = "whole") -> Any:
    return SimpleNamespace(metadata=SimpleNamespace(annotations={DEFAULT_ANNOTATION: default}), data=data)


def _our_configs() -> PluginConfigs:
    """The ConfigMap as our own values make it."""
    return plugin_configs([_config_map(gpu_operator_values(SHARING_OPERATOR)["devicePlugin"]["config"]["data"])])


@pytest.mark.parametrize(
    ("labels", "sharing"),
    [
        ({}, WHOLE),
        ({"nvidia.com/device-plugin.config": "mps-2"}, GpuSharingPlan("mps", 2)),
        ({"nvidia.com/device-plugin.config": "time-slicing-4"}, GpuSharingPlan("timeSlicing", 4)),
        ({"nvidia.com/device-plugin.config": "unknown"}, WHOLE),
        ({"nvidia.com/mig.config": "all-3g.20gb"}, GpuSharingPlan("mig", 1, "3g.20gb")),
    ],
)
def test_a_node_is_shared_as_its_label_and_the_plugins_configuration_say(
    labels: dict[str, str], sharing: GpuSharingPlan
) -> None:
    assert sharing_of(labels, _our_configs()) == sharing


def test_a_default_configuration_serves_nodes_without_label_and_nonsense_serves_nobody() -> None:
    slices = gpu_operator_values(SHARING_OPERATOR)["devicePlugin"]["config"]["data"]["time-slicing-4"]
    assert sharing_of({}, plugin_configs([_config_map({"x": slices}, "x")])) == GpuSharingPlan("timeSlicing", 4)
    assert sharing_of({}, plugin_configs([_config_map({"x": "{"}, "x")])) == WHOLE
    assert sharing_of({"nvidia.com/device-plugin.config": "mps-2"}, plugin_configs([])) == WHOLE


def test_shares_are_advertised_only_once_the_programs_that_make_them_run() -> None:
    plugin, mig, mps = (
        [_pod("a", name, "True")] for name in ("nvidia-device-plugin-daemonset", "nvidia-mig-manager",
                                               "nvidia-device-plugin-mps-control-daemon")
    )  # fmt: skip
    cut, served = GpuSharingPlan("mig", 1, "3g.20gb"), GpuSharingPlan("mps", 3)
    assert advertised_gpus("a", A100S, cut, plugin) == 0
    assert advertised_gpus("a", A100S, cut, plugin + mig) == 16
    assert advertised_gpus("a", A100S, served, plugin) == 0
    assert advertised_gpus("a", A100S, served, plugin + mps) == 24
    assert advertised_gpus("a", A100S, GpuSharingPlan("timeSlicing", 4), plugin) == 32
    assert advertised_gpus("a", A100S, served, mps) == 0
    assert advertised_gpus("a", A100S, GpuSharingPlan("mig", 1, "9g.99gb"), plugin + mig) == 0


def test_what_the_plan_counts_on_is_what_the_node_advertises() -> None:
    pods = [_pod("a", name, "True") for name in (DEVICE_PLUGIN, MIG_MANAGER, MPS_DAEMON)]
    for wanted in ({"kind": "mps", "replicas": 2}, {"kind": "timeSlicing", "replicas": 4},
                   {"kind": "mig", "profile": "2g.10gb"}):  # fmt: skip
        types = {"instanceTypes": ["p4d.24xlarge"], "diskGib": 2000}
        group = planned(nodePools=[pool(gpuSharing=wanted, **types)], models=[]).gpu_pools[0]
        sharing = sharing_of(group.labels, _our_configs())
        assert advertised_gpus("a", A100S, sharing, pods) == group.advertised_gpus, wanted


def test_labels_of_shares_are_those_of_feature_discovery_and_go_with_the_operator() -> None:
    ours = {"nvidia.com/mig.config": "all-1g.5gb"}
    cut = label_changes(ours, A100S, True, GpuSharingPlan("mig", 1, "1g.5gb"))
    assert cut["nvidia.com/gpu.product"] == "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"
    assert cut["nvidia.com/gpu.count"] == "56"
    assert cut["nvidia.com/mig.config.state"] == "success"
    assert cut["nvidia.com/gpu.deploy.mig-manager"] == "true"
    served = label_changes({}, CAPACITY, True, GpuSharingPlan("mps", 2))
    assert served["nvidia.com/gpu.product"] == "NVIDIA-L4-SHARED"
    assert (served["nvidia.com/gpu.replicas"], served["nvidia.com/gpu.sharing-strategy"]) == ("2", "mps")
    assert served["nvidia.com/mps.capable"] == "true"
    assert "nvidia.com/mig.capable" not in served, "an L4 has no MIG"
    assert label_changes({**ours, **cut}, A100S, False, WHOLE) == dict.fromkeys(cut), "the group's own label stays"
    wrong = label_changes({}, A100S, True, GpuSharingPlan("mig", 1, "9g.99gb"))
    assert wrong["nvidia.com/mig.config.state"] == "failed"


def test_the_operators_labels_come_and_go_with_it_and_leave_ours_alone() -> None:
    ours = {"accelerator": "nvidia"}
    added = label_changes(ours, CAPACITY, True)
    assert added["nvidia.com/gpu.present"] == "true"
    assert added["nvidia.com/gpu.product"] == "NVIDIA-L4"
    assert added["nvidia.com/gpu.deploy.device-plugin"] == "true"
    assert label_changes({**ours, **added}, CAPACITY, True) == {}
    assert label_changes({**ours, **added}, CAPACITY, False) == dict.fromkeys(added)


@pytest.mark.parametrize(
    ("product", "label"), [("NVIDIA A10G", "NVIDIA-A10G"), ("NVIDIA H100 80GB HBM3", "NVIDIA-H100-80GB-HBM3")]
)
def test_product_labels_are_spelt_as_feature_discovery_spells_them(product: str, label: str) -> None:
    assert gpu_product_label(product) == label


def test_the_operator_is_known_by_its_chart_label_or_its_name() -> None:
    def deployment(name: str, **labels: str) -> Any:
        return SimpleNamespace(metadata=SimpleNamespace(name=name, labels=labels))

    assert is_operator(deployment("gpu-operator"))
    assert is_operator(deployment("release-x", app="gpu-operator"))
    assert not is_operator(deployment("grafana", app="grafana"))


def test_a_changed_taint_reaches_the_node_and_kubernetes_own_taints_stay() -> None:
    def taint(key: str, effect: str, value: str = "") -> Any:
        return SimpleNamespace(key=key, effect=effect, value=value)

    own = taint("node.kubernetes.io/not-ready", "NoExecute")
    wanted = [{"key": "a", "value": "", "effect": "NoSchedule"}]
    assert taints_to_set([own, taint("a", "NoSchedule")], wanted) is None
    changed = taints_to_set([own, taint("b", "NoSchedule")], wanted)
    assert changed is not None
    assert [each["key"] for each in changed] == ["node.kubernetes.io/not-ready", "a"]
    leaving = taint(LEAVING_TAINT, "NoSchedule", "1763740000")
    assert taints_to_set([leaving, taint("a", "NoSchedule")], wanted) is None


@mock_aws
def test_groups_of_every_region_are_found_with_the_disk_and_type_of_their_launch_template() -> None:
    install_extension()
    region = "eu-central-1"
    ec2, eks = boto3.client("ec2", region_name=region), boto3.client("eks", region_name=region)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20", AvailabilityZone=f"{region}a")["Subnet"]
    disks = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 250}}]
    template = ec2.create_launch_template(LaunchTemplateName="t", LaunchTemplateData={"BlockDeviceMappings": disks})[
        "LaunchTemplate"
    ]
    other = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.16.0/20", AvailabilityZone=f"{region}b")["Subnet"]
    # As EKS itself, our endpoint refuses roles that do not exist and subnets in one zone.
    trusted = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trusted["Principal"] = {"Service": ["eks.amazonaws.com", "ec2.amazonaws.com"]}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    role = boto3.client("iam").create_role(RoleName="node", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    both = [subnet["SubnetId"], other["SubnetId"]]
    eks.create_cluster(name="c", roleArn=role, resourcesVpcConfig={"subnetIds": both})
    eks.create_nodegroup(
        clusterName="c", nodegroupName="g", nodeRole=role, subnets=[subnet["SubnetId"]], instanceTypes=["g6.xlarge"],
        scalingConfig={"minSize": 1, "maxSize": 2, "desiredSize": 2},
        launchTemplate={"id": template["LaunchTemplateId"], "version": "1"},
    )  # fmt: skip
    groups = NodeGroups(["us-east-1", region])
    wanted = wanted_nodes(groups.read(), {})
    assert len(wanted) == 2
    assert {node.capacity.ephemeral_mib for node in wanted.values()} == {250 * 1024}
    assert all(name.endswith(f".{region}.compute.internal") for name in wanted)
    eks.delete_nodegroup(clusterName="c", nodegroupName="g")
    assert wanted_nodes(groups.read(), {}) == {}
    named = ec2.create_launch_template(LaunchTemplateName="n", LaunchTemplateData={"InstanceType": "g6.xlarge"})
    eks.create_nodegroup(
        clusterName="c", nodegroupName="h", nodeRole=role, subnets=[subnet["SubnetId"]],
        scalingConfig={"minSize": 1, "maxSize": 1, "desiredSize": 1},
        launchTemplate={"id": named["LaunchTemplate"]["LaunchTemplateId"], "version": "1"},
    )  # fmt: skip
    (node,) = wanted_nodes(groups.read(), {}).values()
    assert node.manifest["metadata"]["labels"]["node.kubernetes.io/instance-type"] == "g6.xlarge"


def _claim(node: str | None, volume: str | None = None) -> Any:
    return SimpleNamespace(
        metadata=SimpleNamespace(
            uid="9878173b-d1a0", name="cache", namespace="models", deletion_timestamp=None,
            annotations={SELECTED_NODE: node} if node else {},
        ),
        spec=SimpleNamespace(
            volume_name=volume, volume_mode="Filesystem", access_modes=["ReadWriteOnce"], storage_class_name="gp3",
            resources=SimpleNamespace(requests={"storage": "10Gi"}),
        ),
    )  # fmt: skip


GP3 = SimpleNamespace(
    metadata=SimpleNamespace(name="gp3"),
    volume_binding_mode="WaitForFirstConsumer",
    reclaim_policy="Delete",
    provisioner="ebs.csi.aws.com",
)


def test_a_claim_waits_for_its_pod_and_gets_a_volume_in_that_zone() -> None:
    zones = {"n1": "eu-west-1a", "n2": "eu-west-1b"}
    assert wanted_volume(_claim(None), GP3, zones) is None
    assert wanted_volume(_claim("n2", volume="there"), GP3, zones) is None
    volume = wanted_volume(_claim("n2"), GP3, zones)
    assert volume is not None
    term = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
    assert term["values"] == ["eu-west-1b"]
    assert volume["spec"]["claimRef"]["uid"] == "9878173b-d1a0"
    assert volume["spec"]["csi"]["driver"] == "ebs.csi.aws.com"


def test_a_claim_of_a_class_of_efs_gets_an_access_point_at_once_and_in_no_zone() -> None:
    shared = SimpleNamespace(
        metadata=SimpleNamespace(name="gp3"), volume_binding_mode="Immediate", reclaim_policy="Delete",
        provisioner="efs.csi.aws.com", parameters={"fileSystemId": "fs-0123456789abcdef0"},
    )  # fmt: skip
    volume = wanted_volume(_claim(None), shared, {"n1": "eu-west-1a"})
    assert volume is not None
    assert volume["spec"]["csi"]["driver"] == "efs.csi.aws.com"
    assert volume["spec"]["csi"]["volumeHandle"].startswith("fs-0123456789abcdef0::fsap-")
    assert "nodeAffinity" not in volume["spec"]
    assert volume["metadata"]["annotations"] == {"pv.kubernetes.io/provisioned-by": "efs.csi.aws.com"}


def test_a_released_volume_of_ours_is_deleted_and_a_strangers_is_not() -> None:
    def volume(name: str, driver: str, phase: str) -> Any:
        return SimpleNamespace(
            metadata=SimpleNamespace(
                name=name, deletion_timestamp=None, annotations={"pv.kubernetes.io/provisioned-by": driver}
            ),
            spec=SimpleNamespace(persistent_volume_reclaim_policy="Delete"),
            status=SimpleNamespace(phase=phase),
        )

    deleted: list[str] = []
    core = SimpleNamespace(
        list_persistent_volume=lambda: SimpleNamespace(
            items=[volume("ours", "ebs.csi.aws.com", "Released"), volume("bound", "ebs.csi.aws.com", "Bound"),
                   volume("nfs", "nfs", "Released")]
        ),
        delete_persistent_volume=deleted.append,
    )  # fmt: skip
    storage = SimpleNamespace(list_storage_class=lambda: SimpleNamespace(items=[]))
    reconcile_volumes(core, storage, {}, lambda text: None)
    assert deleted == ["ours"]
