"""NetworkPolicies of the namespaces that the stack's services live in: closed, and opened for what each one does.

Every namespace of ours is closed (`default_deny`). A new pod is not yet: the VPC CNI puts policies in force in parallel
with its start, and in the standard mode everything is allowed for those seconds, in the strict mode nothing
(`cluster.networkPolicyMode`, planning/cluster/policy_mode.py). Inside one, its own pods talk to each other; out of it
go name resolution and the API server; and what else there is stands here by service. Pods on the node's own network
(node-exporter) have no policy. The kubelet's probes and a port-forward come from the pod's own node and always arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import Manifest, arguments
from planning.cluster.addon_network import NOT_PUBLIC
from planning.model import (
    OTLP_PORT,
    OWN_LABELS,
    PROMETHEUS_PORT,
    AddonNetworkPlan,
    ClusterAutoscalerPlan,
    ExistingPrometheusPlan,
    ExternalSecretsPlan,
    GpuOperatorPlan,
    KarpenterPlan,
    KedaPlan,
    MonitoringPlan,
    OperatorPlan,
    TracingPlan,
)

NAMESPACE_NAME = "kubernetes.io/metadata.name"  # set by the API server, it cannot be claimed
APP_NAME = "app.kubernetes.io/name"
COLLECTOR_APP = "opentelemetry-collector"  # what its chart calls its pods (_helpers.tpl: the chart's name)
LINK_LOCAL = "169.254.0.0/16"
# https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html, 2026-11-27.
POD_IDENTITY_AGENT = "169.254.170.23/32"
HTTPS = 443
# Ports of the charts in planning/versions/pins.py as their values set them, read 2026-11-27.
OPERATOR_WEBHOOK, ADAPTER_API, KUBELET, NODE_EXPORTER = 10250, 6443, 10250, 9100
GPU_OPERATOR_METRICS, DCGM_METRICS = 8080, 9400
KEDA_API, KEDA_WEBHOOK, KEDA_METRICS = 6443, 9443, 8080
AUTOSCALER_METRICS, KARPENTER_METRICS, EXTERNAL_SECRETS_METRICS = 8085, 8080, 8080

Rule = dict[str, Any]


def network_policy(
    name: str, namespace: str, pods: dict[str, str], ingress: Iterable[Rule] = (), egress: Iterable[Rule] = ()
) -> Manifest:
    """Openings for the pods with these labels; {} is all of the namespace. What is not opened here stays as it is."""
    rules = {"ingress": list(ingress), "egress": list(egress)}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(OWN_LABELS)},
        "spec": {
            "podSelector": {"matchLabels": pods} if pods else {},
            "policyTypes": [way.capitalize() for way, rules_of_way in rules.items() if rules_of_way],
            **{way: rules_of_way for way, rules_of_way in rules.items() if rules_of_way},
        },
    }


def default_deny(namespace: str) -> Manifest:
    """Nothing in, nothing out, for every pod of the namespace, unforeseen ones included."""
    policy = network_policy("default-deny", namespace, {})
    policy["spec"] = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return policy


def tcp(*ports: int) -> list[dict[str, Any]]:
    """TCP ports of a rule."""
    return [{"protocol": "TCP", "port": port} for port in ports]


def pods_of(namespace: str, **labels: str) -> dict[str, Any]:
    """A peer: the pods of a namespace, all or those with labels (`name="prometheus"` is app.kubernetes.io/name)."""
    peer: dict[str, Any] = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: namespace}}}
    if labels:
        peer["podSelector"] = {"matchLabels": {f"app.kubernetes.io/{key}": value for key, value in labels.items()}}
    return peer


def prometheus_pods(namespace: str, existing: ExistingPrometheusPlan | None) -> dict[str, Any]:
    """A peer: the pods of Prometheus, ours or those of one that exists."""
    peer = pods_of(namespace, name="prometheus")
    return {**peer, "podSelector": {"matchLabels": existing.pod_labels}} if existing else peer


def to_prometheus(network: AddonNetworkPlan) -> list[Rule]:
    """Queries; none in a stack without monitoring."""
    if network.monitoring_namespace is None:
        return []
    port = network.prometheus.port if network.prometheus else PROMETHEUS_PORT
    return [{"to": [prometheus_pods(network.monitoring_namespace, network.prometheus)], "ports": tcp(port)}]


def blocks(ranges: Iterable[str], but: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Peers: blocks of addresses, without others."""
    left_out = {"except": list(but)} if but else {}
    return [{"ipBlock": {"cidr": cidr, **left_out}} for cidr in ranges]


