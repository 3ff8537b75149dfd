"""The Ingress, what restricts it, and the proxies behind it. Pure."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pulumi

from components.cluster.entry.envoy import CA_PATH, READY, READY_PATH, REQUESTS, bootstrap
from components.cluster.entry.routes import paths
from components.cluster.gateway.manifests import NAME
from components.cluster.network_policies import (
    blocks,
    name_resolution,
    network_policy,
    pods_of,
    tcp,
    to_the_internet,
)
from components.images import pull_policy, pull_secrets
from components.manifest import Manifest, labels, selector
from components.pods import HOSTNAME, quantities
from components.security import non_root_pod, restricted_container
from planning.model import SAID_CONTROLLER, EntryPlan

APP, COMPONENT = "gateway", "proxy"
CONFIG_PATH, CONFIG_FILE = "/etc/envoy/config", "envoy.json"
# Of the image (distroless).
USER_ID = 65532
# Not every controller writes into an Ingress where it is reached, which the provider would wait for.
NOT_AWAITED = {"pulumi.com/skipAwait": "true"}
_READS_AT_START = "vllm-on-eks/configuration"


def ingress(plan: EntryPlan, certificate_arn: pulumi.Input[str] | None = None) -> Manifest:
    """One host, TLS, and each path exactly as written; whatever else is asked, the controller answers 404.

    `certificate_arn`: of the certificate that the stack makes, where it makes one.
    """
    gateway = plan.gateway
    rules = [{"path": path, "pathType": "Exact", "backend": _backend()} for path in paths(plan)]
    tls: dict[str, Any] = {"hosts": [gateway.host]}
    if gateway.certificate_secret:
        tls["secretName"] = gateway.certificate_secret
    spec = {
        "ingressClassName": plan.ingress.class_name,
        "tls": [tls],
        "rules": [{"host": gateway.host, "http": {"paths": rules}}],
    }
    made = _object("networking.k8s.io/v1", "Ingress", plan, spec=spec)
    waiting = {} if plan.ingress.awaited else NOT_AWAITED
    certificate = {plan.new_certificate.annotation: certificate_arn} if plan.new_certificate else {}
    own = {SAID_CONTROLLER: plan.ingress.controller, **waiting}
    made["metadata"]["annotations"] = {**plan.ingress.annotations, **certificate, **own}
    return made


def _backend() -> dict[str, Any]:
    return {"service": {"name": NAME, "port": {"name": "http"}}}


def restriction(plan: EntryPlan) -> Manifest | None:
    """What lets in who may connect, where the controller has a kind of its own for it."""
    kind = plan.ingress.restriction
    return _object(kind.api_version, kind.kind, plan, **kind.fields) if kind else None


def configuration(plan: EntryPlan) -> Manifest:
    """What Envoy reads at its start."""
    return _object("v1", "ConfigMap", plan, data={CONFIG_FILE: _text(plan)})


def service(plan: EntryPlan) -> Manifest:
    """Where the controller finds the proxies."""
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    made = _object("v1", "Service", plan, spec={"selector": _selector(), "ports": ports})
    if plan.ingress.service_annotations:
        made["metadata"]["annotations"] = dict(plan.ingress.service_annotations)
    return made


def account(plan: EntryPlan) -> Manifest:
    """An identity without a token: the proxies ask no API server."""
    return _object("v1", "ServiceAccount", plan, automountServiceAccountToken=False)


def budget(plan: EntryPlan) -> Manifest:
    """A drain of a node takes one proxy at a time; the only one, too: what it carries ends first, what comes then waits
    for the next."""
    spec = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": _selector()},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return _object("policy/v1", "PodDisruptionBudget", plan, spec=spec)


def proxies(plan: EntryPlan) -> Manifest:
    """Envoy's pods. One that is told to end goes on for as long as an answer may take, with no new requests."""
    gateway = plan.gateway
    spread = {
        "maxSkew": 1,
        "topologyKey": HOSTNAME,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": _selector()},
    }
    volumes: list[dict[str, Any]] = [{"name": "config", "configMap": {"name": NAME}}]
    if gateway.authentication.jwks_ca:
        volumes.append({"name": "keys-ca", "configMap": {"name": gateway.authentication.jwks_ca}})
    pod = {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": plan.grace_seconds,
        **pull_secrets(plan.pull_secrets),
        "securityContext": non_root_pod(USER_ID, USER_ID),
        "topologySpreadConstraints": [spread],
        "containers": [_container(plan)],
        "volumes": volumes,
    }
    described = {
        "labels": labels(APP, NAME, COMPONENT),
        "annotations": {_READS_AT_START: sha256(_text(plan).encode()).hexdigest()[:16]},
    }
    spec = {
        "replicas": gateway.proxies,
        "selector": {"matchLabels": _selector()},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": described, "spec": pod},
    }
    return _object("apps/v1", "Deployment", plan, spec=spec)


def _container(plan: EntryPlan) -> dict[str, Any]:
    mounts = [{"name": "config", "mountPath": CONFIG_PATH, "readOnly": True}]
    if plan.gateway.authentication.jwks_ca:
        mounts.append({"name": "keys-ca", "mountPath": CA_PATH, "readOnly": True})
    image = plan.gateway.proxy_image
    return {
        "name": "envoy",
        "image": image,
        "imagePullPolicy": pull_policy(image),
        "args": ["-c", f"{CONFIG_PATH}/{CONFIG_FILE}", "--disable-hot-restart", "--log-level", "warning"],
        "ports": [{"name": "http", "containerPort": REQUESTS}, {"name": "ready", "containerPort": READY}],
        "readinessProbe": {**_asked(), "periodSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {**_asked(), "initialDelaySeconds": 10, "periodSeconds": 10},
        "lifecycle": {"preStop": {"sleep": {"seconds": plan.leaving_seconds}}},
        "resources": quantities(plan.resources),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(USER_ID, USER_ID),
        "volumeMounts": mounts,
    }


def _asked() -> dict[str, Any]:
    return {"httpGet": {"path": READY_PATH, "port": "ready"}}


def proxy_policy(plan: EntryPlan) -> Manifest:
    """Requests from the controller's pods, or from a load balancer's addresses, which looks at their health, too; out
    to models, and to the identity provider's keys."""
    gateway, tokens = plan.gateway, plan.gateway.authentication
    asked = [{"from": [pods_of(namespace) for namespace in plan.callers], "ports": tcp(REQUESTS)}]
    if plan.caller_ranges:
        asked = [{"from": blocks(plan.caller_ranges), "ports": tcp(REQUESTS, READY)}]
    ports: dict[str, set[int]] = {}
    for model in plan.models:
        ports.setdefault(model.namespace, set()).add(model.port)
    models = [{"to": [pods_of(namespace)], "ports": tcp(*sorted(ports[namespace]))} for namespace in sorted(ports)]
    keys = [to_the_internet(tokens.jwks_port)] if tokens.kind == "jwt" else []
    if tokens.jwks_ranges:
        keys.append({"to": blocks(tokens.jwks_ranges), "ports": tcp(tokens.jwks_port)})
    return network_policy("proxies", gateway.namespace, _selector(), asked, [name_resolution(), *models, *keys])


def _text(plan: EntryPlan) -> str:
    return json.dumps(bootstrap(plan), separators=(",", ":"), sort_keys=True)


def _selector() -> dict[str, str]:
    return selector(APP, NAME, COMPONENT)


def _object(api_version: str, kind: str, plan: EntryPlan, **fields: Any) -> Manifest:
    metadata = {"name": NAME, "namespace": plan.gateway.namespace, "labels": labels(APP, NAME, COMPONENT)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
