"""Every manifest our components write, by a name: what validity and safety tests go through."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import yaml
from helm_python.chart import Chart

from components.cluster.alerts import stack_rules
from components.cluster.dashboards import dashboard_config_map, dashboard_names
from components.cluster.entry import manifests as entry
from components.cluster.external_secrets import secret_store
from components.cluster.gateway.by_model import by_model
from components.cluster.gateway.manifests import (
    backend_policy,
    certificate,
    client_policy,
    gateway,
    gateway_class,
    key_server,
    proxy,
    proxy_policy,
    security_policy,
    session_policy,
    tenant_keys,
)
from components.cluster.gateway.routes import route
from components.cluster.gpu_smoke_test import smoke_test_job
from components.cluster.karpenter.manifests import ec2_node_class, node_overlay, node_pool
from components.cluster.namespace import namespace_manifest, owned_namespace
from components.cluster.network_policies import (
    default_deny,
    external_secrets_policies,
    gpu_operator_policies,
    karpenter_policy,
    keda_policies,
    monitoring_policies,
)
from components.cluster.operators import policies_of
from components.cluster.operators.kubeai import kubeai_budget, kubeai_values
from components.cluster.priority_class import priority_class
from components.cluster.prometheus_stack import grafana_secret, webhook_secret
from components.cluster.spare_nodes import (
    NAMESPACE,
    placeholder_budget,
    placeholders,
    spare_priority_class,
)
from components.cluster.storage_class import gp3_storage_class
from components.cluster.tenant import clients_policy, limit_range, other_priorities, quota, role, role_binding
from components.serving.backends import BACKENDS
from components.serving.manifests.alerts import alert_rules
from components.serving.manifests.chat_template import chat_template
from components.serving.manifests.download import download_job
from components.serving.manifests.external_secret import external_secret
from components.serving.manifests.network_policy import download_policy, server_policy
from components.serving.manifests.pod_monitor import pod_monitor
from components.serving.manifests.rollout import analysis_templates
from components.serving.manifests.scaling import horizontal_pod_autoscaler, recording_rules, scaled_object
from components.serving.manifests.service import (
    download_account,
    pod_disruption_budget,
    service,
    service_account,
    token_secret,
)
from components.serving.manifests.volumes import cache_claim
from local.engine.operators.kubeai.pod import System, server_pod
from local.engine.operators.kubeai.system import system_of
from planning.cluster.kubeai import resource_profile
from planning.model import (
    SPARE_OWNER,
    AddonNetworkPlan,
    BucketPlan,
    EntryPlan,
    GatewayPlan,
    GpuSharingPlan,
    ScalerKind,
    ServedModel,
    TenantPlan,
    WebhookPlan,
)
from tests.components.entries import ENTRIES
from tests.components.gateways import GATEWAYS, shared_out
from tests.components.plans import (
    CANARY_MODEL,
    EXTERNAL_MODEL,
    EXTERNAL_SECRETS,
    FIXED_MODEL,
    GPU_OPERATOR,
    GROUP_MODEL,
    KARPENTER,
    KARPENTER_NODES,
    KEDA,
    KEDA_MODEL,
    KUBEAI,
    MODEL,
    MONITORING,
    OPEN_MODEL,
    OPERATORS,
    SMOKE_TEST,
    SOURCE_MODELS,
    SPARE_NODES,
    TEMPLATE_MODEL,
    VOLUME_MODEL,
    on,
)
from tests.components.promtool import sample_plan
from tests.conftest import REPO

Manifests = dict[str, dict[str, Any]]
MODELS = (MODEL, VOLUME_MODEL, OPEN_MODEL, KEDA_MODEL, FIXED_MODEL, TEMPLATE_MODEL, EXTERNAL_MODEL)
# What makes the server pods of a backend; of `deployment` the rest of the tests speaks.
WORKLOADS = {
    "deployment": "deployment",
    "kserve": "inference-service",
    "ray": "ray-service",
    "production-stack": "deployment",
    "llm-d": "deployment",
    "kubeai": "kubeai-model",
    "aibrix": "deployment",
}
ELSEWHERE = tuple(on(model, backend) for backend in WORKLOADS if backend != "deployment" for model in MODELS)
EVERY_MODEL = (*MODELS, *SOURCE_MODELS, CANARY_MODEL, GROUP_MODEL, *ELSEWHERE)
NETWORK = AddonNetworkPlan(("10.0.0.0/16", "172.20.0.0/16"), ("10.0.0.0/16",), "monitoring", ("keda", "argo-rollouts"))
PROMETHEUS = "http://kube-prometheus-stack-prometheus.monitoring.svc:9090"


def of_platform() -> Manifests:
    """What a stack has once."""
    return {
        "models-namespace": namespace_manifest("models", "models[].namespace"),
        "gpu-operator-namespace": namespace_manifest("gpu-operator", "gpuOperator.namespace"),
        **{
            f"{operator.name}-namespace": namespace_manifest(operator.namespace, operator.setting)
            for operator in OPERATORS
            if operator.kubeai is None
        },
        "kubeai-pdb": kubeai_budget(KUBEAI),
        "external-secrets-namespace": namespace_manifest("external-secrets", "externalSecrets.namespace"),
        "secret-store": secret_store("models", "us-west-2"),
        "default-deny": default_deny("models"),
        "priority-class": priority_class("standard", "dev"),
        "storage-class": gp3_storage_class("gp3"),
        "smoke-test": smoke_test_job(SMOKE_TEST, "gpu-operator"),
        **of_spare_nodes(),
        "grafana-secret": grafana_secret(),
        "webhook-secret": webhook_secret(),
        **{f"dashboard-{name}": dashboard_config_map(name) for name in dashboard_names()},
        **of_karpenter(),
        **{
            f"gateway-{name}-{what}": each for name, plan in GATEWAYS.items() for what, each in of_gateway(plan).items()
        },
        **{f"entry-{name}-{what}": each for name, plan in ENTRIES.items() for what, each in of_entry(plan).items()},
        **of_tenant(),
        **_rules(),
        **_policies(),
    }


def of_spare_nodes() -> Manifests:
    """Of a pool that keeps two nodes free."""
    return {
        "spare-nodes-namespace": owned_namespace(NAMESPACE, SPARE_OWNER),
        "spare-nodes-priority-class": spare_priority_class("dev"),
        "spare-nodes-placeholders": placeholders(SPARE_NODES),
        "spare-nodes-pdb": placeholder_budget(SPARE_NODES),
    }


def of_tenant() -> Manifests:
    """Of a tenant whose people may act, with every limit."""
    limits = ("requests.nvidia.com/gpu", "pods")
    tenant = TenantPlan(
        "search", "search", ("engineers",), "operate", "critical", tuple((name, "3") for name in limits)
    )
    made = [quota, other_priorities, limit_range, role, role_binding, clients_policy]
    return {f"tenant-{render.__name__}": render(tenant) for render in made}


def of_karpenter() -> Manifests:
    """Of a pool that Karpenter buys nodes for: with all that it can have, and with as little as it can."""
    tags = {"project": "vllm-on-eks", "Name": "l4"}
    given: tuple[Any, ...] = ([{"id": "subnet-0123456789abcdef0"}], "sg-0123456789abcdef0", "karpenter-node-1a2b3c4")
    full, nodes = KARPENTER_NODES, KARPENTER_NODES.karpenter
    assert nodes is not None
    few = replace(
        nodes, capacity_types=("on-demand",), capacity_reservation_ids=(), instance_store=None, expire_after_hours=None
    )
    plain = replace(full, name="plain", zones=(), karpenter=few)
    shared = replace(full, sharing=GpuSharingPlan("mps", 2), karpenter=replace(nodes, told_gpus=2))
    overlay = node_overlay(shared)
    assert overlay is not None
    return {
        "karpenter-node-class": ec2_node_class(full, *given, tags),
        "karpenter-node-pool": node_pool(full),
        "karpenter-node-overlay": overlay,
        "karpenter-shared-node-pool": node_pool(shared),
        "karpenter-plain-node-class": ec2_node_class(plain, *given, tags),
        "karpenter-plain-node-pool": node_pool(plain),
    }


def of_gateway(plan: GatewayPlan) -> Manifests:
    """Of the one address in front of all models, with the route of one."""
    made = {
        "class": gateway_class(),
        "gateway": gateway(plan),
        "clients": client_policy(plan),
        "servers": backend_policy(plan),
        "proxies": proxy_policy(plan),
        "envoy": proxy(plan),
        "route": route(MODEL, plan),
        **({"versions": route(MODEL, shared_out(plan))} if not plan.alone else {}),
        "sessions": session_policy(MODEL, plan, "x-user"),
        **by_model(plan),
    }
    if plan.issuer:
        made["certificate"] = certificate(plan)
    if plan.authentication.kind in ("apiKeys", "jwt"):
        made["authentication"] = security_policy(plan)
    made |= key_server(plan)
    if plan.authentication.kind == "apiKeys":
        made["tenant"] = tenant_keys(MODEL, "search-keys")
    return made


def of_entry(plan: EntryPlan) -> Manifests:
    """Of the way in through an Ingress."""
    made = {
        "ingress": entry.ingress(plan),
        "service": entry.service(plan),
        "account": entry.account(plan),
        "policy": entry.proxy_policy(plan),
        "pdb": entry.budget(plan),
        "proxies": entry.proxies(plan),
        "configuration": entry.configuration(plan),
    }
    if plan.gateway.issuer:
        made["certificate"] = certificate(plan.gateway)
    if (restricted := entry.restriction(plan)) is not None:
        made["sources"] = restricted
    return made


def _rules() -> Manifests:
    """Of a planned stack that has every alert."""
    plan = sample_plan()
    assert plan.monitoring is not None
    alerts = {f"{model.name}-alerts": alert_rules(model) for model in plan.models}
    return {"stack-rules": stack_rules(plan.monitoring.alert_groups), **alerts}


def _policies() -> Manifests:
    """The NetworkPolicies of the services' namespaces."""
    policies = [
        *monitoring_policies(replace(MONITORING, network=NETWORK, webhook=WebhookPlan("https://hooks.example.com/x"))),
        *gpu_operator_policies(replace(GPU_OPERATOR, network=NETWORK)),
        *(policy for plan in OPERATORS for policy in policies_of(replace(plan, network=NETWORK))),
        *keda_policies(replace(KEDA, network=NETWORK)),
        *external_secrets_policies(replace(EXTERNAL_SECRETS, network=NETWORK)),
        karpenter_policy(replace(KARPENTER, network=NETWORK), "karpenter"),
    ]
    return {f"policy-{policy['metadata']['namespace']}-{policy['metadata']['name']}": policy for policy in policies}


