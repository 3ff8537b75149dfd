"""The real KServe controller (0.17.0) makes a model's servers of its InferenceService: they come, change and go.

Its program is built only for a stack that asks for it (`python -m local tools kserve`); without it: skipped.
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

GROUP, VERSION, PLURAL = "serving.kserve.io", "v1beta1", "inferenceservices"


def _by_kserve(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["backend"] = "kserve"
    model["autoscaling"] = {"kind": "none", "minReplicas": 1}


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_unless_built("kserve")
    return changed_stack(tmp_path_factory.mktemp("kserve"), _by_kserve)


class Served(Cluster):
    """What is in the models' namespace."""

    def service(self) -> dict[str, Any]:
        (service,) = self.custom.list_namespaced_custom_object(GROUP, VERSION, "models", PLURAL)["items"]
        return dict(service)

    def conditions(self) -> dict[str, str]:
        return {condition["type"]: condition["status"] for condition in self.service()["status"]["conditions"]}

    def deployment(self) -> Any:
        (deployment,) = self.apps.list_namespaced_deployment("models").items
        return deployment


@pytest.fixture(scope="module")
def cluster(stack_file: Path, platform: Platform) -> Iterator[Served]:
    platform.run("up", "--stack-file", str(stack_file))
    yield Served(platform)
    platform.run("down", "--stack", "local")


def test_the_controller_makes_the_deployment_and_a_request_to_the_model_is_answered(
    platform: Platform, cluster: Served, stack_file: Path
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
    platform: Platform, cluster: Served, stack_file: Path
) -> None:
    change_model(stack_file, maxNumSeqs=32)
    platform.run("up", "--stack-file", str(stack_file))
    assert cluster.deployment().status.updated_replicas == 1
    (serving,) = cluster.servers()
    (server,) = serving.spec.containers
    assert "--max-num-seqs=32" in server.args
    (model,) = models(platform.paths)
    assert ask(service_url(platform.paths, model)).text


def test_a_destroy_leaves_neither_servers_nor_definitions_nor_the_controller(
    platform: Platform, cluster: Served
) -> None:
    platform.run("down", "--stack", "local")
    assert cluster.apps.list_namespaced_deployment("models").items == []
    assert cluster.definitions(GROUP) == set()
    assert not platform.processes.is_alive("kserve-controller")
