"""The real Karpenter controller buys and ends nodes: 0 → 1 → 3 → 0, sold out, taken back, drifted, gone.

Its program is built only for a stack that asks for it (`python -m local tools karpenter`); without it: skipped.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from kubernetes import client, config

from local.build.table import NEEDS, TOOLS
from local.host.paths import Paths, platform_paths
from tests.e2e.conftest import Platform
from tests.e2e.loading import Load, assert_none_cut, changed_stack

pytestmark = pytest.mark.e2e

POOL = "vllm-on-eks/pool=l4"
SERVERS = "app.kubernetes.io/component=model-server"
REGION = "us-east-1"
PATIENCE_SECONDS = 240
RELEASE, NEWER = "1.35.0-20260128", "1.35.4-20260505"


def _is_built(paths: Paths) -> bool:
    (tool,) = (tool for tool in TOOLS if tool.name in NEEDS["karpenter"])
    return all((paths.tools_bin / name).exists() for name in tool.programs.values())


def _karpenters(settings: dict[str, Any], model: dict[str, Any]) -> None:
    """No replica to begin with is not to be had by settings: one, and the tests move it."""
    settings["nodePools"] = [
        {
            "name": "l4",
            "kind": "karpenter",
            "instanceTypes": ["g6.2xlarge", "g6.4xlarge"],
            "capacityTypes": ["spot", "onDemand"],
            "amiReleaseVersion": RELEASE,
            "maxNodes": 4,
            "consolidateAfterSeconds": 10,
        }
    ]
    settings["monitoring"] = {"enabled": False}
    model["autoscaling"] = {"kind": "none", "minReplicas": 1}
    model["drain"] = {"preStopSeconds": 5, "shutdownTimeoutSeconds": 60}


class Pool:
    """The pool, its NodeClaims and instances, and the model on it."""

    def __init__(self, platform: Platform) -> None:
        api = config.new_client_from_config(config_file=str(platform.paths.kubeconfig))
        self.core, self.apps, self._custom = client.CoreV1Api(api), client.AppsV1Api(api), client.CustomObjectsApi(api)
        self._url = f"http://127.0.0.1:{platform.ports['aws']}"
        self._ec2 = boto3.client(
            "ec2", region_name=REGION, endpoint_url=self._url, aws_access_key_id="local", aws_secret_access_key="local"
        )

    def nodes(self) -> dict[str, Any]:
        return {node.metadata.name: node for node in self.core.list_node(label_selector=POOL).items}

    def claims(self) -> list[dict[str, Any]]:
        return list(self._custom.list_cluster_custom_object("karpenter.sh", "v1", "nodeclaims")["items"])

    def instances(self) -> dict[str, Any]:
        running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        reservations = self._ec2.describe_instances(Filters=running)["Reservations"]
        return {instance["InstanceId"]: instance for row in reservations for instance in row["Instances"]}

    def templates(self) -> list[str]:
        launch_templates = self._ec2.describe_launch_templates()["LaunchTemplates"]
        return [
            launch_template["LaunchTemplateName"]
            for launch_template in launch_templates
            if launch_template["LaunchTemplateName"].startswith("karpenter")
        ]

    def servers(self) -> list[Any]:
        return list(self.core.list_namespaced_pod("models", label_selector=SERVERS).items)

    def ready(self) -> int:
        return self.apps.read_namespaced_deployment("qwen", "models").status.ready_replicas or 0

    def scale(self, replicas: int) -> None:
        self.apps.patch_namespaced_deployment_scale("qwen", "models", {"spec": {"replicas": replicas}})

    def switch(self, name: str, **told: Any) -> None:
        """One of the endpoint's switches (local/aws_endpoint/switches.py)."""
        request = urllib.request.Request(
            f"{self._url}/moto-api/local/{name}", json.dumps(told).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
            """200"""

    def sell_out(self, *offerings: tuple[str, str, str]) -> None:
        keys = ("instance_type", "zone", "lifecycle")
        self.switch("sold-out", offerings=[dict(zip(keys, offering, strict=True)) for offering in offerings])

    def state(self) -> object:
        claims = [
            (
                claim["metadata"]["name"],
                [c["type"] for c in claim["status"].get("conditions", []) if c["status"] == "True"],
            )
            for claim in self.claims()
        ]
        return sorted(self.nodes()), claims, [(p.metadata.name, p.spec.node_name) for p in self.servers()]

    def settle(self, replicas: int) -> dict[str, Any]:
        """Until so many replicas are Ready, each on a node of its own, and nothing else is there; the nodes."""

        def holds() -> bool:
            sizes = (len(self.servers()), self.ready(), len(self.nodes()), len(self.claims()), len(self.instances()))
            return set(sizes) == {replicas}

        _eventually(f"{replicas} replicas, nodes and instances", holds, self.state)
        return self.nodes()


def _eventually(what: str, holds: Callable[[], bool], state: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"never {what}: {state()}"
        time.sleep(0.5)


def _kind(node: Any) -> tuple[str, str, str]:
    labels = node.metadata.labels
    return (
        labels["node.kubernetes.io/instance-type"],
        labels["topology.kubernetes.io/zone"],
        labels["karpenter.sh/capacity-type"],
    )


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not _is_built(platform_paths()):
        pytest.skip("Karpenter's controller is not built: python -m local tools karpenter")
    return changed_stack(tmp_path_factory.mktemp("karpenter"), _karpenters)


@pytest.fixture(scope="module")
def pool(stack_file: Path, platform: Platform) -> Iterator[Pool]:
    platform.run("up", "--stack-file", str(stack_file))
    yield Pool(platform)
    platform.run("down", "--stack", "local")


def test_nodes_are_bought_for_pods_and_empty_ones_end(platform: Platform, pool: Pool, stack_file: Path) -> None:
    (node,) = pool.settle(1).values()
    kind, zone, bought = _kind(node)
    assert (kind, bought) == ("g6.2xlarge", "spot"), "the cheapest that was allowed"
    (instance,) = pool.instances().values()
    assert node.spec.provider_id == f"aws:///{zone}/{instance['InstanceId']}"
    assert node.status.allocatable["nvidia.com/gpu"] == "1"
    assert [taint.key for taint in node.spec.taints] == ["nvidia.com/gpu"], "registered and initialized"
    first = node.metadata.name

    pool.scale(3)
    assert first in pool.settle(3)
    assert len({pod.spec.node_name for pod in pool.servers()}) == 3, "one GPU each"

    pool.scale(0)
    pool.settle(0)
    pool.scale(1)
    pool.settle(1)
    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(stack_file))
    assert platform.stack("local").up(refresh=True).changes == 0


def test_a_busy_gpu_is_never_consolidated(pool: Pool) -> None:
    """One pod on each of two nodes uses neither's CPU; consolidateAfter is 10 s, and the controller looks each 10 s."""
    pool.scale(2)
    before = set(pool.settle(2))
    served = {pod.metadata.uid for pod in pool.servers()}
    time.sleep(40)
    assert set(pool.nodes()) == before
    assert {pod.metadata.uid for pod in pool.servers()} == served


def test_what_is_sold_out_comes_as_another_type_then_from_another_zone_then_on_demand(pool: Pool) -> None:
    """Karpenter takes spreading over zones, which the pods prefer, for a need as long as it can: the zone is first."""
    pool.scale(0)
    pool.settle(0)
    types, zones = ("g6.2xlarge", "g6.4xlarge"), ("us-east-1a", "us-east-1b")
    try:
        pool.sell_out(*((types[0], zone, "spot") for zone in zones))
        pool.scale(1)
        (first,) = pool.settle(1).values()
        assert (_kind(first)[0], _kind(first)[2]) == (types[1], "spot")

        zone = _kind(first)[1]
        (other_zone,) = set(zones) - {zone}
        gone = [(kind, other_zone, lifecycle) for kind in types for lifecycle in ("spot", "on-demand")]
        pool.sell_out(*gone, (types[0], zone, "spot"))
        pool.scale(2)
        second = next(node for name, node in pool.settle(2).items() if name != first.metadata.name)
        assert _kind(second) == (types[1], zone, "spot"), "the other zone is where spreading would have it"

        pool.sell_out(*((kind, zone, "spot") for kind in types for zone in zones))
        pool.scale(3)
        both = {first.metadata.name, second.metadata.name}
        (third,) = (node for name, node in pool.settle(3).items() if name not in both)
        assert (_kind(third)[0], _kind(third)[2]) == (types[0], "on-demand")
    finally:
        pool.sell_out()


def test_a_spot_node_that_is_taken_back_is_drained_within_its_notice_and_no_answer_is_cut(pool: Pool) -> None:
    pool.scale(2)
    nodes = pool.settle(2)
    taken = next(node for node in nodes.values() if _kind(node)[2] == "spot")
    instance = taken.spec.provider_id.rsplit("/", 1)[-1]
    load = Load.start(
        "karpenter-taken-back", "--profile", "steady", "--rate", "1", "--seconds", "100",
        "--output-tokens", "50", "--longest-output-tokens", "150",
    )  # fmt: skip
    try:
        time.sleep(10)
        started = time.monotonic()
        pool.switch("take-back", region=REGION, instance_id=instance, notice_seconds=120)
        gone = lambda: taken.metadata.name not in pool.nodes() and instance not in pool.instances()  # noqa: E731
        _eventually("the node that is taken back gone", gone, pool.state)
        assert time.monotonic() - started < 115, "by Karpenter, not by the end of the notice"
        record = load.end(240)
    finally:
        load.stop()
    assert_none_cut(record, at_least=30)
    pool.settle(2)


def test_another_image_replaces_nodes_one_at_a_time(platform: Platform, pool: Pool, tmp_path: Path) -> None:
    pool.scale(1)
    before = set(pool.settle(1))

    def newer(settings: dict[str, Any], model: dict[str, Any]) -> None:
        _karpenters(settings, model)
        settings["nodePools"][0]["amiReleaseVersion"] = NEWER

    most, file = 0, changed_stack(tmp_path, newer)
    platform.run("up", "--stack-file", str(file))

    def replaced() -> bool:
        nonlocal most
        most = max(most, len(pool.claims()))
        return not before & set(pool.nodes())

    _eventually("the node of the older image replaced", replaced, pool.state)
    (node,) = pool.settle(1).values()
    assert "v20260505" in node.status.node_info.os_image
    assert most == 2, "the new one is bought before the old one ends"


def test_a_destroy_leaves_no_instance_no_node_claim_and_no_launch_template(platform: Platform, pool: Pool) -> None:
    pool.settle(1)
    assert pool.templates()
    platform.run("down", "--stack", "local")
    assert pool.instances() == {}
    assert pool.nodes() == {}
    assert pool.templates() == []
    definitions = client.ApiextensionsV1Api(pool.core.api_client).list_custom_resource_definition().items
    names = {definition.metadata.name for definition in definitions}
    assert not any(name.endswith(("karpenter.sh", "karpenter.k8s.aws")) for name in names), names
    assert not platform.processes.is_alive("karpenter-controller")
