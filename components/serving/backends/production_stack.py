"""Backend `production-stack`: the Deployment of backend `deployment`, and vLLM Production Stack's router before it.

The chart's own engine pods are not used: they take the token from the environment, download by themselves, and carry
`replicas` beside an autoscaler that is not theirs (helm/templates/deployment-vllm-multi.yaml of vllm-stack). Its
router finds pods by labels, so it stands before ours, and the model's Service points to it.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.helm import release_arguments
from components.images import pull_policy
from components.manifest import Manifest, arguments
from components.pods import SCRATCH_PATH, quantities
from components.security import non_root_pod, restricted_container
from components.serving.backends.deployment import register as register_deployment
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs
from components.serving.manifests.deployment import deployment
from components.serving.manifests.names import router_release, server_selector
from components.serving.manifests.network_policy import router_policy
from planning.model import RouterPlan, ServedModel


def router_values(model: ServedModel, router: RouterPlan) -> dict[str, Any]:
    """Values of chart vllm-stack; only what differs from its defaults or must not move with them."""
    selector = ",".join(f"{key}={value}" for key, value in server_selector(model).items())
    return {
        "servingEngineSpec": {"enableEngine": False},
        "routerSpec": {
            "repository": router.repository,
            "tag": router.tag,
            "imagePullPolicy": pull_policy(router.tag),
            "imagePullSecrets": [{"name": name} for name in model.pull_secrets],
            "replicaCount": router.replicas,
            # One more at a time: the default doubles them.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "pdb": {"enabled": True, "maxUnavailable": 1},
            "containerPort": model.port,
            "serviceDiscovery": "k8s",
            "k8sServiceDiscoveryType": "pod-ip",
            "routingLogic": router.logic,
            "extraArgs": ["--k8s-port", str(model.port), "--k8s-label-selector", selector],
            "resources": quantities(router.resources),
            "securityContext": non_root_pod(),
            "containerSecurityContext": restricted_container(),
            "env": [{"name": "HOME", "value": SCRATCH_PATH}],
            "extraVolumes": [{"name": "scratch", "emptyDir": {}}],
            "extraVolumeMounts": [{"name": "scratch", "mountPath": SCRATCH_PATH}],
        },
    }


def beside(model: ServedModel) -> dict[str, Manifest]:
    """The router's policy; its other objects are the chart's."""
    return {"router-policy": router_policy(model, model.router)} if model.router else {}


def _register(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    router = args.model.router
    if router is None:
        raise ValueError(f"{name}: backend production-stack needs a router in the plan")
    servers = register_deployment(name, args, parent)
    policy = k8s.networking.v1.NetworkPolicy(
        f"{name}-router-policy",
        **arguments(beside(args.model)["router-policy"], args.namespace),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    release = k8s.helm.v3.Release(
        f"{name}-router",
        **release_arguments(router.chart, router_release(args.model), router.timeout_seconds),
        namespace=args.namespace,
        values=router_values(args.model, router),
        # Hidden ordering: without its policy it reaches neither the API server nor a server, and is never ready.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
    )
    return ServingWorkload(servers.deployment_name, (*servers.address_after, release))


PRODUCTION_STACK = BackendManifests(deployment, _register, beside)