def workload_of(model: ServedModel) -> str:
    """What makes its server pods, by its name in `of_model`."""
    if model.group:
        return "leader-worker-set"
    return "rollout" if model.canary else WORKLOADS[model.backend]


def of_model(model: ServedModel) -> Manifests:
    """What one model has."""
    made = {
        "service-account": service_account(model),
        "network-policy": server_policy(model),
        workload_of(model): BACKENDS[model.backend].manifest(model, "vllm-model"),
        "service": service(model),
        "pdb": pod_disruption_budget(model),
    }
    made |= BACKENDS[model.backend].beside(model)
    if model.canary:
        for number, template in enumerate(analysis_templates(model, PROMETHEUS), start=1):
            made[f"analysis-{number}"] = template
    if model.autoscaling.kind is ScalerKind.HPA:
        made["hpa"] = horizontal_pod_autoscaler(model)
    if model.autoscaling.kind is ScalerKind.KEDA:
        made["scaled-object"] = scaled_object(model, PROMETHEUS)
    if model.autoscaling.recordings:
        made["recording-rules"] = recording_rules(model)
    if model.token and model.token.config_key:
        made["token-secret"] = token_secret(model, model.token)
    if model.token and model.token.remote:
        made["external-secret"] = external_secret(
            model, model.token.secret_name, model.token.secret_key, model.token.remote
        )
    if model.chat_template is not None and model.kubeai is None:
        made["chat-template"] = chat_template(model)
    if model.monitoring_namespace:
        made["pod-monitor"] = pod_monitor(model)
    if model.cache.kind == "persistentVolume" and isinstance(model.source, BucketPlan):
        made["download-account"] = download_account(model)
    if model.cache.kind == "persistentVolume":
        made["cache"] = cache_claim(model)
        made["download-job"] = download_job(model)
        made["download-policy"] = download_policy(model)
    return made


