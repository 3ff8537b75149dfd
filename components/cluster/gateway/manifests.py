"""What Envoy Gateway reads. Pure. Names and fields: Gateway API v1.6.1, and the Envoy Gateway of the pinned chart."""

from __future__ import annotations

from typing import Any

from components.cluster.gateway import balancer
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
from planning.model import CLIENT_HEADER, GatewayPlan, ServedModel

NAME = "models"
CLASS = "vllm-on-eks"
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
GATEWAY_API, ENVOY = "gateway.networking.k8s.io/v1", "gateway.envoyproxy.io/v1alpha1"
MODEL_HEADER = "x-model"
# Which version, for who wants always the same one: a name out of models[].versions.
VERSION_HEADER = "x-version"
# Envoy listens 10,000 above a port below 1024 (internal/gatewayapi/listener.go, servicePortToContainerPort).
LISTENING = HTTPS + 10_000
# internal/infrastructure/kubernetes/proxy/resource.go, EnvoyAppLabel.
PROXIES = {"app.kubernetes.io/name": "envoy", "app.kubernetes.io/component": "proxy"}
_KEY_SERVER = {"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "keys"}
_TOKENS = "tokens"
# Envoy takes a token without exp for good forever, and limits by subject do not count one without sub.
_CLAIMS = f"metadata.filter_metadata['envoy.filters.http.jwt_authn']['{_TOKENS}']"
_WHOLE_TOKEN = f"'exp' in {_CLAIMS} && 'sub' in {_CLAIMS}"


def gateway_class() -> Manifest:
    """Cluster-wide: the controller's."""
    return gateway_object("gateway.networking.k8s.io/v1", "GatewayClass", CLASS, None, {"controllerName": CONTROLLER})


def gateway(plan: GatewayPlan) -> Manifest:
    """HTTPS and nothing else, for routes of the models' namespaces; its load balancer lets in who may connect."""
    inside = sorted({*plan.model_namespaces, plan.namespace})
    names = [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": inside}]
    listener = {
        "name": "https",
        "protocol": "HTTPS",
        "port": HTTPS,
        "hostname": plan.host,
        "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": plan.certificate_secret}]},
        "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchExpressions": names}}},
    }
    proxies = {"group": ENVOY.partition("/")[0], "kind": "EnvoyProxy", "name": NAME}
    infrastructure = {"annotations": balancer.balancer_annotations(plan), "parametersRef": proxies}
    spec = {"gatewayClassName": CLASS, "infrastructure": infrastructure, "listeners": [listener]}
    return gateway_object(GATEWAY_API, "Gateway", NAME, plan.namespace, spec)


def proxy(plan: GatewayPlan) -> Manifest:
    """Envoy's pods: how many, how long they end what they carry, and that a body is read before a key.

    Which key counts is said by the route, and which route by the body.
    """
    before = {"apiKeys": "envoy.filters.http.api_key_auth", "jwt": "envoy.filters.http.jwt_authn"}
    order = before.get(plan.authentication.kind)
    kubernetes = {
        "envoyDeployment": {"replicas": plan.proxies, "container": {"image": plan.proxy_image}},
        "envoyPDB": {"minAvailable": 1 if plan.proxies > 1 else 0},
        **balancer.service(plan),
    }
    spec: dict[str, Any] = {
        "provider": {"type": "Kubernetes", "kubernetes": kubernetes},
        "shutdown": {"drainTimeout": f"{plan.request_timeout_seconds}s"},
    }
    if order and not plan.alone:
        spec["filterOrder"] = [{"name": "envoy.filters.http.lua", "before": order}]
    return gateway_object(ENVOY, "EnvoyProxy", NAME, plan.namespace, spec)


def certificate(plan: GatewayPlan) -> Manifest:
    """Asked of the issuer; only where one is named."""
    spec = {
        "secretName": plan.certificate_secret,
        "dnsNames": [plan.host],
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": plan.issuer},
    }
    return gateway_object("cert-manager.io/v1", "Certificate", NAME, plan.namespace, spec)


