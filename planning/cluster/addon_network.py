"""Who has to reach whom among the stack's services: what their namespaces are opened for."""

from __future__ import annotations

from ipaddress import ip_network

from planning.model import AddonNetworkPlan, ExistingPrometheusPlan
from settings.addresses import PRIVATE_RANGES
from settings.cluster import CreateCluster, CreateNetwork
from settings.stack import StackSettings

# EKS takes the Services' addresses of a new cluster from the one that the VPC does not overlap
# (docs.aws.amazon.com/eks, KubernetesNetworkConfigRequest, 2026-11-27).
SERVICE_RANGES = ("10.100.0.0/16", "172.20.0.0/16")
# The ranges of an existing VPC are not known here, and it may have public ones.
ANYWHERE = ("0.0.0.0/0",)


def existing_prometheus(settings: StackSettings) -> ExistingPrometheusPlan | None:
    """An existing Prometheus, where the stack uses one."""
    existing = settings.monitoring.existing
    if existing is None:
        return None
    return ExistingPrometheusPlan(
        namespace=existing.namespace,
        service=existing.service,
        port=existing.port,
        path=existing.path,
        pod_labels=existing.pod_labels,
        monitor_labels=existing.monitor_labels,
        rule_labels=existing.rule_labels,
        dashboard_labels=existing.dashboard_labels if existing.dashboards else None,
        dashboard_namespace=existing.dashboard_namespace,
    )


def prometheus_namespace(settings: StackSettings) -> str | None:
    """Where Prometheus' pods are; None in a stack without monitoring."""
    monitoring = settings.monitoring
    if not monitoring.enabled:
        return None
    return monitoring.existing.namespace if monitoring.existing else monitoring.namespace


def addon_network(settings: StackSettings) -> AddonNetworkPlan:
    """The API server's and nodes' addresses, and the namespaces that ask each other."""
    ours = isinstance(settings.cluster, CreateCluster)
    if ours and isinstance(settings.network, CreateNetwork):
        api_server: tuple[str, ...] = (settings.network.cidr, *SERVICE_RANGES)
    else:
        api_server = ANYWHERE
    keda = any(model.autoscaling.kind == "keda" for model in settings.models)
    canary = any(model.rollout.kind == "canary" for model in settings.models)
    asking = {
        settings.keda.namespace: keda,
        settings.argo_rollouts.namespace: canary,
        settings.open_cost.namespace: settings.open_cost.install,
    }
    clients = [namespace for namespace, asks in asking.items() if asks]
    return AddonNetworkPlan(
        api_server_ranges=api_server,
        node_ranges=api_server[:1],
        monitoring_namespace=prometheus_namespace(settings),
        prometheus=existing_prometheus(settings),
        prometheus_clients=tuple(clients),
    )


# A pod that may go out to the internet still reaches no pod, and not the node's own addresses.
NOT_PUBLIC = tuple(sorted((*PRIVATE_RANGES, "169.254.0.0/16"), key=ip_network))
