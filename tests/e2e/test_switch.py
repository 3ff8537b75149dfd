"""A model moves from one serving backend to the next under load: every request is answered, nothing is left behind.

KServe's controller is the real one, built only for a stack that asks (`local tools kserve`); without it: skipped.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.commands.completion import ask, models, service_url
from planning.backends.table import backends
from tests.e2e.asking import asking
from tests.e2e.cluster import skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.inventory import kubernetes_objects
from tests.e2e.loading import PREFIX, changed_stack

pytestmark = pytest.mark.e2e

WAY = ("production-stack", "kserve", "deployment")
BEFORE_SECONDS = AFTER_SECONDS = 5
# What Kubernetes and Helm number themselves.
PASSING = ("Pod ", "ReplicaSet ", "ControllerRevision ", "PodMetrics ")


def _settings(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    model |= {"autoscaling": {"kind": "none", "minReplicas": 2}, "drain": {"preStopSeconds": 5}}


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_unless_built("kserve")
    return changed_stack(tmp_path_factory.mktemp("switch"), _settings)


def _there(platform: Platform) -> set[str]:
    """Objects by name, but for those that carry a number of their own making."""
    return {re.sub(r"\.v\d+$", "", title) for title in kubernetes_objects(platform) if not title.startswith(PASSING)}


@pytest.fixture(scope="module")
def up(stack_file: Path, platform: Platform) -> Iterator[Platform]:
    platform.run("up", "--stack-file", str(stack_file))
    yield platform
    platform.run("down", "--stack", "local")


def test_a_model_goes_through_the_backends_and_back_and_every_request_is_answered(
    up: Platform, stack_file: Path
) -> None:
    (model,) = models(up.paths)
    address, first = service_url(up.paths, model), _there(up)
    served = ask(address).model
    for backend in WAY:
        content = yaml.safe_load(stack_file.read_text())
        content["config"][PREFIX + "backend"] = backend
        stack_file.write_text(yaml.safe_dump(content))
        with asking(address, served) as asked:
            time.sleep(BEFORE_SECONDS)
            began = time.monotonic()
            up.run("up", "--stack-file", str(stack_file))
            seconds = time.monotonic() - began
            time.sleep(AFTER_SECONDS)
        print(
            f"to {backend}: {seconds:.0f} s, {dict(asked.answered)} answered, sent again {dict(asked.again)}, "
            f"longest {asked.longest_seconds:.1f} s"
        )
        assert asked.lost == []
        assert min(asked.answered[kind] for kind in ("stream", "whole")) > 10, "or nothing was tried"
        assert not asked.again, "with a connection each, nobody meets a server that leaves"
        (model,) = models(up.paths)
        assert model.name == backends()[backend].deployment_of("qwen")
        assert service_url(up.paths, model) == address
        assert "pulumi: 0 changes" in up.run("up", "--stack-file", str(stack_file))
    assert _there(up) == first
