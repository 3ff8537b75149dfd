"""What end-to-end tests share: which programs are built, waiting, the cluster by the official client, a changed stack.

A test that needs an operator's program begins with `skip_unless_built("karpenter")`.
"""

from __future__ import annotations

import functools
import json
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from local.build.envoy import PROGRAM as ENVOY
from local.build.programs import names_of
from local.build.toolchain import tools_of
from local.commands.completion import MODEL_SERVERS
from local.host.errors import PlatformError
from local.host.paths import platform_paths
from planning.model import SPARE_OWNER
from tests.e2e.conftest import Platform
from tests.e2e.loading import PREFIX

PATIENCE_SECONDS = 120


def not_built(*needs: str) -> list[str]:
    """Those of the needs (`NEEDS` in local/build/table.py) of which a program is missing in this checkout."""
    return [need for need in needs if not all((platform_paths().tools_bin / name).exists() for name in _names(need))]


def _names(need: str) -> list[str]:
    names = [name for tool in tools_of((need,)) for name in names_of(tool)]
    return [*names, ENVOY] if need == "gateway" else names


def skip_unless_built(*needs: str) -> None:
    """Skips the test, saying the command that builds what is missing."""
    if missing := not_built(*needs):
        pytest.skip(f"not built; python -m local tools {' '.join(missing)}")


def eventually(
    what: str,
    holds: Callable[[], Any],
    state: Callable[[], object] = lambda: "",
    patience_seconds: float = PATIENCE_SECONDS,
) -> Any:
    """Asks until the answer is true, and gives it; fails with `what` and the state. Who cannot be asked says no."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            if answer := holds():
                return answer
        except (OSError, PlatformError):
            pass
        assert time.monotonic() < deadline, f"after {patience_seconds} s never {what}: {state()}"
        time.sleep(0.5)


def change_model(stack_file: Path, **settings: Any) -> None:
    """Writes settings of the first model of a stack file."""
    content = yaml.safe_load(stack_file.read_text())
    content["config"][PREFIX + "models"][0] |= settings
    stack_file.write_text(yaml.safe_dump(content))


def evicted(core: Any, pod: str, namespace: str = "models") -> bool:
    """Whether the pod may go; False while a disruption budget forbids it."""
    try:
        core.create_namespaced_pod_eviction(
            pod, namespace, client.V1Eviction(metadata=client.V1ObjectMeta(name=pod, namespace=namespace))
        )
    except ApiException as error:
        if error.status != 429:
            raise
        return False
    return True


def drain(core: Any, node: str, pods: Iterable[Any]) -> None:
    """As `kubectl drain`: no new pods there, then evictions, tried again while a disruption budget forbids."""
    core.patch_node(node, {"spec": {"unschedulable": True}})
    here = [pod.metadata for pod in pods if pod.spec.node_name == node]
    assert here, f"none of the pods is on {node}"
    for pod in here:
        eventually(f"let {pod.name} go", functools.partial(evicted, core, pod.name, pod.namespace))


class Cluster:
    """The platform under test, and its API server through the official client."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.api = config.new_client_from_config(config_file=str(platform.paths.kubeconfig))  # type: ignore[no-untyped-call]
        self.core, self.apps, self.custom = (
            client.CoreV1Api(self.api),
            client.AppsV1Api(self.api),
            client.CustomObjectsApi(self.api),
        )

    def definitions(self, *groups: str) -> set[str]:
        """Names of the custom resource definitions of these groups (`karpenter.sh`)."""
        listed = client.ApiextensionsV1Api(self.api).list_custom_resource_definition().items
        return {definition.metadata.name for definition in listed if definition.spec.group in groups}

    def servers(self, namespace: str = "models") -> list[Any]:
        """Pods that serve a model and stay."""
        pods = self.core.list_namespaced_pod(namespace, label_selector=MODEL_SERVERS).items
        return [pod for pod in pods if pod.metadata.deletion_timestamp is None]

    def metrics(self, pod: str, namespace: str = "models") -> str:
        """What the engine of a server says of itself."""
        engine = json.loads((self.platform.paths.run / "engine" / "admin.json").read_text())["url"]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{engine}/pods/{namespace}/{pod}/metrics", timeout=30) as answer:
            return str(answer.read().decode())

    def scale(self, deployment: str, replicas: int, namespace: str = "models") -> None:
        """Moves a Deployment by hand."""
        self.apps.patch_namespaced_deployment_scale(deployment, namespace, {"spec": {"replicas": replicas}})

    def used(self) -> set[str]:
        """Nodes that a server is bound to."""
        return {pod.spec.node_name for pod in self.servers() if pod.spec.node_name}

    def held(self) -> set[str]:
        """Nodes that a placeholder of spare nodes runs on."""
        pods = self.core.list_namespaced_pod(SPARE_OWNER.usual).items
        return {pod.spec.node_name for pod in pods if pod.status.phase == "Running"}

    def preempted(self) -> bool:
        """Whether the scheduler has evicted a placeholder for a pod of higher priority."""
        return "Preempted" in [event.reason for event in self.core.list_namespaced_event(SPARE_OWNER.usual).items]
