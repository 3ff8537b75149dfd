"""Backend `aibrix`: the Deployment of backend `deployment` with the labels by which AIBrix finds it.

AIBrix (v0.7.0, read at c546589095) is the user's to install: it has no published chart. Its model router makes an
HTTPRoute of a Deployment with such labels, to the Service of that name (pkg/controller/modelrouter), and its gateway
plugin balances over the pods that have them (pkg/cache/informers.go). Nothing here needs a definition of AIBrix: the
model serves through its own Service before AIBrix is there, and after it is gone.
"""

from __future__ import annotations

import pulumi

from components.manifest import Manifest
from components.serving.backends.deployment import register_as
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs
from components.serving.manifests.deployment import deployment
from planning.model import ServedModel


def aibrix_deployment(model: ServedModel, priority_class: pulumi.Input[str]) -> Manifest:
    """The Deployment. Its selector stays as it is everywhere: a model moves here and back as a rollout."""
    manifest = deployment(model, priority_class)
    metadata, spec = manifest["metadata"], manifest["spec"]
    template = spec["template"]
    pods = {**template["metadata"], "labels": template["metadata"]["labels"] | aibrix_labels(model)}
    return {
        **manifest,
        "metadata": {**metadata, "labels": metadata["labels"] | aibrix_labels(model)},
        "spec": {**spec, "template": {**template, "metadata": pods}},
    }


def aibrix_labels(model: ServedModel) -> dict[str, str]:
    """pkg/constants/model.go. The name is the model's for clients and its Service's at once."""
    return {
        "model.aibrix.ai/name": model.name,
        "model.aibrix.ai/port": str(model.port),
        "model.aibrix.ai/metric-port": str(model.port),
        "model.aibrix.ai/engine": "vllm",
    }


def _register(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    return register_as(aibrix_deployment, name, args, parent)


AIBRIX = BackendManifests(aibrix_deployment, _register)