def name_resolution() -> Rule:
    """To CoreDNS."""
    dns = {**pods_of("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    return {"to": [dns], "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}


def to_the_internet(port: int = HTTPS) -> Rule:
    """HTTPS to public addresses: nothing in the VPC, the cluster and the node."""
    return {"to": blocks(["0.0.0.0/0"], NOT_PUBLIC), "ports": tcp(port)}


def to_pod_identity() -> Rule:
    """To the agent on the node that gives a pod its role."""
    return {"to": blocks([POD_IDENTITY_AGENT]), "ports": tcp(80)}


def from_prometheus(network: AddonNetworkPlan, *ports: int) -> list[Rule]:
    if network.monitoring_namespace is None or not ports:
        return []
    return [{"from": [prometheus_pods(network.monitoring_namespace, network.prometheus)], "ports": tcp(*ports)}]


def within(namespace: str, network: AddonNetworkPlan) -> Manifest:
    """What all pods of a service need: each other, names, the API server."""
    return network_policy(
        "within",
        namespace,
        {},
        ingress=[{"from": [{"podSelector": {}}]}],
        egress=[
            {"to": [{"podSelector": {}}]},
            name_resolution(),
            {"to": blocks(network.api_server_ranges), "ports": tcp(HTTPS)},
        ],
    )


def from_api_server(namespace: str, network: AddonNetworkPlan, *ports: int) -> Manifest:
    """Webhooks and aggregated APIs: the API server asks from addresses in the VPC."""
    asked = {"from": blocks(network.node_ranges), "ports": tcp(*ports)}
    return network_policy("from-api-server", namespace, {}, ingress=[asked])


def monitoring_policies(plan: MonitoringPlan) -> list[Manifest]:
    """Prometheus scrapes everywhere and is asked by who scales and rolls out by it; Alertmanager tells one webhook."""
    namespace, network = plan.namespace, plan.network
    scrapes: list[Rule] = [
        {"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP"}]},  # each monitor names a port of its own
        {"to": blocks(network.node_ranges), "ports": tcp(KUBELET, NODE_EXPORTER)},
    ]
    clients = [{"from": [pods_of(client)], "ports": tcp(PROMETHEUS_PORT)} for client in network.prometheus_clients]
    policies = [
        default_deny(namespace),
        within(namespace, network),
        from_api_server(namespace, network, OPERATOR_WEBHOOK, ADAPTER_API),
        network_policy("prometheus", namespace, {APP_NAME: "prometheus"}, ingress=clients, egress=scrapes),
    ]
    if plan.webhook:
        receiver = {"to": blocks(["0.0.0.0/0"], [LINK_LOCAL]), "ports": _webhook_ports(plan.webhook.url)}
        policies.append(network_policy("alertmanager", namespace, {APP_NAME: "alertmanager"}, egress=[receiver]))
    return policies


def adapter_policies(plan: MonitoringPlan) -> list[Manifest]:
    """The adapter beside a Prometheus that exists: the API server asks it, and it asks Prometheus."""
    namespace, network = plan.namespace, plan.network
    return [
        default_deny(namespace),
        within(namespace, network),
        from_api_server(namespace, network, ADAPTER_API),
        network_policy("prometheus", namespace, {}, egress=to_prometheus(network)),
    ]


def _webhook_ports(url: str | None) -> list[dict[str, Any]]:
    """The address' port. A secret address may have any: it is not known here."""
    if url is None:
        return [{"protocol": "TCP"}]
    parts = urlsplit(url)
    return tcp(parts.port or (HTTPS if parts.scheme == "https" else 80))


def gpu_operator_policies(plan: GpuOperatorPlan) -> list[Manifest]:
    """Operands talk to the API server; Prometheus asks the operator and the DCGM exporter."""
    metrics = from_prometheus(plan.network, GPU_OPERATOR_METRICS, DCGM_METRICS)
    policies = [default_deny(plan.namespace), within(plan.namespace, plan.network)]
    return [*policies, network_policy("metrics", plan.namespace, {}, ingress=metrics)] if metrics else policies


