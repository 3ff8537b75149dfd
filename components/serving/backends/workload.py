"""What every backend is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pulumi

from components.manifest import Manifest
from planning.model import ServedModel


@dataclass(frozen=True)
class WorkloadArgs:
    """`before`: what server pods need: account, network, token, weights, GPUs, and what brings the backend's kinds.

    `monitors_after`: what brings the PodMonitor kind. `prometheus_url`: with port; needed for a canary.
    """

    model: ServedModel
    namespace: pulumi.Input[str]
    priority_class: pulumi.Input[str]
    before: tuple[pulumi.Resource, ...] = ()
    monitors_after: tuple[pulumi.Resource, ...] = ()
    prometheus_url: pulumi.Input[str] | None = None


@dataclass(frozen=True)
class ServingWorkload:
    """`deployment_name`: what makes the pods that serve, once it is there: what an autoscaler of ours scales.

    `address_after`: what has to be Ready before the model's Service points to it: the servers, and what stands before
    them. A model that comes from pods of other labels (KubeAI's) would have an address without servers until then.
    """

    deployment_name: pulumi.Output[str]
    address_after: tuple[pulumi.Resource, ...] = ()


@dataclass(frozen=True)
class BackendManifests:
    """`manifest` renders what makes the server pods, from the plan alone, `beside` what stands by it, by a name;
    `register` makes both.
    """

    manifest: Callable[[ServedModel, pulumi.Input[str]], Manifest]
    register: Callable[[str, WorkloadArgs, pulumi.Resource], ServingWorkload]
    beside: Callable[[ServedModel], dict[str, Manifest]] = lambda _: {}
