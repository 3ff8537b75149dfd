"""The simulated cluster-autoscaler's hands: whose pod it stands for, what it reads, what it changes."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client

from components.cluster.cluster_autoscaler import SERVICE_ACCOUNT
from local.monitoring import cluster_autoscaler as exporter
from local.nodes.autoscaler import NodeAutoscaler, cluster_of, flags_of, own_pod
from local.nodes.demand import LEAVING_TAINT, amounts, asks, group_value
from local.nodes.groups import PlatformNodeGroup
from local.nodes.rendering import render_nodes
from local.nodes.watcher import NodeWatcher
from planning.model import GPU_RESOURCE as GPU
from tests.local.nodes.test_watcher import CAPACITY, GROUP, SUBNETS

API: Any = client.ApiClient()
READY = [{"type": "Ready", "status": "True"}]
DISCOVERY = "asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/prod"
FLAGS = (
    "--node-group-auto-discovery=" + DISCOVERY,
    "--scale-down-unneeded-time=10s",
    "--scale-down-delay-after-add=5s",
)


def live(kind: str, content: dict[str, Any]) -> Any:
    """An object as the client gives it."""
    return API.deserialize(json.dumps(content), kind, "application/json")


def autoscaler_pod(conditions: list[dict[str, str]] | None = None, **spec: Any) -> Any:
    image = "mirror.example/registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.1"
    container = {"name": "c", "image": image, "command": ["./cluster-autoscaler", *FLAGS]}
    return live(
        "V1Pod",
        {
            "metadata": {"name": "cluster-autoscaler-x", "namespace": "kube-system"},
            "spec": {"containers": [container], "serviceAccountName": SERVICE_ACCOUNT, **spec},
            "status": {"phase": "Running", "conditions": READY if conditions is None else conditions},
        },
    )


def server(name: str, node: str | None = None) -> Any:
    waiting = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    return live(
        "V1Pod",
        {
            "metadata": {"name": name, "namespace": "models", "uid": name},
            "spec": {
                "containers": [{"name": "vllm", "image": "vllm", "resources": {"requests": {"cpu": "4", GPU: "1"}}}],
                "nodeSelector": {"vllm-on-eks/pool": "l4"},
                "tolerations": [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}],
                **({"nodeName": node} if node else {}),
            },
            "status": {"phase": "Running" if node else "Pending", "conditions": READY if node else waiting},
        },
    )


class Cloud:
    """EKS, the API server and the clock as far as the autoscaler asks them."""

    def __init__(self, desired: int, associations: int = 1, pods: list[Any] | None = None) -> None:
        self.described: dict[str, Any] = {
            **GROUP,
            "clusterName": "prod",
            "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": desired},
        }
        self.associations, self.pods = associations, pods or []
        self.patches: list[tuple[str, Any]] = []
        self.events: list[str] = []
        self.said: list[str] = []
        self.autoscaler = NodeAutoscaler(self, self, lambda region: self, self.said.append)

    @property
    def desired(self) -> int:
        return int(self.described["scalingConfig"]["desiredSize"])

    @property
    def group(self) -> PlatformNodeGroup:
        return PlatformNodeGroup("eu-west-1", self.described, SUBNETS, CAPACITY)

    def nodes(self, gpus: str | None = "1") -> list[Any]:
        made = []
        for manifest in render_nodes(self.described, SUBNETS, CAPACITY, range(self.desired)):
            manifest["status"]["conditions"] = READY
            if gpus:
                manifest["status"]["allocatable"][GPU] = gpus
            made.append(live("V1Node", manifest))
        return made

    def look(self, now: float, nodes: list[Any] | None = None) -> None:
        self.autoscaler.look([self.group], self.nodes() if nodes is None else nodes, self.pods, now)

    # EKS
    def list_pod_identity_associations(self, **asked: str) -> dict[str, Any]:
        assert asked == {"clusterName": "prod", "namespace": "kube-system", "serviceAccount": SERVICE_ACCOUNT}
        return {"associations": [{}] * self.associations}

    def describe_nodegroup(self, **_: str) -> dict[str, Any]:
        return {"nodegroup": self.described}

    def update_nodegroup_config(self, scalingConfig: dict[str, int], **_: str) -> None:
        self.described["scalingConfig"] = {**self.described["scalingConfig"], **scalingConfig}

    # the API server
    def list_daemon_set_for_all_namespaces(self) -> Any:
        return SimpleNamespace(items=[])

    def list_pod_for_all_namespaces(self, field_selector: str) -> Any:
        name = field_selector.partition("=")[2]
        return SimpleNamespace(items=[pod for pod in self.pods if pod.spec.node_name == name])

    def patch_node(self, name: str, patch: Any) -> None:
        self.patches.append((name, patch))

    def create_namespaced_event(self, namespace: str, body: Any) -> None:
        assert "simulated" in body["message"]
        self.events.append(f"{namespace}/{body['involvedObject']['name']}: {body['reason']}")


def test_it_stands_for_the_ready_pod_with_its_image_from_any_registry() -> None:
    assert own_pod([server("a", "n"), autoscaler_pod()]) is not None
    assert own_pod([autoscaler_pod(conditions=[])]) is None
    assert own_pod([server("a", "n")]) is None


def test_it_reads_its_pods_own_arguments() -> None:
    flags = flags_of(autoscaler_pod())
    assert cluster_of(flags) == "prod"
    assert flags["scale-down-unneeded-time"] == "10s"
    assert cluster_of({}) is None


def test_a_waiting_pod_raises_the_desired_size_once() -> None:
    cloud = Cloud(desired=1, pods=[autoscaler_pod(), server("b"), server("a", None)])
    (node,) = cloud.nodes()
    cloud.pods.append(server("there", node.metadata.name))
    cloud.look(0.0)
    assert cloud.desired == 3
    assert sorted(cloud.events) == ["models/a: TriggeredScaleUp", "models/b: TriggeredScaleUp"]
    cloud.look(3.0, nodes=[node])  # two are on their way
    cloud.look(6.0, nodes=[node, *cloud.nodes(gpus=None)[1:]])  # there, and without their GPU
    assert cloud.desired == 3
    assert len(cloud.events) == 2


def test_a_pod_that_no_group_may_grow_for_is_told_so_once() -> None:
    cloud = Cloud(desired=3, pods=[autoscaler_pod(), server("waits")])
    cloud.pods += [server(node.metadata.name, node.metadata.name) for node in cloud.nodes()]
    for now in (0.0, 3.0):
        cloud.look(now)
    assert cloud.desired == 3
    assert cloud.events == ["models/waits: NotTriggerScaleUp"]


def placeholder(name: str, node: str | None = None, priority: int = -10) -> Any:
    """What a model's pod evicts."""
    pod = server(name, node)
    pod.spec.priority = priority
    return pod


