"""Backend `deployment`: a plain Deployment of vLLM servers."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import arguments
from components.ownership import controller_owned
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs
from components.serving.manifests.deployment import deployment


def register(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    """The Deployment."""
    wait = f"{args.model.rollout_timeout_seconds}s"
    made = k8s.apps.v1.Deployment(
        f"{name}-deployment",
        **arguments(deployment(args.model, args.priority_class), args.namespace),
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Hidden ordering: the pod template names account and Secret only as text; servers are offline, so
            # the weights must be there; and a broken GPU should show in the smoke test, not in a model.
            depends_on=list(args.before),
            # A number that nobody scales is ours, and drift of it is shown.
            ignore_changes=controller_owned(
                "kubernetes:Deployment", still_ours=args.model.autoscaling.fixed_replicas is not None
            ),
            custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait),
        ),
    )
    return ServingWorkload(made.metadata["name"])


DEPLOYMENT = BackendManifests(deployment, register)
