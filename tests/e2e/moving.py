"""A stack of one model that moves between serving backends while clients ask it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import yaml

from local.commands.completion import ask, models, service_url
from planning.backends.table import backends
from tests.e2e.asking import Asked, asking
from tests.e2e.conftest import Platform
from tests.e2e.inventory import kubernetes_objects
from tests.e2e.loading import PREFIX

BEFORE_SECONDS = AFTER_SECONDS = 5
# What Kubernetes and Helm number themselves.
PASSING = ("Pod ", "ReplicaSet ", "ControllerRevision ", "PodMetrics ")


def two_servers(settings: dict[str, Any], model: dict[str, Any]) -> None:
    """A model of two replicas, and nodes for two more: `changed_stack` takes it."""
    settings["monitoring"] = {"enabled": False}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    model |= {"autoscaling": {"kind": "none", "minReplicas": 2}}


class MovingModel:
    """The model of a stack that is up; `host`: its Service's address on this machine."""

    def __init__(self, platform: Platform, stack_file: Path) -> None:
        self.platform, self._file = platform, stack_file
        (self._model,) = models(platform.paths)
        self.name = self._model.service
        self.host = service_url(platform.paths, self._model).removesuffix(self._model.path)
        self.served = ask(service_url(platform.paths, self._model)).model

    def to(self, backend: str) -> Asked:
        """Moves it while it is asked; fails where a request is lost, or another `up` would change something.

        Clients ask at the old backend's path, and at the new one's once there is nothing there any more.
        """
        path, new_path = self._model.path, backends()[backend].path.removesuffix("/v1")
        elsewhere = self.host + new_path if new_path != path else ""
        self._write(backend)
        with asking(self.host + path, self.served, elsewhere=elsewhere) as asked:
            time.sleep(BEFORE_SECONDS)
            began = time.monotonic()
            self.up()
            seconds = time.monotonic() - began
            time.sleep(AFTER_SECONDS)
        print(
            f"to {backend}: {seconds:.0f} s, {dict(asked.answered)} answered, sent again {dict(asked.again)}, "
            f"longest {asked.longest_seconds:.1f} s"
        )
        assert asked.lost == []
        assert min(asked.answered[kind] for kind in ("stream", "whole")) > 10, "or nothing was tried"
        (self._model,) = models(self.platform.paths)
        assert self._model.name == (backends()[backend].deployment_of(self.name) or self.name)
        assert service_url(self.platform.paths, self._model) == self.host + new_path
        assert "pulumi: 0 changes" in self.up()
        return asked

    def up(self) -> str:
        """`up` of the stack as its file is; its output."""
        return self.platform.run("up", "--stack-file", str(self._file))

    def _write(self, backend: str) -> None:
        content = yaml.safe_load(self._file.read_text())
        content["config"][PREFIX + "backend"] = backend
        self._file.write_text(yaml.safe_dump(content))

    def objects(self) -> set[str]:
        """Objects of the cluster by name, but for those that carry a number of their own making."""
        titles = (title for title in kubernetes_objects(self.platform) if not title.startswith(PASSING))
        return {re.sub(r"\.v\d+$", "", title) for title in titles}
