"""Backend `llm-d`: the Deployment of backend `deployment` as an InferencePool behind a gateway that the cluster has.

llm-d's endpoint picker says to the gateway, request by request, which server gets it: by the prefix that it has cached,
its queue and its KV cache. The objects are those of llm-d-router's chart (llm-d-router-gateway v0.10.0); the chart
itself gives the picker no security context, so namespaces with Pod Security `restricted`, as ours are, refuse its pod.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml

from components.cluster.network_policies import HTTPS, blocks, name_resolution, pods_of, tcp
from components.images import pull_policy, pull_secrets
from components.manifest import Manifest, arguments, custom_resource, labels, selector
from components.pods import quantities
from components.security import non_root_pod, restricted_container
from components.serving.backends.deployment import register as register_deployment
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs
from components.serving.manifests.deployment import deployment
from components.serving.manifests.names import APP, server_selector
from planning.model import PickerPlan, ServedModel

POOLS = "inference.networking.k8s.io"
RBAC = "rbac.authorization.k8s.io"
PICKER = "endpoint-picker"
# llm-d-router v0.10.0 pkg/epp/server/options.go; metrics are on 9090, which nothing here asks.
PICK_PORT, HEALTH_PORT = 9002, 9003
# Of its image (Dockerfile.epp).
USER_ID = 65532
CONFIG_PATH, CONFIG_FILE = "/config", "picker.yaml"
READS = ["get", "list", "watch"]


def beside(model: ServedModel) -> dict[str, Manifest]:
    """The pool, its picker, and the way from the gateway to it."""
    plan = model.picker
    if plan is None:
        return {}
    return {
        "picker-account": _object("v1", "ServiceAccount", model, automountServiceAccountToken=False),
        "picker-role": _object(f"{RBAC}/v1", "Role", model, rules=_rules()),
        "picker-binding": _binding(model),
        "picker-config": _object("v1", "ConfigMap", model, data={CONFIG_FILE: _config(plan)}),
        "picker-policy": _policy(model, plan),
        "picker-service": _service(model),
        "pool": _pool(model, plan),
        "picker-pdb": _budget(model),
        "picker": _picker(model, plan),
        "pool-route": _route(model, plan),
    }


def _name(model: ServedModel) -> str:
    return f"{model.name}-picker"


def _selector(model: ServedModel) -> dict[str, str]:
    return selector(APP, model.name, PICKER)


def _object(api_version: str, kind: str, model: ServedModel, name: str | None = None, **parts: Any) -> Manifest:
    described = {
        "name": name or _name(model),
        "namespace": model.namespace,
        "labels": labels(APP, model.name, PICKER),
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": described, **parts}


def _config(plan: PickerPlan) -> str:
    """Scorers by weight, and what reads /metrics of the servers for them (the chart's default-plugins.yaml)."""
    scorers = [{"pluginRef": name, "weight": weight} for name, weight in plan.scorers.items()]
    document = {
        "apiVersion": "llm-d.ai/v1alpha1",
        "kind": "EndpointPickerConfig",
        "plugins": [
            *({"type": name} for name in plan.scorers),
            {"type": "metrics-data-source", "parameters": {"scheme": "http", "path": "/metrics"}},
            {"type": "core-metrics-extractor"},
        ],
        "schedulingProfiles": [{"name": "default", "plugins": scorers}],
    }
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text


def _rules() -> list[dict[str, Any]]:
    """To read what the chart's Roles let it read, and no more: no authentication of metrics, no leases."""
    return [
        {"apiGroups": [""], "resources": ["pods"], "verbs": READS},
        {"apiGroups": [POOLS], "resources": ["inferencepools"], "verbs": READS},
        {
            "apiGroups": ["llm-d.ai", "inference.networking.x-k8s.io"],
            "resources": ["inferenceobjectives", "inferencemodelrewrites"],
            "verbs": READS,
        },
    ]


def _binding(model: ServedModel) -> Manifest:
    return _object(
        f"{RBAC}/v1",
        "RoleBinding",
        model,
        subjects=[{"kind": "ServiceAccount", "name": _name(model), "namespace": model.namespace}],
        roleRef={"apiGroup": RBAC, "kind": "Role", "name": _name(model)},
    )


def _policy(model: ServedModel, plan: PickerPlan) -> Manifest:
    """In: the gateway's proxies. Out: the servers' metrics, names, and the API server, which tells it the servers."""
    spec = {
        "podSelector": {"matchLabels": _selector(model)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [pods_of(plan.gateway_namespace)], "ports": tcp(PICK_PORT)}],
        "egress": [
            {"to": [{"podSelector": {"matchLabels": server_selector(model)}}], "ports": tcp(model.port)},
            name_resolution(),
            {"to": blocks(plan.api_server_ranges), "ports": tcp(HTTPS)},
        ],
    }
    return _object("networking.k8s.io/v1", "NetworkPolicy", model, spec=spec)


def _service(model: ServedModel) -> Manifest:
    port = {"name": "grpc-ext-proc", "port": PICK_PORT, "targetPort": "grpc", "protocol": "TCP"}
    ports = [{**port, "appProtocol": "kubernetes.io/h2c"}]
    spec = {"type": "ClusterIP", "selector": _selector(model), "ports": ports}
    return _object("v1", "Service", model, spec=spec)


