"""Stacks as their files say them, planned and rendered: no cluster, no engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from components.serving.manifests.deployment import deployment
from planning.model import StackPlan
from planning.plan import plan
from settings.read import read
from tests.conftest import REPO

PREFIX = "vllm-on-eks:"
Config = dict[str, Any]


def planned(stack: str, change: Callable[[Config], None] = lambda config: None) -> StackPlan:
    """The plan of a stack file of the checkout, its configuration changed before it is read."""
    content = yaml.safe_load((REPO / f"Pulumi.{stack}.yaml").read_text())["config"]
    config = {key.removeprefix(PREFIX): value for key, value in content.items() if key.startswith(PREFIX)}
    change(config)
    settings = read(config, stack).settings
    assert settings is not None
    return plan(settings, stack)


def server_pod(stack: str, change: Callable[[Config], None] = lambda config: None) -> dict[str, Any]:
    """The pod spec of the stack's first model."""
    pod_spec: dict[str, Any] = deployment(planned(stack, change).models[0], "priority")["spec"]["template"]["spec"]
    return pod_spec