def test_a_node_is_bought_for_a_placeholder_and_kept_for_it_but_for_none_below_the_cutoff() -> None:
    for priority, bought in ((-10, 2), (-11, 1)):
        cloud = Cloud(desired=1, pods=[autoscaler_pod(), placeholder("waits", None, priority)])
        (node,) = cloud.nodes()
        cloud.pods.append(server("there", node.metadata.name))
        cloud.look(0.0)
        assert cloud.desired == bought
    for priority, left in ((-10, 2), (-11, 1)):
        cloud = Cloud(desired=2, pods=[autoscaler_pod()])
        first, second = cloud.nodes()
        cloud.pods += [server("there", first.metadata.name), placeholder("p", second.metadata.name, priority)]
        for now in (0.0, 5.0, 12.0):
            cloud.look(now)
        assert cloud.desired == left


def test_no_node_is_bought_for_a_pod_that_waits_for_what_it_evicts() -> None:
    cloud = Cloud(desired=1, pods=[autoscaler_pod()])
    (node,) = cloud.nodes()
    evicts = server("evicts")
    evicts.status.nominated_node_name = node.metadata.name
    cloud.pods += [placeholder("leaves", node.metadata.name), evicts]
    cloud.look(0.0)
    assert cloud.desired == 1
    cloud.pods = [autoscaler_pod(), evicts, placeholder("leaves")]
    cloud.look(3.0)
    assert cloud.desired == 2, "its node is taken: the placeholder needs another"


def test_the_empty_node_leaves_marked_after_its_time() -> None:
    cloud = Cloud(desired=2, pods=[autoscaler_pod()])
    first, second = cloud.nodes()
    cloud.pods.append(server("there", second.metadata.name))
    for now in (0.0, 5.0, 9.0):
        cloud.look(now)
    assert (cloud.desired, cloud.patches) == (2, [])
    cloud.look(12.0)
    assert cloud.desired == 1
    ((name, patch),) = cloud.patches
    assert name == first.metadata.name
    assert patch["spec"]["taints"][-1]["key"] == LEAVING_TAINT
    assert cloud.events == [f"default/{name}: ScaleDown"]


def test_a_pod_that_came_while_the_node_was_marked_keeps_it() -> None:
    cloud = Cloud(desired=2, pods=[autoscaler_pod()])
    nodes = cloud.nodes()
    late = [server(str(index), node.metadata.name) for index, node in enumerate(nodes)]
    cloud.look(0.0)
    known, cloud.pods = cloud.pods, [*cloud.pods, *late]
    cloud.autoscaler.look([cloud.group], nodes, known, 20.0)
    assert cloud.desired == 2
    assert cloud.patches[-1][1] == {"spec": {"taints": [{"key": GPU, "value": "present", "effect": "NoSchedule"}]}}