def keda_policies(plan: KedaPlan) -> list[Manifest]:
    """The API server asks for metrics and admission; KEDA asks Prometheus, and Prometheus KEDA."""
    namespace, network = plan.namespace, plan.network
    policies = [
        default_deny(namespace),
        within(namespace, network),
        from_api_server(namespace, network, KEDA_API, KEDA_WEBHOOK),
    ]
    if network.monitoring_namespace:
        metrics = from_prometheus(network, KEDA_METRICS)
        policies.append(network_policy("prometheus", namespace, {}, ingress=metrics, egress=to_prometheus(network)))
    return policies


def operator_policies(plan: OperatorPlan) -> list[Manifest]:
    """The API server asks its webhooks; it asks the API server, and Prometheus and models' pods as its row says."""
    policies = [default_deny(plan.namespace), within(plan.namespace, plan.network)]
    if plan.tracing:
        policies.append(_collector(plan.namespace, plan.tracing))
    if plan.webhook_ports:
        policies.append(from_api_server(plan.namespace, plan.network, *plan.webhook_ports))
    if plan.pod_ports:
        asks = {"to": [{"namespaceSelector": {}}], "ports": tcp(*plan.pod_ports)}
        policies.append(network_policy("pods", plan.namespace, {}, egress=[asks]))
    scraped = from_prometheus(plan.network, *plan.metrics_ports)
    asked = to_prometheus(plan.network) if plan.asks_prometheus else []
    if scraped or asked:
        policies.append(network_policy("prometheus", plan.namespace, {}, ingress=scraped, egress=asked))
    return policies


def to_collector(plan: TracingPlan) -> list[Rule]:
    """Spans out of a server, and the collector's name."""
    return [name_resolution(), {"to": [pods_of(plan.namespace, name=COLLECTOR_APP)], "ports": tcp(OTLP_PORT)}]


def _collector(namespace: str, plan: TracingPlan) -> Manifest:
    """Spans in from servers, and out to where they are kept: one Service, or an address outside on one port."""
    kept = [pods_of(plan.export_namespace)] if plan.export_namespace else blocks(["0.0.0.0/0"], [LINK_LOCAL])
    asked = {"from": [pods_of(namespace) for namespace in plan.model_namespaces], "ports": tcp(OTLP_PORT)}
    sent = {"to": kept, "ports": tcp(plan.export_port)}
    return network_policy("spans", namespace, {APP_NAME: COLLECTOR_APP}, ingress=[asked], egress=[sent])


def external_secrets_policies(plan: ExternalSecretsPlan) -> list[Manifest]:
    """The operator asks the API server and Secrets Manager; only Prometheus asks it: it has no webhook."""
    namespace = plan.namespace
    return [
        default_deny(namespace),
        within(namespace, plan.network),
        network_policy(
            "secrets-manager",
            namespace,
            {},
            ingress=from_prometheus(plan.network, EXTERNAL_SECRETS_METRICS),
            egress=to_aws(),
        ),
    ]


def to_aws() -> list[Rule]:
    """AWS' endpoints, in public or in the VPC, and the agent that gives a pod its role."""
    return [
        {"to": blocks(["0.0.0.0/0"], [LINK_LOCAL]), "ports": tcp(HTTPS)},
        to_pod_identity(),
    ]


def cluster_autoscaler_policy(plan: ClusterAutoscalerPlan, release: str) -> Manifest:
    """Of one pod in kube-system, see `_buys_nodes`."""
    return _buys_nodes(plan.namespace, plan.network, release, AUTOSCALER_METRICS)


def karpenter_policy(plan: KarpenterPlan, release: str) -> Manifest:
    """Of the controller's pods in kube-system, see `_buys_nodes`."""
    return _buys_nodes(plan.namespace, plan.network, release, KARPENTER_METRICS)


def _buys_nodes(namespace: str, network: AddonNetworkPlan, release: str, metrics: int) -> Manifest:
    """Of a release in a namespace that is not ours to close: names, the API server and AWS, and its credentials."""
    out = [name_resolution(), *to_aws()]
    policy = network_policy(
        release,
        namespace,
        {"app.kubernetes.io/instance": release},
        ingress=from_prometheus(network, metrics),
        egress=out,
    )
    policy["spec"]["policyTypes"] = ["Ingress", "Egress"]
    return policy


def register_policies(
    name: str, policies: Iterable[Manifest], namespace: pulumi.Input[str] | None, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """One resource per policy, called after the service and the policy."""
    return [
        k8s.networking.v1.NetworkPolicy(
            f"{name}-{policy['metadata']['name']}", **arguments(policy, namespace), opts=opts
        )
        for policy in policies
    ]
