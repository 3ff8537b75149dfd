"""Backend `deployment`: a plain Deployment of vLLM servers, or a Rollout where changes are canaries."""

from __future__ import annotations

from collections.abc import Callable

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import Manifest, arguments, custom_resource
from components.ownership import controller_owned
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs
from components.serving.manifests.deployment import deployment
from components.serving.manifests.rollout import analysis_templates, rollout
from planning.model import ServedModel


def register(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    """What makes the server pods."""
    if args.model.canary:
        return _rollout(name, args, parent)
    return register_as(deployment, name, args, parent)


def register_as(
    rendered: Callable[[ServedModel, pulumi.Input[str]], Manifest],
    name: str,
    args: WorkloadArgs,
    parent: pulumi.Resource,
) -> ServingWorkload:
    """A Deployment as `rendered` has it."""
    wait = f"{args.model.rollout_timeout_seconds}s"
    made = k8s.apps.v1.Deployment(
        f"{name}-deployment",
        **arguments(rendered(args.model, args.priority_class), args.namespace),
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Hidden ordering: the pod template names account and Secret only as text; servers are offline, so
            # the weights must be there; and a broken GPU should show in the smoke test, not in a model.
            depends_on=list(args.before),
            # A number without an autoscaler is ours, and its drift is shown.
            ignore_changes=controller_owned(
                "kubernetes:Deployment", still_ours=args.model.autoscaling.fixed_replicas is not None
            ),
            custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait),
        ),
    )
    return ServingWorkload(made.metadata["name"], (made,))


def _rollout(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    if args.prometheus_url is None:
        raise ValueError(f"{name}: a canary is judged by Prometheus, so WorkloadArgs needs prometheus_url")
    wait = f"{args.model.rollout_timeout_seconds}s"
    judges = [
        custom_resource(
            f"{name}-canary-{number}",
            template,
            namespace=args.namespace,
            # Hidden ordering: the kind comes with a release, among them.
            opts=pulumi.ResourceOptions(parent=parent, depends_on=list(args.before)),
        )
        for number, template in enumerate(analysis_templates(args.model, args.prometheus_url), start=1)
    ]
    made = custom_resource(
        f"{name}-rollout",
        rollout(args.model, args.priority_class),
        namespace=args.namespace,
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Hidden ordering: as of a Deployment; and its steps name the analyses as text.
            depends_on=[*args.before, *judges],
            ignore_changes=controller_owned(
                "kubernetes:Rollout", still_ours=args.model.autoscaling.fixed_replicas is not None
            ),
            custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait),
        ),
    )
    return ServingWorkload(made.metadata["name"], (made,))


def _manifest(model: ServedModel, priority_class: pulumi.Input[str]) -> Manifest:
    return (rollout if model.canary else deployment)(model, priority_class)


DEPLOYMENT = BackendManifests(_manifest, register)
