"""Backend `ray`: a RayService per model: a Ray cluster of its own, in which Ray Serve LLM runs the vLLM engines.

KubeRay makes a head and workers of it, Ray Serve puts one replica on each worker, and Ray's own autoscaler moves both.
A worker's pod is the one of every backend (download, cache, environment, resources, tolerations, security); what
`ray start` leaves no room for is said to Ray: the arguments become `engine_kwargs`, the drain Serve's time-outs.
Our Service is the model's address: it goes by the workers' labels and by a readiness that asks the model itself.
Read in ray-project/kuberay v1.5.0 and v1.7.0 (controllers/ray/common/pod.go) and ray 2.56.0 (llm/_internal/serve).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.images import pull_policy, pull_secrets
from components.manifest import WAIT_READY, Manifest, arguments, custom_resource
from components.pods import SCRATCH_PATH, quantities, scratch_volume
from components.security import non_root_pod, restricted_container
from components.serving.backends.ray_beside import DASHBOARD, HEAD, METRICS, beside, head_labels, head_name, ray_plan
from components.serving.backends.ray_serve_config import serve_config
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs
from components.serving.manifests.deployment import pod, pod_annotations
from components.serving.manifests.names import metadata, server_labels
from planning.model import RayPlan, ServedModel

WORKERS = "gpu"
# Of the head, where it keeps what it knows.
GCS = 6379
ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "USER": "ray", "HOME": SCRATCH_PATH}


def ray_service(model: ServedModel, priority_class: pulumi.Input[str]) -> Manifest:
    """The RayService. Another cluster comes up beside the old one when pods change (NewCluster); changed arguments are
    rolled out by Serve inside of it, unless the plan has them change the pods.
    """
    ray = ray_plan(model)
    config = json.dumps(serve_config(model, ray), indent=2) + "\n"
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {**metadata(model), "annotations": dict(WAIT_READY)},
        "spec": {
            # The head has no replica: a request through it would be a hop more.
            "excludeHeadPodFromServeSvc": True,
            # The old cluster's requests end first.
            "rayClusterDeletionDelaySeconds": ray.old_cluster_seconds,
            "upgradeStrategy": {"type": "NewCluster"},
            "serveConfigV2": config,
            "rayClusterConfig": _cluster(model, ray, _digest(config) if ray.renewed else {}, priority_class),
        },
    }


def _digest(config: str) -> dict[str, str]:
    """Another pod for every other config."""
    return {"vllm-on-eks/serve-config": sha256(config.encode()).hexdigest()[:16]}


def _cluster(
    model: ServedModel, ray: RayPlan, digest: dict[str, str], priority_class: pulumi.Input[str]
) -> dict[str, Any]:
    plan = model.autoscaling
    cluster: dict[str, Any] = {
        "rayVersion": ray.version,
        "headGroupSpec": _head(model, ray, priority_class),
        "workerGroupSpecs": [
            {
                "groupName": WORKERS,
                "replicas": plan.min_replicas,
                "minReplicas": plan.min_replicas,
                "maxReplicas": plan.max_replicas,
                "rayStartParams": {"num-cpus": str(ray.worker_cpus), "num-gpus": str(model.resources.gpus)},
                "template": {
                    "metadata": {"labels": server_labels(model), "annotations": pod_annotations(model) | digest},
                    "spec": _worker(model, ray, priority_class),
                },
            }
        ],
    }
    if plan.fixed_replicas is None:
        cluster["enableInTreeAutoscaling"] = True
        cluster["autoscalerOptions"] = {
            "upscalingMode": "Default",
            "idleTimeoutSeconds": ray.idle_seconds,
            "resources": _autoscaler_resources(ray),
            "securityContext": _restricted(model),
            "env": _as_list(ENVIRONMENT),
            "volumeMounts": [_scratch()],
        }
    if ray.redis is not None:
        cluster["gcsFaultToleranceOptions"] = _outside(ray)
    return cluster


def _autoscaler_resources(ray: RayPlan) -> dict[str, Any]:
    amounts = {"cpu": ray.autoscaler_cpu, "memory": ray.autoscaler_memory}
    return {"requests": amounts, "limits": dict(amounts)}


def _outside(ray: RayPlan) -> dict[str, Any]:
    """The head's memory, where it outlives the head. Clusters do not meet there: KubeRay names each by its id."""
    options: dict[str, Any] = {"redisAddress": f"redis://{ray.redis}"}
    if ray.redis_password is not None:
        key = {"name": ray.redis_password.secret_name, "key": ray.redis_password.secret_key}
        options["redisPassword"] = {"valueFrom": {"secretKeyRef": key}}
    return options


