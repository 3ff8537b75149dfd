"""The real KServe controller (0.17.0) makes a model's servers of its InferenceService: they come, change and go.

Its program is built only for a stack that asks for it (`python -m local tools kserve`); without it: skipped.
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

GROUP, VERSION, PLURAL = "serving.kserve.io", "v1beta1", "inferenceservices"


def _is_built(paths: Paths) -> bool:
    (tool,) = (tool for tool in TOOLS if tool.name in NEEDS["kserve"])
    return all((paths.tools_bin / name).exists() for name in tool.programs.values())


def _by_kserve(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["backend"] = "kserve"
    model["autoscaling"] = {"kind": "none", "minReplicas": 1}


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not _is_built(platform_paths()):
        pytest.skip("KServe is not built: python -m local tools kserve")
    return changed_stack(tmp_path_factory.mktemp("kserve"), _by_kserve)


class Cluster:
    """What is in the models' namespace."""

    def __init__(self, platform: Platform) -> None:
        api = config.new_client_from_config(config_file=str(platform.paths.kubeconfig))
        self.core, self.apps, self.custom = client.CoreV1Api(api), client.AppsV1Api(api), client.CustomObjectsApi(api)
        self.definitions = client.ApiextensionsV1Api(api)

    def service(self) -> dict[str, Any]:
        (service,) = self.custom.list_namespaced_custom_object(GROUP, VERSION, "models", PLURAL)["items"]
        return dict(service)

    def conditions(self) -> dict[str, str]:
        return {condition["type"]: condition["status"] for condition in self.service()["status"]["conditions"]}

    def deployment(self) -> Any:
        (deployment,) = self.apps.list_namespaced_deployment("models").items
        return deployment

    def pods(self) -> list[Any]:
        return list(self.core.list_namespaced_pod("models", label_selector=MODEL_SERVERS).items)


@pytest.fixture(scope="module")
def cluster(stack_file: Path, platform: Platform) -> Iterator[Cluster]:
    platform.run("up", "--stack-file", str(stack_file))
    yield Cluster(platform)
    platform.run("down", "--stack", "local")


def test_the_controller_makes_the_deployment_and_a_request_to_the_model_is_answered(
    platform: Platform, cluster: Cluster, stack_file: Path
) -> None:
    assert platform.processes.is_alive("kserve-controller")
    assert cluster.conditions()["Ready"] == "True"
    made = cluster.deployment()
    assert made.metadata.name == "qwen-predictor"
    owner = made.metadata.owner_references[0]
    assert (owner.kind, owner.name, owner.controller) == ("InferenceService", "qwen", True)
    (model,) = models(platform.paths)
    assert model.service == "qwen"
    assert ask(service_url(platform.paths, model)).text
    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(stack_file))


def test_a_changed_flag_rolls_the_controllers_deployment_and_requests_are_answered(
    platform: Platform, cluster: Cluster, stack_file: Path
) -> None:
    content = yaml.safe_load(stack_file.read_text())
    content["config"][PREFIX + "models"][0]["maxNumSeqs"] = 32
    stack_file.write_text(yaml.safe_dump(content))
    platform.run("up", "--stack-file", str(stack_file))
    assert cluster.deployment().status.updated_replicas == 1
    (serving,) = (pod for pod in cluster.pods() if pod.metadata.deletion_timestamp is None)
    (server,) = serving.spec.containers
    assert "--max-num-seqs=32" in server.args
    (model,) = models(platform.paths)
    assert ask(service_url(platform.paths, model)).text


def test_a_destroy_leaves_neither_servers_nor_definitions_nor_the_controller(
    platform: Platform, cluster: Cluster
) -> None:
    platform.run("down", "--stack", "local")
    assert cluster.apps.list_namespaced_deployment("models").items == []
    names = {item.metadata.name for item in cluster.definitions.list_custom_resource_definition().items}
    assert not any(name.endswith(GROUP) for name in names), names
    assert not platform.processes.is_alive("kserve-controller")
