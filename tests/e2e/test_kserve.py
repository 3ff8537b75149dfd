"""The real KServe controller (0.17.0) makes a model's servers of its InferenceService; more of it: test_backends.py.

Beside ours stand InferenceServices as others write them, whose weights KServe itself fetches: its webhook puts the
storage initializer into their pods. The program in it, out of the same module, is run by the test (pods have no files).

Its program is built only for a stack that asks for it (`python -m local tools kserve`); without it: skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.commands.completion import ask, models, service_url
from tests.e2e.cluster import Cluster, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.loading import changed_stack
from tests.e2e.storage_initializer import INITIALIZER, MOUNTED, WEIGHTS, ByHand, by_hand

pytestmark = pytest.mark.e2e

GROUP, VERSION, PLURAL = "serving.kserve.io", "v1beta1", "inferenceservices"


def _by_kserve(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
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


@pytest.fixture
def others(cluster: Served) -> Iterator[ByHand]:
    """InferenceServices of somebody else beside ours, with an account that has S3's credentials."""
    with by_hand(cluster) as made:
        yield made


def test_our_own_servers_are_given_no_storage_initializer(cluster: Served) -> None:
    """The webhook is asked about them; weights come as on every backend."""
    (serving,) = cluster.servers()
    assert serving.metadata.labels["serving.kserve.io/inferenceservice"] == "qwen"
    assert INITIALIZER not in [container.name for container in serving.spec.init_containers or ()]


def test_a_service_with_weights_in_s3_gets_the_initializer_which_fetches_them(others: ByHand, tmp_path: Path) -> None:
    pod = others.pod("s3://by-hand/model")
    (initializer,) = [container for container in pod.spec.init_containers if container.name == INITIALIZER]
    assert initializer.image == "kserve/storage-initializer:v0.20.0"
    assert initializer.args == ["s3://by-hand/model", MOUNTED]
    for container in (initializer, pod.spec.containers[0]):
        mounts = {mount.name: (mount.mount_path, bool(mount.read_only)) for mount in container.volume_mounts}
        assert mounts["kserve-provision-location"] == (MOUNTED, container is not initializer)
    assert [state.state.terminated.reason for state in pod.status.init_container_statuses] == ["Completed"]
    done = others.run(initializer, tmp_path)
    assert done.returncode == 0, done.stderr
    written = {file.name: file.read_bytes() for file in (tmp_path / "models").iterdir()}
    assert written == WEIGHTS
    initializer.args[0] = "s3://by-hand/nothing"
    assert others.run(initializer, tmp_path).returncode == 1


def test_a_service_with_weights_in_the_hub_gets_the_initializer_with_its_revision(others: ByHand) -> None:
    source = "hf://Qwen/Qwen2.5-7B-Instruct:a09a35458c702b33eeacc393d103063234e8bc28"
    (initializer,) = others.pod(source).spec.init_containers
    assert (initializer.name, initializer.args) == (INITIALIZER, [source, MOUNTED])


def test_a_service_with_weights_in_a_claim_gets_it_mounted_and_no_initializer(others: ByHand) -> None:
    spec = others.pod("pvc://weights/model", ready=False).spec
    assert not spec.init_containers
    (volume,) = [volume for volume in spec.volumes if volume.persistent_volume_claim]
    assert volume.persistent_volume_claim.claim_name == "weights"
    (mount,) = [mount for mount in spec.containers[0].volume_mounts if mount.name == volume.name]
    assert (mount.mount_path, mount.sub_path, mount.read_only) == (MOUNTED, "model", True)
