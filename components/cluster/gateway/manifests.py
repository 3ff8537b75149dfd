"""What Envoy Gateway reads. Pure. Names and fields: Gateway API v1.6.1, and the Envoy Gateway of the pinned chart."""

from __future__ import annotations

from typing import Any

from components.cluster.network_policies import (
    HTTPS,
    blocks,
    name_resolution,
    network_policy,
    pods_of,
    tcp,
    to_the_internet,
)
from components.manifest import Manifest, labels
from planning.model import GatewayPlan, ServedModel

NAME = "models"
CLASS = "vllm-on-eks"
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
GATEWAY_API, ENVOY = "gateway.networking.k8s.io/v1", "gateway.envoyproxy.io/v1alpha1"
MODEL_HEADER = "x-model"
# Envoy listens 10,000 above a port below 1024 (internal/gatewayapi/listener.go, servicePortToContainerPort).
LISTENING = HTTPS + 10_000
# internal/infrastructure/kubernetes/proxy/resource.go, EnvoyAppLabel.
PROXIES = {"app.kubernetes.io/name": "envoy", "app.kubernetes.io/component": "proxy"}
_BALANCER = "service.beta.kubernetes.io/"


def gateway_class() -> Manifest:
    """Cluster-wide: the controller's."""
    return _object("gateway.networking.k8s.io/v1", "GatewayClass", CLASS, None, {"controllerName": CONTROLLER})


def gateway(plan: GatewayPlan) -> Manifest:
    """HTTPS and nothing else, for routes of the models' namespaces; its load balancer lets in who may connect."""
    annotations = {
        f"{_BALANCER}aws-load-balancer-type": "nlb",
        f"{_BALANCER}aws-load-balancer-scheme": "internet-facing" if plan.public else "internal",
        f"{_BALANCER}load-balancer-source-ranges": ",".join(plan.source_ranges),
    }
    if not plan.public:
        annotations[f"{_BALANCER}aws-load-balancer-internal"] = "true"  # the older word for it; both are read
    names = [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(plan.model_namespaces)}]
    listener = {
        "name": "https",
        "protocol": "HTTPS",
        "port": HTTPS,
        "hostname": plan.host,
        "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": plan.certificate_secret}]},
        "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchExpressions": names}}},
    }
    spec = {"gatewayClassName": CLASS, "infrastructure": {"annotations": annotations}, "listeners": [listener]}
    return _object(GATEWAY_API, "Gateway", NAME, plan.namespace, spec)


def certificate(plan: GatewayPlan) -> Manifest:
    """Asked of the issuer; only where one is named."""
    spec = {
        "secretName": plan.certificate_secret,
        "dnsNames": [plan.host],
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": plan.issuer},
    }
    return _object("cert-manager.io/v1", "Certificate", NAME, plan.namespace, spec)


def client_policy(plan: GatewayPlan) -> Manifest:
    """Towards clients: TLS 1.2 and newer; a connection may be as old as an answer is long, and idle for a minute."""
    spec = {
        "targetRefs": [_gateway_ref()],
        "tls": {"minVersion": "1.2"},
        "timeout": {"http": {"idleTimeout": "60s", "requestReceivedTimeout": "60s"}},
        "headers": {"withUnderscoresAction": "RejectRequest"},
        "path": {"escapedSlashesAction": "RejectRequest"},
    }
    return _object(ENVOY, "ClientTrafficPolicy", NAME, plan.namespace, spec)


def backend_policy(plan: GatewayPlan) -> Manifest:
    """Towards servers. Again only what no server has begun: a pod that leaves refuses, and another one is asked."""
    spec = {
        "targetRefs": [_gateway_ref()],
        "requestBuffer": {"limit": f"{plan.max_body_mib}Mi"},
        "timeout": {"http": {"requestTimeout": f"{plan.request_timeout_seconds}s"}},
        "retry": {
            "numRetries": 2,
            "retryOn": {"triggers": ["connect-failure", "refused-stream", "reset-before-request"]},
        },
    }
    return _object(ENVOY, "BackendTrafficPolicy", NAME, plan.namespace, spec)


def security_policy(plan: GatewayPlan) -> Manifest:
    """Who may ask: only where that is not everybody who can connect."""
    wanted = plan.authentication
    spec: dict[str, Any] = {"targetRefs": [_gateway_ref()]}
    if wanted.kind == "apiKeys":
        spec["apiKeyAuth"] = {
            "credentialRefs": [{"kind": "Secret", "name": wanted.secret}],
            "extractFrom": [{"headers": ["Authorization"]}],  # Envoy takes "Bearer " off
            "sanitize": True,
        }
    else:
        provider = {
            "name": "tokens",
            "issuer": wanted.issuer,
            "audiences": list(wanted.audiences),
            "remoteJWKS": {"uri": wanted.jwks_uri},
        }
        spec["jwt"] = {"providers": [provider]}
    return _object(ENVOY, "SecurityPolicy", NAME, plan.namespace, spec)


def proxy_policy(plan: GatewayPlan) -> Manifest:
    """The proxies: HTTPS from who may connect; to models, and to the identity provider's keys."""
    models = [{"to": [pods_of(namespace)], "ports": tcp(plan.port)} for namespace in plan.model_namespaces]
    keys = [to_the_internet()] if plan.authentication.kind == "jwt" else []
    asked = [{"from": blocks(plan.source_ranges), "ports": tcp(LISTENING)}]
    return network_policy("proxies", plan.namespace, dict(PROXIES), asked, [name_resolution(), *models, *keys])


def route(model: ServedModel, plan: GatewayPlan) -> Manifest:
    """Paths that are on the list, to one model: by the header x-model, or by its name before the path.

    Gateway API matches no bodies, so the request's own `model` does not choose. The stack's only model needs neither.
    """
    only = plan.alone == model.name
    plain = []
    for path in plan.paths:
        header = {"type": "Exact", "name": MODEL_HEADER, "value": model.served_name}
        plain.append({"path": {"type": "Exact", "value": path}, **({} if only else {"headers": [header]})})
    rules = [_to(model, plan, {"matches": plain})]
    for path in plan.paths:
        rewritten = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": path}}}
        match = {"path": {"type": "Exact", "value": f"/{model.name}{path}"}}
        rules.append(_to(model, plan, {"matches": [match], "filters": [rewritten]}))
    spec = {
        "parentRefs": [{"name": NAME, "namespace": plan.namespace, "sectionName": "https"}],
        "hostnames": [plan.host],
        "rules": rules,
    }
    return _object(GATEWAY_API, "HTTPRoute", model.name, model.namespace, spec)


def _to(model: ServedModel, plan: GatewayPlan, rule: dict[str, Any]) -> dict[str, Any]:
    timeouts = {"request": f"{plan.request_timeout_seconds}s"}
    return {**rule, "backendRefs": [{"name": model.name, "port": model.port}], "timeouts": timeouts}


def _gateway_ref() -> dict[str, str]:
    return {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": NAME}


def _object(api_version: str, kind: str, name: str, namespace: str | None, spec: dict[str, Any]) -> Manifest:
    place = {} if namespace is None else {"namespace": namespace}
    metadata = {"name": name, **place, "labels": labels("gateway", name, "gateway")}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