def _budget(model: ServedModel) -> Manifest:
    """One of one may leave: a drain that waited for it would wait forever."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": _selector(model)}}
    return _object(
        "policy/v1", "PodDisruptionBudget", model, spec={**spec, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    )


def _pool(model: ServedModel, plan: PickerPlan) -> Manifest:
    spec = {
        "selector": {"matchLabels": server_selector(model)},
        "targetPorts": [{"number": model.port}],
        "appProtocol": "http",
        "endpointPickerRef": {
            "name": _name(model),
            "port": {"number": PICK_PORT},
            "failureMode": plan.failure_mode,
        },
    }
    return _object(f"{POOLS}/v1", "InferencePool", model, model.name, spec=spec)


def _route(model: ServedModel, plan: PickerPlan) -> Manifest:
    """From /<model>/v1 of the gateway to the pool; the paths beside /v1 that vLLM leaves open have no way in."""
    rewritten = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1"}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"/{model.name}/v1"}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": {"path": rewritten}}],
        "backendRefs": [{"group": POOLS, "kind": "InferencePool", "name": model.name}],
        "timeouts": {"request": f"{plan.request_timeout_seconds}s"},
    }
    parent = {"name": plan.gateway, "namespace": plan.gateway_namespace}
    spec = {"parentRefs": [parent], "rules": [rule]}
    return _object("gateway.networking.k8s.io/v1", "HTTPRoute", model, f"{model.name}-pool", spec=spec)


def _picker(model: ServedModel, plan: PickerPlan) -> Manifest:
    """One pod: a second would only stand by (leader election); `failureMode` says what is done while there is none."""
    described = {
        "labels": labels(APP, model.name, PICKER),
        # It reads its configuration once.
        "annotations": {"vllm-on-eks/configuration": sha256(_config(plan).encode()).hexdigest()[:16]},
    }
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": _selector(model)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {
            "metadata": described,
            "spec": {
                "serviceAccountName": _name(model),
                # Alone among the model's pods it asks the API server: which pods are servers, and are they ready.
                "automountServiceAccountToken": True,
                "enableServiceLinks": False,
                **pull_secrets(model.pull_secrets),
                "terminationGracePeriodSeconds": plan.grace_seconds,
                "securityContext": non_root_pod(USER_ID, USER_ID),
                "containers": [_container(model, plan)],
                "volumes": [{"name": "config", "configMap": {"name": _name(model)}}],
            },
        },
    }
    return _object("apps/v1", "Deployment", model, spec=spec)


def _container(model: ServedModel, plan: PickerPlan) -> dict[str, Any]:
    probe = {"grpc": {"port": HEALTH_PORT, "service": "inference-extension"}}
    return {
        "name": "epp",
        "image": plan.image,
        "imagePullPolicy": pull_policy(plan.image),
        "args": [
            f"--pool-name={model.name}",
            f"--pool-namespace={model.namespace}",
            f"--pool-group={POOLS}",
            "--zap-encoder=json",
            f"--config-file={CONFIG_PATH}/{CONFIG_FILE}",
            f"--grpc-health-port={HEALTH_PORT}",
            "--tracing=false",
        ],
        "ports": [
            {"name": "grpc", "containerPort": PICK_PORT},
            {"name": "grpc-health", "containerPort": HEALTH_PORT},
        ],
        "livenessProbe": {**probe, "initialDelaySeconds": 5, "periodSeconds": 10},
        "readinessProbe": {**probe, "periodSeconds": 2},
        "resources": quantities(plan.resources),
        "securityContext": restricted_container(USER_ID, USER_ID),
        "volumeMounts": [{"name": "config", "mountPath": CONFIG_PATH, "readOnly": True}],
    }


def _register(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    if args.model.picker is None:
        raise ValueError(f"{name}: backend llm-d needs a picker in the plan")
    servers = register_deployment(name, args, parent)
    made = beside(args.model)

    def ours(what: str, kind: Any, *after: pulumi.Resource) -> pulumi.Resource:
        opts = pulumi.ResourceOptions(parent=parent, depends_on=list(after))
        resource: pulumi.Resource = kind(f"{name}-{what}", **arguments(made[what], args.namespace), opts=opts)
        return resource

    def custom(what: str, *after: pulumi.Resource) -> pulumi.Resource:
        opts = pulumi.ResourceOptions(parent=parent, depends_on=list(after))
        resource: pulumi.Resource = custom_resource(f"{name}-{what}", made[what], namespace=args.namespace, opts=opts)
        return resource

    role = ours("picker-role", k8s.rbac.v1.Role)
    account = ours("picker-account", k8s.core.v1.ServiceAccount)
    before = [
        # Hidden ordering: it is ready only when it may read its pool, and the pool is there; both are named as text.
        ours("picker-binding", k8s.rbac.v1.RoleBinding, role, account),
        ours("picker-config", k8s.core.v1.ConfigMap),
        ours("picker-policy", k8s.networking.v1.NetworkPolicy),
        ours("picker-service", k8s.core.v1.Service),
        custom("pool"),
    ]
    ours("picker-pdb", k8s.policy.v1.PodDisruptionBudget)
    picker = ours("picker", k8s.apps.v1.Deployment, *before)
    # Hidden ordering: no request before the picker runs, and no route after.
    custom("pool-route", picker)
    return servers


LLM_D = BackendManifests(deployment, _register, beside)
