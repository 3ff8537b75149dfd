"""What every backend is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pulumi

from components.manifest import Manifest
from planning.model import ServedModel


@dataclass(frozen=True)
class WorkloadArgs:
    """`before`: what server pods need: account, network, token, weights, GPUs, and what brings the backend's kinds."""

    model: ServedModel
    namespace: pulumi.Input[str]
    priority_class: pulumi.Input[str]
    before: tuple[pulumi.Resource, ...] = ()


@dataclass(frozen=True)
class Backend:
    """`manifest` renders what is registered, from the plan alone. `register` returns the name of the Deployment whose
    pods serve, once it is there: what an autoscaler of ours scales.
    """

    manifest: Callable[[ServedModel, pulumi.Input[str]], Manifest]
    register: Callable[[str, WorkloadArgs, pulumi.Resource], pulumi.Output[str]]
