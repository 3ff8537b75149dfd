"""While pods go no answer is cut: scaling down, another revision, a drain. What reaches a pod after SIGTERM is aborted.

That happens on connections that were open before, as with kube-proxy and vLLM (docs/clients.md); it is counted here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from tests.e2e.cluster import drain
from tests.e2e.conftest import Platform
from tests.e2e.loading import Load, assert_none_cut, changed_stack

pytestmark = pytest.mark.e2e

NAMESPACE, NAME = "models", "qwen"
SELECTOR = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=model-server"
OTHER_REVISION = "0123456789abcdef0123456789abcdef01234567"
LEAD_SECONDS = 10
"""Load goes on for so long before something is done to the pods, so that each of them has requests."""


def _three_replicas(settings: dict[str, Any], model: dict[str, Any]) -> None:
    """A fixed number: here the test moves it. Answers of `load` take 75 s at most, the drain gives them 120."""
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    model["autoscaling"] = {"kind": "none", "minReplicas": 3, "maxReplicas": 3}
    model["drain"] = {"preStopSeconds": 5}  # shorter than most answers, so that requests run when SIGTERM comes


@pytest.fixture(scope="module")
def stack(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform.run("up", "--stack-file", str(changed_stack(tmp_path_factory.mktemp("lost"), _three_replicas)))
    yield platform
    platform.run("down", "--stack", "local")


class Pods:
    """The model's Deployment and pods."""

    def __init__(self, platform: Platform) -> None:
        api = config.new_client_from_config(config_file=str(platform.paths.kubeconfig))
        self.core, self.apps = client.CoreV1Api(api), client.AppsV1Api(api)

    def all(self) -> list[Any]:
        return self.core.list_namespaced_pod(NAMESPACE, label_selector=SELECTOR).items

    def scale(self, replicas: int) -> None:
        self.apps.patch_namespaced_deployment_scale(NAME, NAMESPACE, {"spec": {"replicas": replicas}})

    def wait(self, replicas: int, patience_seconds: float = 180) -> list[Any]:
        """Until exactly so many pods are there and all are available, the terminating ones gone."""
        deadline = time.monotonic() + patience_seconds
        while True:
            pods, status = self.all(), self.apps.read_namespaced_deployment(NAME, NAMESPACE).status
            if len(pods) == replicas and (status.available_replicas or 0) == replicas:
                return pods
            assert time.monotonic() < deadline, [(p.metadata.name, p.status.phase) for p in pods]
            time.sleep(1)


@pytest.fixture
def pods(stack: Platform) -> Pods:
    pods = Pods(stack)
    pods.scale(3)
    pods.wait(3)
    return pods


class Drains:
    """What the engines say they had in flight when SIGTERM came, since this was made."""

    def __init__(self, platform: Platform) -> None:
        self._log = platform.processes.log_file("engine")
        self._from = len(self._log.read_text())

    def in_flight(self) -> list[int]:
        """One number per pod that drained."""
        counts = re.findall(r"draining: (\d+) requests in flight", self._log.read_text()[self._from :])
        return [int(count) for count in counts]


def _load(name: str, seconds: int) -> Load:
    load = Load.start(
        f"no-request-lost-{name}", "--profile", "steady", "--rate", "2", "--seconds", str(seconds),
        "--output-tokens", "200", "--longest-output-tokens", "500",
    )  # fmt: skip
    time.sleep(LEAD_SECONDS)
    return load


def test_scaling_down_cuts_none(stack: Platform, pods: Pods) -> None:
    drains = Drains(stack)
    load = _load("scale-down", 50)
    try:
        pods.scale(1)
        record = load.end(timeout_seconds=300)
    finally:
        load.stop()
    pods.wait(1)
    print("aborted on kept connections, scale-down:", assert_none_cut(record, at_least=70))
    assert record["summary"]["refused"] == 0, "one replica was Ready all the time"
    assert record["summary"]["ready_curve"][-1][1] == 1
    assert len(drains.in_flight()) == 2
    assert sum(drains.in_flight()) > 0, "or nothing was tried"


def test_draining_a_node_cuts_none(stack: Platform, pods: Pods) -> None:
    drains = Drains(stack)
    node = pods.all()[0].spec.node_name
    load = _load("drain", 60)
    try:
        drain(pods.core, node, pods.all())
        record = load.end(timeout_seconds=300)
    finally:
        load.stop()
        pods.core.patch_node(node, {"spec": {"unschedulable": False}})
    assert node not in [pod.spec.node_name for pod in pods.wait(3)]
    print("aborted on kept connections, drain:", assert_none_cut(record, at_least=85))
    assert record["summary"]["refused"] == 0, "two replicas were Ready all the time"
    assert sum(drains.in_flight()) > 0, "or nothing was tried"


def test_another_revision_of_the_model_cuts_none(stack: Platform, pods: Pods, tmp_path: Path) -> None:
    """Through the product's own `up`, pod after pod; each pod of the old revision drains."""

    def change(settings: dict[str, Any], model: dict[str, Any]) -> None:
        _three_replicas(settings, model)
        model["revision"] = OTHER_REVISION

    before = {pod.metadata.uid for pod in pods.all()}
    drains = Drains(stack)
    load = _load("revision", 160)
    try:
        stack.run("up", "--stack-file", str(changed_stack(tmp_path, change)))
        record = load.end(timeout_seconds=400)
    finally:
        load.stop()
    after = pods.wait(3)
    assert not before & {pod.metadata.uid for pod in after}
    assert all(f"--revision={OTHER_REVISION}" in pod.spec.containers[0].args for pod in after)
    print("aborted on kept connections, revision:", assert_none_cut(record, at_least=240))
    assert len(drains.in_flight()) == 3
    assert sum(drains.in_flight()) > 0, "or nothing was tried"