def client_policy(plan: GatewayPlan) -> Manifest:
    """Towards clients: TLS 1.2 and newer; a stream may be silent for as long as an answer may take: its first token
    waits in the queue."""
    tls: dict[str, Any] = {"minVersion": "1.2"}
    if plan.authentication.kind == "mtls":
        tls["clientValidation"] = {"caCertificateRefs": [{"kind": "Secret", "name": plan.authentication.secret}]}
    times = {
        "idleTimeout": f"{plan.idle_seconds}s",
        "requestReceivedTimeout": f"{plan.idle_seconds}s",
        "streamIdleTimeout": f"{plan.request_timeout_seconds}s",
    }
    spec = {
        "targetRefs": [named("Gateway", NAME)],
        "tls": tls,
        "timeout": {"http": times},
        # A body is read whole, by which it is routed and out of which it is sent again.
        "connection": {"bufferLimit": f"{plan.max_body_mib}Mi"},
        "headers": {"withUnderscoresAction": "RejectRequest"},
        "path": {"escapedSlashesAction": "RejectRequest"},
    }
    return gateway_object(ENVOY, "ClientTrafficPolicy", NAME, plan.namespace, spec)


def backend_policy(plan: GatewayPlan) -> Manifest:
    """Towards servers, of all models."""
    spec = {"targetRefs": [named("Gateway", NAME)], **_towards_servers(plan)}
    return gateway_object(ENVOY, "BackendTrafficPolicy", NAME, plan.namespace, spec)


def session_policy(model: ServedModel, plan: GatewayPlan, header: str) -> Manifest:
    """Towards a model's servers, in the place of `backend_policy`: by a hash of the header, the version, too (Envoy
    Gateway 1.9.0, internal/xds/translator/route.go, UseHashPolicy). Requests without it go anywhere."""
    spec = {
        "targetRefs": [named("HTTPRoute", model.name)],
        **_towards_servers(plan),
        "loadBalancer": {
            "type": "ConsistentHash",
            "consistentHash": {"type": "Headers", "headers": [{"name": header}]},
        },
    }
    return gateway_object(ENVOY, "BackendTrafficPolicy", model.name, model.namespace, spec)


def _towards_servers(plan: GatewayPlan) -> dict[str, Any]:
    """Another one is asked until the first byte of an answer: a pod that leaves refuses, one that is killed resets, one
    that has no room says 503. An answer that has begun is never asked for again."""
    longest = f"{plan.request_timeout_seconds}s"
    spec: dict[str, Any] = {
        "requestBuffer": {"limit": f"{plan.max_body_mib}Mi"},
        "timeout": {"http": {"requestTimeout": longest, "streamIdleTimeout": longest}},
        # Else a server that ends is asked while others load, and answers 200 without a token.
        "healthCheck": {"panicThreshold": plan.least_ready_percent},
    }
    if plan.retries:
        first, longest_wait = (duration(milliseconds) for milliseconds in plan.retry_milliseconds)
        triggers = ["connect-failure", "refused-stream", "reset", "retriable-status-codes"]
        spec["retry"] = {
            "numRetries": plan.retries,
            "retryOn": {"triggers": triggers, "httpStatusCodes": [503]},
            "perRetry": {"backOff": {"baseInterval": first, "maxInterval": longest_wait}},
        }
    if plan.requests_per_minute:
        spec["rateLimit"] = {"type": "Local", "local": {"rules": [_limit(plan)]}}
    return spec


def duration(milliseconds: int) -> str:
    """As Gateway API writes one."""
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def _limit(plan: GatewayPlan) -> dict[str, Any]:
    """Of each who asks, as it is known: by key or token, else by address."""
    if plan.authentication.kind in ("apiKeys", "jwt"):
        who: dict[str, Any] = {"headers": [{"name": CLIENT_HEADER, "type": "Distinct"}]}
    else:
        who = {"sourceCIDR": {"type": "Distinct", "value": "0.0.0.0/0"}}
    return {"clientSelectors": [who], "limit": {"requests": plan.requests_per_minute, "unit": "Minute"}}


