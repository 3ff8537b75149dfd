"""A model moves from one serving backend to the next under load: every request is answered, nothing is left behind.

KServe's controller is the real one, built only for a stack that asks (`local tools kserve`); without it: skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.cluster import skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.loading import changed_stack
from tests.e2e.moving import MovingModel, two_servers

pytestmark = pytest.mark.e2e

WAY = ("production-stack", "kserve", "deployment")


def _settings(settings: dict[str, Any], model: dict[str, Any]) -> None:
    two_servers(settings, model)
    model |= {"drain": {"preStopSeconds": 5}}


@pytest.fixture(scope="module")
def moving(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MovingModel]:
    skip_unless_built("kserve")
    file = changed_stack(tmp_path_factory.mktemp("switch"), _settings)
    platform.run("up", "--stack-file", str(file))
    yield MovingModel(platform, file)
    platform.run("down", "--stack", "local")


def test_a_model_goes_through_the_backends_and_back_and_every_request_is_answered(moving: MovingModel) -> None:
    first = moving.objects()
    for backend in WAY:
        asked = moving.to(backend)
        assert not asked.again, "with a connection each, nobody meets a server that leaves"
    assert moving.objects() == first