def test_a_node_that_cannot_be_taken_off_is_not_left_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(desired=2, pods=[autoscaler_pod()])

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("throttled")

    cloud.look(0.0)
    monkeypatch.setattr(cloud, "update_nodegroup_config", refuse)
    with pytest.raises(RuntimeError, match="throttled"):
        cloud.look(20.0)
    assert [taint["key"] for taint in cloud.patches[-1][1]["spec"]["taints"]] == [GPU]


def test_without_a_pod_or_without_a_role_nothing_moves() -> None:
    for cloud in (
        Cloud(desired=1, pods=[server("a"), server("b")]),
        Cloud(desired=1, associations=0, pods=[autoscaler_pod(), server("a"), server("b")]),
    ):
        cloud.look(0.0)
        assert cloud.desired == 1
    assert "no pod identity association" in cloud.said[0]


def test_groups_of_another_cluster_are_left_alone() -> None:
    cloud = Cloud(desired=1, pods=[autoscaler_pod(), server("a"), server("b")])
    cloud.described["clusterName"] = "other"
    cloud.look(0.0)
    assert cloud.desired == 1


def test_a_group_without_nodes_is_known_by_its_type_labels_and_taints() -> None:
    cloud = Cloud(desired=0)
    daemon = live(
        "V1DaemonSet",
        {
            "metadata": {"name": "d"},
            "spec": {
                "selector": {},
                "template": {
                    "spec": {
                        "containers": [{"name": "d", "image": "d", "resources": {"requests": {"cpu": "100m"}}}],
                        "tolerations": [{"operator": "Exists"}],
                    }
                },
            },
        },
    )
    value = group_value(cloud.group, [], [daemon])
    assert value.allocatable[GPU] == 1
    assert value.allocatable["cpu"] == pytest.approx(CAPACITY.allocatable_cpu_millicores / 1000 - 0.1)
    assert value.labels["vllm-on-eks/pool"] == "l4"
    assert [taint.key for taint in value.taints] == [GPU]
    assert "kubernetes.io/hostname" not in value.labels


def test_a_label_that_a_node_gets_later_is_known_of_an_empty_group_by_its_tag_only() -> None:
    cloud = Cloud(desired=0)
    label = "nvidia.com/mig.config.state"
    assert label not in group_value(cloud.group, [], []).labels
    cloud.described["tags"] = {f"k8s.io/cluster-autoscaler/node-template/label/{label}": "success"}
    assert group_value(cloud.group, [], []).labels[label] == "success"


def test_a_pod_asks_for_its_containers_together_or_its_largest_init_container() -> None:
    def container(cpu: str, memory: str) -> dict[str, Any]:
        return {"name": "c", "image": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}}

    spec = {"containers": [container("500m", "1Gi"), container("1", "1Gi")], "initContainers": [container("1", "3Gi")]}
    asked = asks("a", live("V1PodSpec", spec))
    assert asked.requests == {"pods": 1.0, "cpu": 1.5, "memory": 3 * 2.0**30}
    assert amounts(None) == {}


def test_nodes_of_a_new_stack_are_there_at_once_and_an_autoscalers_boot_first() -> None:
    watcher = NodeWatcher.__new__(NodeWatcher)
    watcher._boot_seconds, watcher._joins_at = 3.0, {}
    watcher._autoscaler = SimpleNamespace(is_running=False)  # type: ignore[assignment]
    assert watcher._booted({"a"}, 10.0) == ["a"]
    watcher._autoscaler.is_running = True
    assert watcher._booted({"b"}, 20.0) == []
    assert watcher._booted({"b"}, 22.9) == []
    assert watcher._booted({"b", "c"}, 23.0) == ["b"]


def test_its_metrics_count_nodes_and_waiting_pods() -> None:
    plain = API.sanitize_for_serialization
    pods = [plain(server("a")), plain(server("b", "n"))]
    nodes = [plain(node) for node in Cloud(desired=2).nodes()]
    text = exporter.families(nodes, pods).text()
    assert 'cluster_autoscaler_unschedulable_pods_count{type="unschedulable"} 1.0' in text
    assert 'cluster_autoscaler_nodes_count{state="ready"} 2.0' in text


def test_disk_and_shares_of_a_gpu_are_known_of_an_empty_group_by_its_tags_only() -> None:
    cloud = Cloud(desired=0)
    assert "ephemeral-storage" not in group_value(cloud.group, [], []).allocatable
    resources = "k8s.io/cluster-autoscaler/node-template/resources"
    cloud.described["tags"] = {f"{resources}/ephemeral-storage": "150000Mi", f"{resources}/{GPU}": "4"}
    allocatable = group_value(cloud.group, [], []).allocatable
    assert (allocatable["ephemeral-storage"], allocatable[GPU]) == (150000 * 2.0**20, 4)
