"""`Tenant`: what a team may use in its namespace, and who of it may do what there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.network_policies import name_resolution
from components.manifest import Manifest, arguments
from planning.model import OWN_LABELS, PRIORITY_CLASSES, TenantPlan

NAME = "tenant"
# Classes that Kubernetes makes itself; pods with them are evicted last of all.
SYSTEM_CLASSES = ("system-cluster-critical", "system-node-critical")
# What a container that says nothing is given: with a quota on cores or memory it would be refused otherwise.
DEFAULT_REQUEST = {"cpu": "100m", "memory": "128Mi"}
DEFAULT_LIMIT = {"memory": "512Mi"}

READ = ("get", "list", "watch")
WRITE = (*READ, "create", "update", "patch", "delete")
# By API group. Secrets are in none: `view` of EKS and of Kubernetes leaves them out for the same reason.
LOOK = {
    "": (
        *("configmaps", "endpoints", "events", "limitranges", "persistentvolumeclaims", "pods", "pods/log"),
        *("pods/status", "replicationcontrollers", "resourcequotas", "serviceaccounts", "services"),
    ),
    "apps": ("daemonsets", "deployments", "replicasets", "statefulsets"),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("cronjobs", "jobs"),
    "discovery.k8s.io": ("endpointslices",),
    "events.k8s.io": ("events",),
    "networking.k8s.io": ("ingresses", "networkpolicies"),
    "policy": ("poddisruptionbudgets",),
    "external-secrets.io": ("externalsecrets", "secretstores"),
    "keda.sh": ("scaledobjects",),
    "monitoring.coreos.com": ("podmonitors", "prometheusrules", "servicemonitors"),
}
# Quotas, limits, roles, service accounts and network policies stay the stack's: they are what holds tenants apart.
ACT = {
    "": ("configmaps", "pods", "secrets", "services"),
    "apps": ("deployments", "statefulsets"),
    "batch": ("cronjobs", "jobs"),
}


def quota(tenant: TenantPlan) -> Manifest:
    """Hard limits of all pods and volumes of the namespace."""
    return _object("v1", "ResourceQuota", NAME, tenant, spec={"hard": dict(tenant.quota)})


def other_priorities(tenant: TenantPlan) -> Manifest:
    """No pod of another priority than the tenant's: with a higher one it would evict others' models."""
    own = PRIORITY_CLASSES[tenant.priority]
    others = [*(name for name in PRIORITY_CLASSES.values() if name != own), *SYSTEM_CLASSES]
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": others}
    spec = {"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": [scope]}}
    return _object("v1", "ResourceQuota", f"{NAME}-other-priorities", tenant, spec=spec)


def limit_range(tenant: TenantPlan) -> Manifest:
    """Requests and limits of containers that say none."""
    limits = [{"type": "Container", "defaultRequest": dict(DEFAULT_REQUEST), "default": dict(DEFAULT_LIMIT)}]
    return _object("v1", "LimitRange", NAME, tenant, spec={"limits": limits})


def role(tenant: TenantPlan) -> Manifest:
    """What the tenant's people may do in the namespace."""
    rules = [_rule(group, resources, READ) for group, resources in LOOK.items()]
    if tenant.access == "operate":
        rules += [_rule(group, resources, WRITE) for group, resources in ACT.items()]
        rules.append(_rule("", ("pods/portforward", "services/proxy"), ("get", "create")))
    return _object("rbac.authorization.k8s.io/v1", "Role", NAME, tenant, rules=rules)


def role_binding(tenant: TenantPlan) -> Manifest:
    """The role, for the tenant's groups."""
    group = "rbac.authorization.k8s.io"
    return _object(
        f"{group}/v1",
        "RoleBinding",
        NAME,
        tenant,
        roleRef={"apiGroup": group, "kind": "Role", "name": NAME},
        subjects=[{"apiGroup": group, "kind": "Group", "name": name} for name in tenant.groups],
    )


def clients_policy(tenant: TenantPlan) -> Manifest:
    """The tenant's own pods find and reach each other and its models, nothing else; ours have policies of their own."""
    part_of = "app.kubernetes.io/part-of"
    ours = {"key": part_of, "operator": "NotIn", "values": [OWN_LABELS[part_of]]}
    spec = {
        "podSelector": {"matchExpressions": [ours]},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {}}]}],
        "egress": [{"to": [{"podSelector": {}}]}, name_resolution()],
    }
    return _object("networking.k8s.io/v1", "NetworkPolicy", f"{NAME}-clients", tenant, spec=spec)


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _object(api_version: str, kind: str, name: str, tenant: TenantPlan, **body: Any) -> Manifest:
    labels = {**OWN_LABELS, "vllm-on-eks/tenant": tenant.name}
    metadata = {"name": name, "namespace": tenant.namespace, "labels": labels}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


@dataclass(frozen=True)
class TenantArgs:
    """`namespace`: the tenant's, as its Namespace resource names it."""

    tenant: TenantPlan
    namespace: pulumi.Input[str]


class Tenant(pulumi.ComponentResource):
    """`limits`: what has to be there before the first pod of the namespace, or that pod is not counted."""

    limits: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Tenant", name, None, opts)
        child, tenant, namespace = pulumi.ResourceOptions(parent=self), args.tenant, args.namespace
        self.limits = (
            k8s.core.v1.ResourceQuota(f"{name}-quota", **arguments(quota(tenant), namespace), opts=child),
            k8s.core.v1.ResourceQuota(
                f"{name}-other-priorities", **arguments(other_priorities(tenant), namespace), opts=child
            ),
            k8s.core.v1.LimitRange(f"{name}-limits", **arguments(limit_range(tenant), namespace), opts=child),
        )
        k8s.networking.v1.NetworkPolicy(f"{name}-clients", **arguments(clients_policy(tenant), namespace), opts=child)
        if tenant.groups:
            k8s.rbac.v1.Role(f"{name}-role", **arguments(role(tenant), namespace), opts=child)
            k8s.rbac.v1.RoleBinding(f"{name}-binding", **arguments(role_binding(tenant), namespace), opts=child)
        self.register_outputs({"namespace": namespace})
