"""A program of models wired as a stack wires them, and what it registered."""

from __future__ import annotations

import pulumi

from components.cluster.gpu_smoke_test import GpuSmokeTest, GpuSmokeTestArgs
from components.cluster.keda import Keda, KedaArgs
from components.cluster.namespace import ModelNamespace, ModelNamespaceArgs
from components.cluster.operators import Operator, OperatorArgs
from components.cluster.priority_class import ModelPriorityClass, ModelPriorityClassArgs
from components.cluster.prometheus_stack import PrometheusStack, PrometheusStackArgs
from components.serving import ServingWiring, serve
from planning.model import ServedModel
from tests.components.plans import KEDA, MONITORING, OPERATORS, SMOKE_TEST
from tests.components.rendered import PROMETHEUS
from tests.engine import Engine, Registration, record

# Which manifest of tests/components/rendered.py a registered type holds.
TYPES = {
    "service-account": "kubernetes:core/v1:ServiceAccount",
    "deployment": "kubernetes:apps/v1:Deployment",
    "leader-worker-set": "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet",
    "rollout": "kubernetes:argoproj.io/v1alpha1:Rollout",
    "analysis-1": "kubernetes:argoproj.io/v1alpha1:AnalysisTemplate",
    "analysis-2": "kubernetes:argoproj.io/v1alpha1:AnalysisTemplate",
    "inference-service": "kubernetes:serving.kserve.io/v1beta1:InferenceService",
    "ray-service": "kubernetes:ray.io/v1:RayService",
    "kubeai-model": "kubernetes:kubeai.org/v1:Model",
    "head-account": "kubernetes:core/v1:ServiceAccount",
    "head-monitor": "kubernetes:monitoring.coreos.com/v1:PodMonitor",
    "worker-policy": "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "head-policy": "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "picker-account": "kubernetes:core/v1:ServiceAccount",
    "picker-role": "kubernetes:rbac.authorization.k8s.io/v1:Role",
    "picker-binding": "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    "picker-config": "kubernetes:core/v1:ConfigMap",
    "picker-policy": "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "picker-service": "kubernetes:core/v1:Service",
    "picker-pdb": "kubernetes:policy/v1:PodDisruptionBudget",
    "picker": "kubernetes:apps/v1:Deployment",
    "pool": "kubernetes:inference.networking.k8s.io/v1:InferencePool",
    "pool-route": "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
    "router-policy": "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "service": "kubernetes:core/v1:Service",
    "pdb": "kubernetes:policy/v1:PodDisruptionBudget",
    "hpa": "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "scaled-object": "kubernetes:keda.sh/v1alpha1:ScaledObject",
    "recording-rules": "kubernetes:monitoring.coreos.com/v1:PrometheusRule",
    "pod-monitor": "kubernetes:monitoring.coreos.com/v1:PodMonitor",
    "cache": "kubernetes:core/v1:PersistentVolumeClaim",
    "chat-template": "kubernetes:core/v1:ConfigMap",
    "download-job": "kubernetes:batch/v1:Job",
}


def program(*models: ServedModel) -> None:
    """Models wired as a stack wires them."""
    namespace = ModelNamespace("models", ModelNamespaceArgs("models"))
    stack = PrometheusStack("monitoring", PrometheusStackArgs(MONITORING, "p"))
    smoke = GpuSmokeTest("smoke", GpuSmokeTestArgs(SMOKE_TEST, "gpu-operator"))
    wiring = ServingWiring(
        namespaces={"models": namespace.name},
        priority_classes={"standard": ModelPriorityClass("priority", ModelPriorityClassArgs("dev")).class_name},
        hf_tokens={"hfToken": pulumi.Output.secret("hf_canary")},
        gpus_after={"gpu": (smoke,)},
        monitors_after=(stack,),
        keda_after=(Keda("keda", KedaArgs(KEDA)),),
        prometheus_url=PROMETHEUS,
        cluster_name="dev",
        tags={"stack": "dev"},
        operators_after={
            plan.name: Operator(plan.name, OperatorArgs(plan, (), namespace.name if plan.kubeai else None)).ready
            for plan in OPERATORS
        },
    )
    for model in models:
        serve(model, wiring)


_RECORDED: dict[str, Engine] = {}
"""Each program's record by its models, which a record depends on alone; many tests look at the same one."""


def recorded(*models: ServedModel) -> Engine:
    """What `program` registers; read it, do not change it: it is the same for all who ask for these models."""
    key = repr(models)
    if key not in _RECORDED:
        _RECORDED[key] = record(lambda: program(*models))
    return _RECORDED[key]


def only(engine: Engine, what: str, instance: str) -> Registration:
    registrations = [r for r in engine.all(TYPES[what]) if r.inputs["metadata"]["name"].startswith(instance)]
    (one,) = [r for r in registrations if len(registrations) == 1 or r.inputs["metadata"]["name"] == instance]
    return one