def _head(model: ServedModel, ray: RayPlan, priority_class: pulumi.Input[str]) -> dict[str, Any]:
    """On a node without GPU; nothing is computed there."""
    ports = {"gcs-server": GCS, "dashboard": DASHBOARD, "serve": model.port, "metrics": METRICS}
    return {
        "rayStartParams": {"num-cpus": "0", "num-gpus": "0", "dashboard-host": "0.0.0.0"},
        "template": {
            "metadata": {"labels": head_labels(model)},
            "spec": {
                "serviceAccountName": head_name(model),
                # Ray's autoscaler, a container of this pod, makes and takes workers by the API server.
                "automountServiceAccountToken": model.autoscaling.fixed_replicas is None,
                "enableServiceLinks": False,
                **pull_secrets(model.pull_secrets),
                "priorityClassName": priority_class,
                "securityContext": non_root_pod(model.user_id, model.group_id),
                "containers": [
                    {
                        "name": HEAD,
                        "image": model.image,
                        "imagePullPolicy": pull_policy(model.image),
                        "env": _as_list(ENVIRONMENT),
                        "ports": [{"name": name, "containerPort": port} for name, port in ports.items()],
                        "resources": quantities(ray.head),
                        "volumeMounts": [_scratch()],
                        "terminationMessagePolicy": "FallbackToLogsOnError",
                        "securityContext": _restricted(model),
                    }
                ],
                "volumes": [scratch_volume()],
            },
        },
    }


def _worker(model: ServedModel, ray: RayPlan, priority_class: pulumi.Input[str]) -> dict[str, Any]:
    """The pod of every backend. KubeRay writes its command and arguments, and a liveness probe of Ray's own."""
    spec = pod(model, priority_class)
    (server,) = spec["containers"]
    own = ("args", "startupProbe", "livenessProbe")
    environment = [variable for variable in server["env"] if variable["name"] not in ENVIRONMENT]
    worker = {
        **{key: value for key, value in server.items() if key not in own},
        "name": "ray-worker",
        "env": [*environment, *_as_list(ENVIRONMENT)],
        "ports": [*server["ports"], {"name": "metrics", "containerPort": METRICS, "protocol": "TCP"}],
        # Ray says that it is well long before a model is loaded: this asks the model, through the pod's own proxy.
        "readinessProbe": {
            **server["readinessProbe"],
            "httpGet": {"path": "/v1/models", "port": "http", "scheme": "HTTP"},
        },
        # SIGTERM ends Ray at once: until then what runs may finish, and nothing new comes.
        "lifecycle": {"preStop": {"sleep": {"seconds": ray.leaving_seconds}}},
    }
    return {**spec, "containers": [worker]}


def _restricted(model: ServedModel) -> dict[str, Any]:
    return restricted_container(model.user_id, model.group_id)


def _scratch() -> dict[str, Any]:
    return {"name": scratch_volume()["name"], "mountPath": SCRATCH_PATH}


def _as_list(environment: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in environment.items()]


def _register(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    model, made = args.model, beside(args.model)
    child = pulumi.ResourceOptions(parent=parent)
    account = k8s.core.v1.ServiceAccount(
        f"{name}-head-account", **arguments(made["head-account"], args.namespace), opts=child
    )
    policies = [
        k8s.networking.v1.NetworkPolicy(f"{name}-{what}", **arguments(made[what], args.namespace), opts=child)
        for what in ("worker-policy", "head-policy")
    ]
    if "head-monitor" in made:
        custom_resource(
            f"{name}-head-monitor",
            made["head-monitor"],
            namespace=args.namespace,
            # Hidden ordering: the kind comes with a release.
            opts=pulumi.ResourceOptions(parent=parent, depends_on=list(args.monitors_after)),
        )
    wait = f"{model.rollout_timeout_seconds}s"
    service = custom_resource(
        f"{name}-ray-service",
        ray_service(model, args.priority_class),
        namespace=args.namespace,
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Hidden ordering: as of a Deployment; the head's account and policies it names only as text; and the kind
            # and its controller come with a release.
            depends_on=[*args.before, account, *policies],
            custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait, delete=wait),
        ),
    )
    return ServingWorkload(service.metadata["name"], (service,))


RAY = BackendManifests(ray_service, _register, beside)
