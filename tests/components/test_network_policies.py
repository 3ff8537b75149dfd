"""Namespaces of the stack's services are closed, and opened for what each service does and nothing else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.cluster.load_balancers import load_balancer_policies
from components.cluster.network_policies import (
    LINK_LOCAL,
    cluster_autoscaler_policy,
    external_secrets_policies,
    gpu_operator_policies,
    karpenter_policy,
    keda_policies,
    monitoring_policies,
    operator_policies,
)
from planning.model import AddonNetworkPlan, WebhookPlan
from tests.components.plans import (
    EXTERNAL_SECRETS,
    GPU_OPERATOR,
    KARPENTER,
    KEDA,
    LOAD_BALANCER_CONTROLLER,
    MONITORING,
    OPERATORS,
)
from tests.conftest import REPO
from tests.golden import as_yaml, assert_matches
from tests.planning.stacks import model, planned, pool
from tests.program import STACKS, ours

GOLDENS = REPO / "tests/components/goldens"
NETWORK = AddonNetworkPlan(
    ("10.0.0.0/16", "10.100.0.0/16", "172.20.0.0/16"),
    ("10.0.0.0/16",),
    "monitoring",
    prometheus_clients=("keda", "argo-rollouts"),
)
WEBHOOK = WebhookPlan("https://hooks.example.com/x")
METADATA = ipaddress.ip_address("169.254.169.254")


def services() -> dict[str, list[dict[str, Any]]]:
    scaler = planned("dev", nodePools=[pool(maxNodes=4)]).cluster_autoscaler
    assert scaler is not None
    return {
        "monitoring": monitoring_policies(replace(MONITORING, network=NETWORK, webhook=WEBHOOK)),
        "gpu-operator": gpu_operator_policies(replace(GPU_OPERATOR, network=NETWORK)),
        "keda": keda_policies(replace(KEDA, network=NETWORK)),
        "cluster-autoscaler": [cluster_autoscaler_policy(replace(scaler, network=NETWORK), "cluster-autoscaler")],
        "karpenter": [karpenter_policy(replace(KARPENTER, network=NETWORK), "karpenter")],
        "external-secrets": external_secrets_policies(replace(EXTERNAL_SECRETS, network=NETWORK)),
        "load-balancers": load_balancer_policies(replace(LOAD_BALANCER_CONTROLLER, network=NETWORK)),
        **{plan.name: operator_policies(replace(plan, network=NETWORK)) for plan in OPERATORS},
    }


SERVICES = (
    "monitoring",
    "gpu-operator",
    "keda",
    "cluster-autoscaler",
    "karpenter",
    "external-secrets",
    "load-balancers",
)


@pytest.mark.parametrize("service", [*SERVICES, *(plan.name for plan in OPERATORS)])
def test_what_each_service_is_opened_for(service: str) -> None:
    assert_matches(GOLDENS / f"network-policies-{service}.yaml", as_yaml(services()[service]))


@pytest.mark.parametrize("stack", STACKS)
def test_every_namespace_that_a_stack_makes_starts_closed(stack: str) -> None:
    engine = ours(stack)
    made = {each.inputs["metadata"]["name"] for each in engine.all("kubernetes:core/v1:Namespace")}
    closed = {
        each.inputs["metadata"]["namespace"]
        for each in engine.all("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if each.inputs["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    }
    assert made == closed
    assert len(made) >= 3


def _peers(way: str, key: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for service, policies in services().items():
        for policy in policies:
            for rule in policy["spec"].get(way, []):
                yield from ((f"{service}/{policy['metadata']['name']}", rule, peer) for peer in rule.get(key, []))


def test_no_rule_lets_everybody_in_or_out_of_all_ports() -> None:
    for policies in services().values():
        for policy in policies:
            for way, key in (("ingress", "from"), ("egress", "to")):
                for rule in policy["spec"].get(way, []):
                    assert rule.get(key), "a rule without peers is a rule for everybody"


def test_nobody_in_is_known_by_addresses_but_the_api_server_on_ports_of_its_own() -> None:
    by_address = [(where, rule) for where, rule, peer in _peers("ingress", "from") if "ipBlock" in peer]
    assert {where.split("/")[1] for where, _ in by_address} == {"from-api-server"}
    assert all(rule["ports"] for _, rule in by_address)


def test_nobody_reaches_the_metadata_service() -> None:
    for where, _, peer in _peers("egress", "to"):
        if "ipBlock" not in peer:
            continue
        inside = METADATA in ipaddress.ip_network(peer["ipBlock"]["cidr"])
        assert not inside or LINK_LOCAL in peer["ipBlock"].get("except", []), where


@pytest.mark.parametrize(
    ("url", "port"),
    [("https://x.example/y", 443), ("http://x.example", 80), ("http://x.svc:9093/y", 9093), (None, None)],
)
def test_alertmanager_reaches_the_port_of_its_webhook(url: str | None, port: int | None) -> None:
    plan = replace(MONITORING, network=NETWORK, webhook=WebhookPlan(url, None if url else "key"))
    (policy,) = [
        monitoring_policy
        for monitoring_policy in monitoring_policies(plan)
        if monitoring_policy["metadata"]["name"] == "alertmanager"
    ]
    (rule,) = policy["spec"]["egress"]
    assert rule["ports"] == [{"protocol": "TCP", **({"port": port} if port else {})}]


def test_without_monitoring_nobody_asks_for_metrics() -> None:
    alone = replace(NETWORK, monitoring_namespace=None)
    assert "prometheus" not in str(gpu_operator_policies(replace(GPU_OPERATOR, network=alone)))
    assert "prometheus" not in str(keda_policies(replace(KEDA, network=alone)))


def test_the_plan_knows_the_addresses_of_a_network_of_its_own_only() -> None:
    keda = planned(models=[model(autoscaling={"kind": "keda"})], nodePools=[pool(minNodes=2)])
    assert keda.monitoring is not None
    assert keda.monitoring.network.prometheus_clients == ("keda",)
    assert keda.monitoring.network.node_ranges == ("10.0.0.0/16",)
    existing = {"kind": "existing", "vpcId": "vpc-0a", "privateSubnetIds": ["subnet-0a", "subnet-0b"]}
    other = planned(network=existing).monitoring
    assert other is not None
    assert other.network.api_server_ranges == ("0.0.0.0/0",)
    assert other.network.prometheus_clients == ()
