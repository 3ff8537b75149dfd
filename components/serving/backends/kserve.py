"""Backend `kserve`: an InferenceService in Standard mode (formerly RawDeployment), with the pod of every backend.

KServe's controller makes Deployment and Service `<model>-predictor` of it and hands our labels, annotations, pod and
strategy on (kserve/kserve, reconcilers/deployment/deployment_reconciler.go, components/predictor.go). So all that goes
by the pods' labels stays as it is: our Service is the model's address, our autoscaler the only one.
"""

from __future__ import annotations

from typing import Any

import pulumi

from components.manifest import Manifest, custom_resource
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs
from components.serving.manifests.deployment import pod, pod_annotations, rolling_update
from components.serving.manifests.names import server_labels
from planning.model import ServedModel

# The container that the controller takes for the server.
CONTAINER = "kserve-container"
DEPLOYMENT_MODE = "serving.kserve.io/deploymentMode"
AUTOSCALER = "serving.kserve.io/autoscalerClass"


def inference_service(model: ServedModel, priority_class: pulumi.Input[str]) -> Manifest:
    """The InferenceService. With class `external` KServe makes no autoscaler and leaves the replicas alone; with `none`
    it holds `minReplicas`.
    """
    fixed = model.autoscaling.fixed_replicas
    spec = pod(model, priority_class)
    server, *others = spec["containers"]
    predictor: dict[str, Any] = {
        # On Deployment and pods; the selector is KServe's own `app`.
        "labels": server_labels(model),
        "annotations": pod_annotations(model),
        "deploymentStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling_update(model)},
        **({} if fixed is None else {"minReplicas": fixed}),
        **spec,
        "containers": [{**server, "name": CONTAINER}, *others],
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": model.name,
            "namespace": model.namespace,
            "labels": server_labels(model),
            "annotations": {
                DEPLOYMENT_MODE: "Standard",
                AUTOSCALER: "external" if fixed is None else "none",
                # Without it the provider takes a custom resource for done when it is written.
                "pulumi.com/waitFor": "condition=Ready",
            },
        },
        "spec": {"predictor": predictor},
    }


def _register(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    manifest = inference_service(args.model, args.priority_class)
    wait = f"{args.model.rollout_timeout_seconds}s"
    made = custom_resource(
        f"{name}-inference-service",
        manifest,
        namespace=args.namespace,
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Hidden ordering: as of a Deployment; and the kind, its webhooks and its controller come with releases.
            depends_on=list(args.before),
            custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait, delete=wait),
        ),
    )
    name_of_servers = pulumi.Output.format("{0}{1}", made.metadata["name"], args.model.deployment_suffix)
    return ServingWorkload(name_of_servers, (made,))


KSERVE = BackendManifests(inference_service, _register)
