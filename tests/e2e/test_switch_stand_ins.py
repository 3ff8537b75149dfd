"""A model moves to AIBrix and to KubeAI and back, both stand-ins: what the preview says of it is what happens.

`deployment` → `aibrix` → `kubeai` → `deployment`, two replicas on a volume that many nodes mount, under load. AIBrix is
in the cluster all the time, as its reader installs it. Left out where `EXAMPLES` names neither (`make e2e`): minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from local.commands.completion import ask, models, service_url
from local.host.errors import PlatformError
from preview.report_model import Step
from tests.e2e.asking import Asked, asking
from tests.e2e.cluster import Cluster, eventually
from tests.e2e.conftest import Platform
from tests.e2e.loading import PREFIX, changed_stack
from tests.e2e.prerequisites import prerequisites, shared_class, through_its_gateway
from tests.e2e.test_examples import SAMPLE
from tests.e2e.test_switch import AFTER_SECONDS, BEFORE_SECONDS, _there
from tests.e2e.told import Recorded, recorded, told

pytestmark = pytest.mark.e2e

ROUTE = ("gateway.networking.k8s.io", "v1", "aibrix-system", "httproutes", "qwen-router")
# What KubeAI leaves in its models' namespace: its leases have no owner (internal/leader/election.go, manager/run.go).
LEFT = {"Lease models/cc6bca10.substratus.ai", "Lease models/kubeai.org"}


def _settings(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["cluster"]["storageClasses"] = ["shared"]
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    model |= {
        "servedName": "qwen",
        "autoscaling": {"kind": "none", "minReplicas": 2},
        "cache": {"kind": "persistentVolume", "storageClass": "shared", "accessMode": "ReadWriteMany"},
    }


class Moves:
    """The stack, from one backend to the next."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform, self._folder = platform, folder
        self.cluster = Cluster(platform)
        self.file = changed_stack(folder, _settings)
        self.up()
        (model,) = models(platform.paths)
        self.address = service_url(platform.paths, model)
        self.before = self._recorded()

    def up(self) -> str:
        return self.platform.run("up", "--stack-file", str(self.file))

    def _recorded(self) -> Recorded:
        folder = self._folder / f"{time.monotonic_ns()}"
        folder.mkdir()
        return recorded(self.platform, "local", folder)

    def to(self, backend: str, *paths: str) -> tuple[Asked, Step]:
        """Moves it under load; clients ask at these paths, and the preview says this step of the move."""
        content = yaml.safe_load(self.file.read_text())
        content["config"][PREFIX + "backend"] = backend
        self.file.write_text(yaml.safe_dump(content))
        with asking(self.address, "qwen", paths=paths) as asked:
            time.sleep(BEFORE_SECONDS)
            began = time.monotonic()
            self.up()
            seconds = time.monotonic() - began
            time.sleep(AFTER_SECONDS)
        print(
            f"to {backend}: {seconds:.0f} s, {dict(asked.answered)} answered, sent again {dict(asked.again)}, "
            f"longest {asked.longest_seconds:.1f} s, lost {asked.lost}"
        )
        now = self._recorded()
        _, update = told(self.before, now)
        self.before = now
        (step,) = (step for step in update["steps"] if step["what"].startswith("servers of qwen: backend"))
        return asked, step

    def restart_aibrix(self) -> None:
        """Its controller, as `kubectl rollout restart` does it."""
        own = "app.kubernetes.io/component=aibrix-controller-manager"
        for pod in self.cluster.core.list_namespaced_pod("aibrix-system", label_selector=own).items:
            self.cluster.core.delete_namespaced_pod(pod.metadata.name, "aibrix-system")

    def route(self) -> Any:
        """AIBrix' route of the model; None: there is none."""
        group, version, namespace, plural, name = ROUTE
        listed = self.cluster.custom.list_namespaced_custom_object(group, version, namespace, plural)["items"]
        return next((each for each in listed if each["metadata"]["name"] == name), None)


@pytest.fixture(scope="module")
def moves(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moves]:
    if SAMPLE and not {"aibrix", "kubeai"} & set(SAMPLE):
        pytest.skip("EXAMPLES names neither aibrix nor kubeai")
    storage = client.StorageV1Api(Cluster(platform).api)
    storage.create_storage_class(shared_class("shared"))
    try:
        with prerequisites(platform, "aibrix"):
            try:
                yield Moves(platform, tmp_path_factory.mktemp("switch"))
            finally:
                platform.run("down", "--stack", "local", check=False)
    finally:
        storage.delete_storage_class("shared")


def test_a_move_to_aibrix_kubeai_and_back_costs_what_the_preview_says(moves: Moves) -> None:
    first = _there(moves.platform)
    gateway = eventually("there", lambda: through_its_gateway(moves.platform, "aibrix"))
    with pytest.raises(PlatformError):
        ask(gateway)

    asked, step = moves.to("aibrix", "/v1/completions")
    assert (asked.lost, dict(asked.again)) == ([], {}), "its pods roll behind the Service"
    assert any("restart its controller, for HTTPRoute qwen-router" in word for word in step["words"])
    assert moves.route() is None
    pods = moves.cluster.core.list_namespaced_pod(
        "aibrix-system", label_selector="app.kubernetes.io/component=aibrix-controller-manager"
    )
    moves.cluster.core.delete_namespaced_pod(pods.items[0].metadata.name, "aibrix-system")
    assert eventually("answered through AIBrix", lambda: ask(gateway).model) == "qwen"

    asked, step = moves.to("kubeai", "/v1/completions", "/openai/v1/completions")
    assert any("clients of the Service ask below /openai/v1 then, not /v1" in word for word in step["words"])
    assert asked.lost == [], "who follows the path loses nothing where no network policy holds"
    assert asked.again.keys() == {"404"}
    assert moves.route() is None, "its Deployment went"
    with asking(moves.address, "qwen") as unmoved:
        time.sleep(1)
    assert {why[:3] for why in unmoved.lost} == {"404"}
    assert not unmoved.answered, "who asks on below /v1 gets nothing any more"

    asked, step = moves.to("deployment", "/openai/v1/completions", "/v1/completions")
    assert any("clients of the Service ask below /v1 then, not /openai/v1" in word for word in step["words"])
    assert asked.again["404"]
    assert min(asked.answered[kind] for kind in ("stream", "whole")) > 10
    assert "pulumi: 0 changes" in moves.up()
    assert _there(moves.platform) == first | LEFT