def everything() -> Manifests:
    """Platform and all sample models on every backend, keys `<model>/<what>` and `<backend>/<model>/<what>`."""
    return of_platform() | {
        f"{case(model)}/{what}": manifest for model in EVERY_MODEL for what, manifest in of_model(model).items()
    }


def case(model: ServedModel) -> str:
    """A sample model in the name of a test or golden."""
    return model.name if model.backend == "deployment" else f"{model.backend}/{model.name}"


def pod_specs() -> Manifests:
    """The pod specs among them."""
    kinds = (*POD_PATHS, "RayService", "Model")
    pods = {what: pod_of(each) for what, each in everything().items() if each["kind"] in kinds}
    heads = {what: each for what, each in everything().items() if each["kind"] == "RayService"}
    pods |= {
        f"{what}/worker": each["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]
        for what, each in everything().items()
        if each["kind"] == "LeaderWorkerSet"
    }
    return pods | {
        f"{what}/head": head["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]
        for what, head in heads.items()
    }


def kubeai_pod(manifest: dict[str, Any]) -> dict[str, Any]:
    """The pod that KubeAI, with our release, makes of a Model."""
    return server_pod(manifest, kubeai_system())


@cache
def kubeai_system() -> System:
    """KubeAI's configuration for all sample models."""
    return system_of(kubeai_config())


@cache
def kubeai_config() -> dict[str, Any]:
    """What the stand-in of its chart writes for it from our values: `system.yaml`."""
    assert KUBEAI.kubeai is not None
    profiles = tuple(resource_profile(on(model, "kubeai")) for model in (*MODELS, *SOURCE_MODELS))
    values = kubeai_values(replace(KUBEAI, kubeai=replace(KUBEAI.kubeai, profiles=profiles)))
    files = Chart.load(REPO / "local" / "charts" / "kubeai").render(values, name="kubeai", namespace="models")
    documents = (document for text in files.values() for document in yaml.safe_load_all(text) if document)
    written = next(each for each in documents if each["metadata"]["name"] == "kubeai-config")
    system: dict[str, Any] = yaml.safe_load(written["data"]["system.yaml"])
    return system


def merged(defaults: Any, ours: Any) -> Any:
    """Values on top of a chart's own, as Helm does it."""
    if not isinstance(defaults, dict) or not isinstance(ours, dict):
        return ours
    return {**defaults, **{key: merged(defaults.get(key), value) for key, value in ours.items()}}


POD_PATHS = {
    "Deployment": ("template", "spec"),
    "Rollout": ("template", "spec"),
    "Job": ("template", "spec"),
    "InferenceService": ("predictor",),
    "LeaderWorkerSet": ("leaderWorkerTemplate", "leaderTemplate", "spec"),
}


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """The pod (spec) that a workload makes; of a RayService a worker's, of a Model KubeAI's, by our stand-in."""
    if manifest["kind"] == "Model":
        by_kubeai: dict[str, Any] = kubeai_pod(manifest)["spec"]
        return by_kubeai
    if manifest["kind"] == "RayService":
        manifest = {"kind": "Job", "spec": manifest["spec"]["rayClusterConfig"]["workerGroupSpecs"][0]}
    spec: dict[str, Any] = manifest["spec"]
    for part in POD_PATHS[manifest["kind"]]:
        spec = spec[part]
    return spec
