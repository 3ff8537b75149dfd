"""AWS Load Balancer Controller: for which gateways the stack installs it, and what cannot work."""

from __future__ import annotations

from planning.cluster.addon_network import addon_network
from planning.cluster.ingress_table import controller_of
from planning.cluster.regions import partition
from planning.findings import Findings
from planning.model import (
    BalancerPlan,
    CreateClusterPlan,
    ExistingClusterPlan,
    LoadBalancerControllerPlan,
    Tags,
)
from planning.versions.charts import ChartSources
from planning.versions.pull_through import image_mirror
from settings.cluster import CreateCluster, CreateNetwork
from settings.gateway import Gateway, GatewayApi, IngressController, IngressGateway, OneAddress
from settings.stack import StackSettings

# ELB, target groups of network load balancers: deregistration_delay.timeout_seconds, 0 to 3600 (2026-11-28).
LONGEST_DELAY_SECONDS = 3600
CHART = "aws-load-balancer-controller"
SETTING = "loadBalancerController"
# One works, the others wait for its lease; the API server asks all of them (webhooks).
MOST_REPLICAS = 2
# Of a network load balancer's Services; the chart makes it by this name.
USUAL_CLASS = "alb"


def listed_tags(tags: Tags) -> Tags:
    """Those that key=value,... can say (AWS Load Balancer Controller, additional-resource-tags)."""
    return {key: value for key, value in tags.items() if not set("=,") & set(key + value)}


def is_of_aws(gateway: Gateway) -> bool:
    """Whether clients come through a load balancer that this controller makes."""
    if isinstance(gateway, IngressGateway):
        row = controller_of(gateway)
        return row is not None and row.name == IngressController.ALB.value
    return isinstance(gateway, GatewayApi)


def installs_controller(settings: StackSettings) -> bool:
    """Whether the stack installs it."""
    return settings.load_balancer_controller.install and is_of_aws(settings.gateway)


def plan_balancer(gateway: OneAddress, settings: StackSettings) -> BalancerPlan | None:
    """The network load balancer in front of Envoy Gateway, where the stack's controller makes it."""
    if not isinstance(gateway, GatewayApi) or not installs_controller(settings):
        return None
    return BalancerPlan(
        ranges=addon_network(settings).node_ranges,
        leaving_seconds=min(gateway.request_timeout_seconds, LONGEST_DELAY_SECONDS),
    )


def check_load_balancers(settings: StackSettings, findings: Findings) -> None:
    """A controller, and its rights, that nothing needs; and what it needs in a cluster or network of another's."""
    if not settings.load_balancer_controller.install:
        return
    if not is_of_aws(settings.gateway):
        findings.error(
            f"{SETTING}.install",
            "load-balancer-unused",
            "true, and the stack has no gateway behind a load balancer of AWS: its role would be given for nothing",
            "leave it out, or write gateway: {kind: gatewayApi, ...} or {kind: ingress, ingressClass: alb, ...}",
        )
        return
    if isinstance(settings.gateway, GatewayApi) and not settings.gateway.install:
        findings.error(
            f"{SETTING}.install",
            "load-balancer-held",
            "true, and gateway.install false: the load balancer's Service is then in a namespace that is not this "
            "stack's, and a destroy would take the controller before it",
            "install the controller where Envoy Gateway is installed, and leave it out here",
        )
    if not isinstance(settings.cluster, CreateCluster):
        findings.warning(
            SETTING,
            "load-balancer-credentials",
            "AWS Load Balancer Controller gets its AWS role from the EKS add-on eks-pod-identity-agent, and it is not "
            f"known here whether {settings.cluster.name} has it",
            "make sure that it has",
        )
    if settings.registry.mirror is not None and not isinstance(settings.network, CreateNetwork):
        places = [f"com.amazonaws.{settings.region}.{service}" for service in ("ec2", "elasticloadbalancing")]
        findings.warning(
            "network",
            "load-balancer-endpoint",
            "images come from a mirror, so this network may have no way out, and the controller asks EC2 and ELB",
            f"make interface endpoints {' and '.join(places)} with private DNS where there is no NAT gateway",
        )


def plan_load_balancer_controller(
    settings: StackSettings,
    cluster: CreateClusterPlan | ExistingClusterPlan,
    tags: Tags,
    charts: ChartSources,
    findings: Findings,
) -> LoadBalancerControllerPlan | None:
    """The release and its role, where the stack installs it. `tags`: the stack's."""
    gateway = settings.gateway
    if not installs_controller(settings) or not isinstance(gateway, GatewayApi | IngressGateway):
        return None
    return LoadBalancerControllerPlan(
        chart=charts.reference(CHART, findings),
        namespace=settings.load_balancer_controller.namespace,
        cluster_name=cluster.name,
        region=settings.region,
        partition=partition(settings.region),
        replicas=min(MOST_REPLICAS, settings.system_nodes.min_nodes),
        ingress_class=gateway.ingress_class if isinstance(gateway, IngressGateway) else USUAL_CLASS,
        gateway_namespace=gateway.namespace,
        tags={key: value for key, value in listed_tags(tags).items() if _is_text(f"{key}={value}")},
        scrape_interval_seconds=settings.monitoring.scrape_interval_seconds,
        mirror=image_mirror(settings),
        network=addon_network(settings),
    )


def _is_text(pair: str) -> bool:
    """Whether it stays one where the chart writes it without quotes (templates/deployment.yaml, convertMapToCsv)."""
    return ": " not in pair and not pair.endswith(":")