def security_policy(plan: GatewayPlan) -> Manifest:
    """Who may ask: only where not every client that connects may."""
    authentication = plan.authentication
    spec: dict[str, Any] = {"targetRefs": [named("Gateway", NAME)]}
    if authentication.kind == "apiKeys":
        spec["apiKeyAuth"] = _keys_of(str(authentication.secret))
    else:
        provider = {
            "name": _TOKENS,
            "issuer": authentication.issuer,
            "audiences": list(authentication.audiences),
            "remoteJWKS": {"uri": authentication.jwks_uri, "backendRefs": [_KEY_SERVER]},
            "claimToHeaders": [{"claim": "sub", "header": CLIENT_HEADER}],
        }
        spec["jwt"] = {"providers": [provider]}
        whole = {"name": "whole-tokens", "action": "Allow", "cel": _WHOLE_TOKEN}
        spec["authorization"] = {"defaultAction": "Deny", "rules": [whole]}
    return gateway_object(ENVOY, "SecurityPolicy", NAME, plan.namespace, spec)


def key_server(plan: GatewayPlan) -> dict[str, Manifest]:
    """Where the public keys of tokens are, and whose certificate is taken there; nothing without tokens.

    An address alone is no check: of what has no policy Envoy Gateway looks at the signer of the certificate and not at
    the name in it (of the pinned chart, internal/xds/translator/jwt.go, buildXdsUpstreamTLSSocket), so that anybody's
    certificate passes.
    """
    tokens = plan.authentication
    if tokens.kind != "jwt":
        return {}
    endpoint = {"fqdn": {"hostname": tokens.jwks_host, "port": tokens.jwks_port}}
    signer: dict[str, Any] = {"wellKnownCACertificates": "System"}
    if tokens.jwks_ca:
        signer = {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": tokens.jwks_ca}]}
    spec = {"targetRefs": [_KEY_SERVER], "validation": {"hostname": tokens.jwks_host, **signer}}
    name, namespace = _KEY_SERVER["name"], plan.namespace
    return {
        "keys-trust": gateway_object(GATEWAY_API, "BackendTLSPolicy", name, namespace, spec),
        "keys": gateway_object(ENVOY, "Backend", name, namespace, {"endpoints": [endpoint]}),
    }


def tenant_keys(model: ServedModel, secret: str) -> Manifest:
    """The keys of the tenant that owns a model, instead of the gateway's."""
    spec = {"targetRefs": [named("HTTPRoute", model.name)], "apiKeyAuth": _keys_of(secret)}
    return gateway_object(ENVOY, "SecurityPolicy", model.name, model.namespace, spec)


def _keys_of(secret: str) -> dict[str, Any]:
    return {
        "credentialRefs": [{"kind": "Secret", "name": secret}],
        "extractFrom": [{"headers": ["Authorization"]}],  # Envoy takes "Bearer " off
        "forwardClientIDHeader": CLIENT_HEADER,
        "sanitize": True,
    }


def proxy_policy(plan: GatewayPlan) -> Manifest:
    """The proxies: HTTPS from who may connect, health from load balancers; to models, and to a provider's keys."""
    models = [{"to": [pods_of(namespace)], "ports": tcp(plan.port)} for namespace in plan.model_namespaces]
    tokens = plan.authentication
    keys = [to_the_internet(tokens.jwks_port)] if tokens.kind == "jwt" else []
    if tokens.jwks_ranges:
        keys.append({"to": blocks(tokens.jwks_ranges), "ports": tcp(tokens.jwks_port)})
    asked = [{"from": blocks(plan.source_ranges), "ports": tcp(LISTENING)}]
    if plan.balancer:
        asked.append({"from": blocks(plan.balancer.ranges), "ports": tcp(balancer.READY)})
    return network_policy("proxies", plan.namespace, dict(PROXIES), asked, [name_resolution(), *models, *keys])


def named(kind: str, name: str) -> dict[str, str]:
    """An object of Gateway API, as policies name their targets."""
    return {"group": "gateway.networking.k8s.io", "kind": kind, "name": name}


def parent(plan: GatewayPlan) -> dict[str, str]:
    """The Gateway's only listener, as routes name it."""
    return {"name": NAME, "namespace": plan.namespace, "sectionName": "https"}


def gateway_object(api_version: str, kind: str, name: str, namespace: str | None, spec: dict[str, Any]) -> Manifest:
    """One object with our labels; without namespace: cluster-wide."""
    place = {} if namespace is None else {"namespace": namespace}
    metadata = {"name": name, **place, "labels": labels("gateway", name, "gateway")}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
