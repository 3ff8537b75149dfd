"""The Ray clusters of models on backend ray: their heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.cluster.addon_network import addon_network
from planning.findings import Findings
from planning.model import PodResources, RayPlan, SecretValue, ServedModel
from planning.versions import pins
from settings.stack import StackSettings

# Nothing is computed there: GCS, dashboard and Serve's controller. Ours: the samples of KubeRay have 1 to 2 CPU and
# 2 to 8Gi (ray-operator/config/samples, 2026-11-27).
HEAD = PodResources("1", "4Gi", "10Gi", None, 0)
AUTOSCALER_CPU, AUTOSCALER_MEMORY = "200m", "512Mi"
WORKER_CPUS, INGRESS_CPUS = 4, 0.5
INGRESS_PER_REPLICA = 2
IDLE_SECONDS = 60
LEAST_OLD_CLUSTER_SECONDS = 60


def with_ray(models: Sequence[ServedModel], settings: StackSettings, findings: Findings) -> list[ServedModel]:
    """The models, those of backend ray with the head of their cluster."""
    paths = {model.name: f"models[{index}]" for index, model in enumerate(settings.models)}
    return [_with_ray(model, paths[model.name], settings, findings) for model in models]


def _with_ray(model: ServedModel, path: str, settings: StackSettings, findings: Findings) -> ServedModel:
    if model.backend != "ray":
        return model
    kuberay = settings.kuberay
    redis, password = kuberay.redis, kuberay.redis.password if kuberay.redis else None
    if redis is None and model.autoscaling.min_replicas > 1:
        findings.warning(
            f"{path}.autoscaling.minReplicas",
            "ray-head",
            f"{model.autoscaling.min_replicas} replicas behind one head, which keeps what it knows in memory: when it "
            "ends, all of them start again",
            "write kuberay: {redis: {address: <host>:6379}}, or another backend",
        )
    # One replica alone is stopped before its successor starts (ray 2.56.0 serve/_private/deployment_state.py): a
    # cluster beside it costs a GPU more for a while, and no request.
    alone = model.autoscaling.min_replicas == 1
    if alone and not model.max_surge:
        findings.warning(
            f"{path}.backend",
            "ray-restart",
            "one replica, and no GPU for a second beside it: a changed argument stops it before the new one starts, "
            "and requests are refused meanwhile",
            "give its pool another node (maxNodes), or write autoscaling.minReplicas: 2",
        )
    leaving = model.drain.pre_stop_seconds + model.drain.shutdown_timeout_seconds
    plan = RayPlan(
        version=pins.RAY_LLM.tag.partition("-")[0],
        head=HEAD,
        autoscaler_cpu=AUTOSCALER_CPU,
        autoscaler_memory=AUTOSCALER_MEMORY,
        operator_namespace=kuberay.namespace,
        worker_cpus=WORKER_CPUS,
        ingress_cpus=INGRESS_CPUS,
        most_ingress_replicas=INGRESS_PER_REPLICA * model.autoscaling.max_replicas,
        idle_seconds=IDLE_SECONDS,
        leaving_seconds=leaving,
        old_cluster_seconds=max(LEAST_OLD_CLUSTER_SECONDS, leaving),
        api_server_ranges=addon_network(settings).api_server_ranges,
        redis=redis.address if redis else None,
        redis_password=SecretValue(password.name, password.key) if password else None,
        renewed=alone and model.max_surge > 0,
    )
    return replace(model, ray=plan)
