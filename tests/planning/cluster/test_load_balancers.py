"""AWS Load Balancer Controller: for which gateways it is planned, and what is refused and warned of."""

from __future__ import annotations

from typing import Any

import pytest

from planning.model import Severity
from planning.versions.images import stack_charts, stack_images
from tests.planning.stacks import errors, planned, refusal, rules

ROOM = {"systemNodes": {"minNodes": 3}}
ACM = {"kind": "acm", "arn": "arn:aws:acm:us-east-1:444455556666:certificate/12345678-1234"}
INSTALLED = {"loadBalancerController": {"install": True}, **ROOM}
ENVOY = {"kind": "gatewayApi", "host": "llm.example.com", "certificate": {"kind": "secret", "name": "tls"}}
OTHERS = {
    "cluster": {"kind": "existing", "name": "main"},
    "network": {"kind": "existing", "vpcId": "vpc-0a", "privateSubnetIds": ["subnet-0a", "subnet-0b"]},
}


def ingress(ingress_class: str, **more: Any) -> dict[str, Any]:
    certificate = {"kind": "secret", "name": "tls"}
    address = {"host": "llm.example.com", "certificate": certificate}
    return {"kind": "ingress", "ingressClass": ingress_class, **address, **more}


def alb(**more: Any) -> dict[str, Any]:
    return ingress("alb", **{"certificate": ACM, **more})


def warned(**sections: Any) -> dict[str, str]:
    findings = planned(**sections).findings
    return {finding.rule: finding.text for finding in findings if finding.severity is Severity.WARNING}


@pytest.mark.parametrize("gateway", [None, {"kind": "none"}, ingress("traefik")])
def test_a_controller_that_no_gateway_needs_is_refused(gateway: dict[str, Any] | None) -> None:
    sections = INSTALLED if gateway is None else {**INSTALLED, "gateway": gateway}
    message = errors(refusal(**sections))["loadBalancerController.install"]
    assert "its role would be given for nothing" in message
    assert "gatewayApi" in message


def test_beside_an_envoy_gateway_of_the_clusters_own_it_is_refused() -> None:
    message = errors(refusal(**INSTALLED, gateway={**ENVOY, "install": False}))["loadBalancerController.install"]
    assert "a destroy would take the controller before" in message


@pytest.mark.parametrize(
    ("gateway", "ingress_class"),
    [(alb(), "alb"), (ENVOY, "alb"), (alb(ingressClass="models", controller="alb"), "models")],
)
def test_an_alb_and_the_network_load_balancer_of_envoy_gateway_get_their_controller(
    gateway: dict[str, Any], ingress_class: str
) -> None:
    plan = planned(**INSTALLED, gateway=gateway)
    controller = plan.load_balancer_controller
    assert controller is not None
    assert (controller.ingress_class, controller.gateway_namespace) == (ingress_class, "gateway")
    assert (controller.cluster_name, controller.replicas) == (plan.cluster.name, 2)
    assert "aws-load-balancer-controller" in {chart.chart for chart in stack_charts(plan)}
    images = {use.image for use in stack_images(plan)}
    assert "public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0" in images


@pytest.mark.parametrize("gateway", [alb(), ENVOY])
def test_without_the_section_there_is_none_and_an_alb_of_a_new_cluster_says_what_to_write(
    gateway: dict[str, Any],
) -> None:
    plan = planned(**ROOM, gateway=gateway)
    assert plan.load_balancer_controller is None
    assert "aws-load-balancer-controller" not in {chart.chart for chart in stack_charts(plan)}
    told = warned(**ROOM, gateway=gateway).get("ingress-first", "")
    assert ("write loadBalancerController: {install: true}" in told) == (gateway is not ENVOY)
    assert "ingress-first" not in warned(**INSTALLED, gateway=gateway)


@pytest.mark.parametrize(("request_seconds", "leaving_seconds"), [(600, 600), (3600, 3600), (86_400, 3600)])
def test_a_proxy_that_leaves_keeps_its_connections_for_a_request_or_as_long_as_elb_lets_it(
    request_seconds: int, leaving_seconds: int
) -> None:
    plan = planned(**INSTALLED, gateway={**ENVOY, "requestTimeoutSeconds": request_seconds})
    assert plan.gateway is not None
    assert plan.gateway.balancer is not None
    assert plan.gateway.balancer.leaving_seconds == leaving_seconds


def test_tags_that_its_arguments_cannot_say_are_left_out() -> None:
    tags = {"team": "platform", "a": "x: y", "b": "x:", "c": "k=v", "d": "https://example.com/x"}
    controller = planned(**INSTALLED, gateway=alb(), tags=tags).load_balancer_controller
    assert controller is not None
    assert {key for key in controller.tags if key in tags} == {"team", "d"}


def test_of_a_cluster_of_another_identity_and_another_controller_are_not_known() -> None:
    gateway = alb(sourceRanges=["10.0.0.0/16"])
    findings = planned(**{**INSTALLED, **OTHERS}, gateway=gateway).findings
    said = {finding.path: finding.text for finding in findings if finding.severity is Severity.WARNING}
    assert "AWS Load Balancer Controller already" in said["loadBalancerController.install"]
    assert "eks-pod-identity-agent" in said["loadBalancerController"]


def test_a_network_without_a_way_out_needs_endpoints() -> None:
    sections = {**INSTALLED, **OTHERS, "registry": {"mirror": "mirror.example/images"}}
    told = warned(**sections, gateway=alb(sourceRanges=["10.0.0.0/16"]))["load-balancer-endpoint"]
    assert "com.amazonaws.us-east-1.elasticloadbalancing" in told


def test_its_namespace_is_no_other_ones() -> None:
    sections = {"loadBalancerController": {"install": True, "namespace": "gateway"}, **ROOM}
    assert "shared-namespace" in rules(refusal(**sections, gateway=alb()), Severity.ERROR)
