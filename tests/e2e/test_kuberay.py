"""The real KubeRay operator (1.5.0) makes a model's Ray cluster of its RayService: it serves, changes and goes.

Its program is built only for a stack that asks for it (`python -m local tools kuberay`); without it: skipped. Ray
itself is simulated (local/engine/operators/ray): the head's dashboard, and replicas on the workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.commands.completion import ask, models, service_url
from tests.e2e.cluster import Cluster, change_model, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.loading import changed_stack

pytestmark = pytest.mark.e2e

GROUP = "ray.io"


def _by_ray(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["nodePools"][0] |= {"minNodes": 2, "maxNodes": 4}
    settings["backend"] = "ray"
    model["autoscaling"] = {"kind": "none", "minReplicas": 1}
    model["drain"] = {"preStopSeconds": 5, "shutdownTimeoutSeconds": 10}


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_unless_built("kuberay")
    return changed_stack(tmp_path_factory.mktemp("kuberay"), _by_ray)


class Served(Cluster):
    """What is in the models' namespace."""

    def all(self, plural: str) -> list[dict[str, Any]]:
        return list(self.custom.list_namespaced_custom_object(GROUP, "v1", "models", plural)["items"])

    def service(self) -> dict[str, Any]:
        (service,) = self.all("rayservices")
        return service

    def active(self) -> str:
        """Name of the cluster that serves."""
        return str(self.service()["status"]["activeServiceStatus"]["rayClusterName"])


@pytest.fixture(scope="module")
def cluster(stack_file: Path, platform: Platform) -> Iterator[Served]:
    platform.run("up", "--stack-file", str(stack_file))
    yield Served(platform)
    platform.run("down", "--stack", "local")


def test_the_operator_makes_the_cluster_and_a_request_to_the_model_is_answered(
    platform: Platform, cluster: Served, stack_file: Path
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
    (worker,) = cluster.servers()
    assert worker.metadata.labels["ray.io/cluster"] == made["metadata"]["name"]
    serving = cluster.core.read_namespaced_service("qwen-serve-svc", "models").spec.selector
    assert serving == {"ray.io/cluster": made["metadata"]["name"], "ray.io/serve": "true"}
    (model,) = models(platform.paths)
    assert model.service == "qwen"
    assert ask(service_url(platform.paths, model)).text
    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(stack_file))


def test_a_changed_flag_is_rolled_out_and_requests_are_answered(
    platform: Platform, cluster: Served, stack_file: Path
) -> None:
    before = cluster.active()
    change_model(stack_file, maxNumSeqs=32)
    platform.run("up", "--stack-file", str(stack_file))
    assert '"max_num_seqs": 32' in cluster.service()["spec"]["serveConfigV2"]
    assert cluster.active() != before, "changed arguments get a cluster beside the first"
    (model,) = models(platform.paths)
    assert model.ready
    assert ask(service_url(platform.paths, model)).text


def test_a_destroy_leaves_no_cluster_no_pod_and_no_operator(platform: Platform, cluster: Served) -> None:
    platform.run("down", "--stack", "local")
    assert cluster.servers() == []
    assert cluster.core.list_namespaced_pod("models").items == []
    for plural in ("rayservices", "rayclusters"):
        assert cluster.all(plural) == []
    assert not platform.processes.is_alive("kuberay-operator")
