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
    plan = RayPlan(
        version=pins.RAY_LLM.tag.partition("-")[0],
        head=HEAD,
        operator_namespace=kuberay.namespace,
        api_server_ranges=addon_network(settings).api_server_ranges,
        redis=redis.address if redis else None,
        redis_password=SecretValue(password.name, password.key) if password else None,
    )
    return replace(model, ray=plan)
