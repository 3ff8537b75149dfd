"""Backend `deployment`: a plain Deployment of vLLM servers; a Rollout where changes are canaries; a LeaderWorkerSet
where each replica is on several nodes.
"""

from __future__ import annotations

from collections.abc import Callable

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import Manifest, arguments, custom_resource
from components.ownership import controller_owned
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs
from components.serving.manifests.deployment import deployment
from components.serving.manifests.group import leader_worker_set
from components.serving.manifests.rollout import analysis_templates, rollout
from planning.model import ServedModel


def register(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    """What makes the server pods."""
    if args.model.canary:
        return _rollout(name, args, parent)
    if args.model.group:
        return _scaled(f"{name}-group", leader_worker_set(args.model, args.priority_class), args, args.before, parent)
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
    # Its steps name the analyses as text.
    before = (*args.before, *judges)
    return _scaled(f"{name}-rollout", rollout(args.model, args.priority_class), args, before, parent)


def _scaled(
    name: str, manifest: Manifest, args: WorkloadArgs, before: tuple[pulumi.Resource, ...], parent: pulumi.Resource
) -> ServingWorkload:
    """What stands in the Deployment's place, of a kind that an operator brings."""
    wait = f"{args.model.rollout_timeout_seconds}s"
    made = custom_resource(
        name,
        manifest,
        namespace=args.namespace,
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Hidden ordering: as of a Deployment.
            depends_on=list(before),
            ignore_changes=controller_owned(
                f"kubernetes:{manifest['kind']}", still_ours=args.model.autoscaling.fixed_replicas is not None
            ),
            custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait),
        ),
    )
    return ServingWorkload(made.metadata["name"], (made,))


def _manifest(model: ServedModel, priority_class: pulumi.Input[str]) -> Manifest:
    if model.group:
        return leader_worker_set(model, priority_class)
    return (rollout if model.canary else deployment)(model, priority_class)


DEPLOYMENT = BackendManifests(_manifest, register)
