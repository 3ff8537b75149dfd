"""The real KubeRay operator (1.5.0) makes a model's Ray cluster of its RayService: it serves, changes and goes.

Its program is built only for a stack that asks for it (`python -m local tools kuberay`); without it: skipped. Ray
itself is simulated (local/engine/operators/ray): the head's dashboard, and replicas on the workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from local.build.table import NEEDS, TOOLS
from local.commands.completion import MODEL_SERVERS, ask, models, service_url
from local.host.paths import Paths, platform_paths
from tests.e2e.conftest import Platform
from tests.e2e.loading import PREFIX, changed_stack

pytestmark = pytest.mark.e2e

GROUP = "ray.io"


def _is_built(paths: Paths) -> bool:
    (tool,) = (tool for tool in TOOLS if tool.name in NEEDS["kuberay"])
    return all((paths.tools_bin / name).exists() for name in tool.programs.values())


def _by_ray(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["nodePools"][0] |= {"minNodes": 2, "maxNodes": 4}
    settings["backend"] = "ray"
    model["autoscaling"] = {"kind": "none", "minReplicas": 1}
    model["drain"] = {"preStopSeconds": 5, "shutdownTimeoutSeconds": 10}


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not _is_built(platform_paths()):
        pytest.skip("KubeRay is not built: python -m local tools kuberay")
    return changed_stack(tmp_path_factory.mktemp("kuberay"), _by_ray)


class Cluster:
    """What is in the models' namespace."""

    def __init__(self, platform: Platform) -> None:
        api = config.new_client_from_config(config_file=str(platform.paths.kubeconfig))
        self.core, self.custom = client.CoreV1Api(api), client.CustomObjectsApi(api)

    def all(self, plural: str) -> list[dict[str, Any]]:
        return list(self.custom.list_namespaced_custom_object(GROUP, "v1", "models", plural)["items"])

    def service(self) -> dict[str, Any]:
        (found,) = self.all("rayservices")
        return found

    def active(self) -> str:
        """Name of the cluster that serves."""
        return str(self.service()["status"]["activeServiceStatus"]["rayClusterName"])

    def workers(self) -> list[Any]:
        pods = self.core.list_namespaced_pod("models", label_selector=MODEL_SERVERS).items
        return [pod for pod in pods if pod.metadata.deletion_timestamp is None]


@pytest.fixture(scope="module")
def cluster(stack_file: Path, platform: Platform) -> Iterator[Cluster]:
    platform.run("up", "--stack-file", str(stack_file))
    yield Cluster(platform)
    platform.run("down", "--stack", "local")


def test_the_operator_makes_the_cluster_and_a_request_to_the_model_is_answered(
    platform: Platform, cluster: Cluster, stack_file: Path
) -> None:
    assert platform.processes.is_alive("kuberay-operator")
    status = cluster.service()["status"]
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Ready": "True",
        "UpgradeInProgress": "False",
    }
    assert status["serviceStatus"] == "Running"
    assert {each["status"] for each in status["activeServiceStatus"]["applicationStatuses"].values()} == {"RUNNING"}
    (made,) = cluster.all("rayclusters")
    assert made["metadata"]["ownerReferences"][0]["name"] == "qwen"
    (worker,) = cluster.workers()
    assert worker.metadata.labels["ray.io/cluster"] == made["metadata"]["name"]
    serving = cluster.core.read_namespaced_service("qwen-serve-svc", "models").spec.selector
    assert serving == {"ray.io/cluster": made["metadata"]["name"], "ray.io/serve": "true"}
    (model,) = models(platform.paths)
    assert model.service == "qwen"
    assert ask(service_url(platform.paths, model)).text
    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(stack_file))


def test_a_changed_flag_is_rolled_out_and_requests_are_answered(
    platform: Platform, cluster: Cluster, stack_file: Path
) -> None:
    before = cluster.active()
    content = yaml.safe_load(stack_file.read_text())
    content["config"][PREFIX + "models"][0]["maxNumSeqs"] = 32
    stack_file.write_text(yaml.safe_dump(content))
    platform.run("up", "--stack-file", str(stack_file))
    assert '"max_num_seqs": 32' in cluster.service()["spec"]["serveConfigV2"]
    assert cluster.active() != before, "changed arguments get a cluster beside the first"
    (model,) = models(platform.paths)
    assert model.ready
    assert ask(service_url(platform.paths, model)).text


def test_a_destroy_leaves_no_cluster_no_pod_and_no_operator(platform: Platform, cluster: Cluster) -> None:
    platform.run("down", "--stack", "local")
    assert cluster.workers() == []
    assert cluster.core.list_namespaced_pod("models").items == []
    for plural in ("rayservices", "rayclusters"):
        assert cluster.all(plural) == []
    assert not platform.processes.is_alive("kuberay-operator")
