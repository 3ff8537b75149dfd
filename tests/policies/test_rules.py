"""Each rule with a stack that breaks it and the same stack that does not."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from planning.cost.budget import budget_of
from planning.model import SAID_CONTROLLER, SAID_INTERNAL
from policies.document import DOCUMENT, document
from policies.judge import judge
from policies.rule import Circumstances, Resource
from policies.rules import RULES
from tests.conftest import REPO
from tests.policies.resources import (
    DEV,
    DIGEST,
    PROD,
    budget,
    changed,
    cluster,
    deployment,
    found,
    good_stack,
    launch_template,
    node_class,
    node_group,
    node_pool,
    resource,
    secret,
    service,
)

CONTAINER = "spec/template/spec/containers/0"
POD = "spec/template/spec"
GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
INSIDE = {SCHEME: "internal", "service.beta.kubernetes.io/aws-load-balancer-internal": "true"}
PLAIN = {"name": "http", "protocol": "HTTP", "port": 80}
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
TRAEFIK = {"traefik.ingress.kubernetes.io/router.middlewares": "the-gateway-models@kubernetescrd"}


def ingress(annotations: dict[str, str], class_name: str | None = None) -> Resource:
    spec = {} if class_name is None else {"ingressClassName": class_name}
    return resource(INGRESS, "i", {"metadata": {"namespace": "the-gateway", "annotations": annotations}, "spec": spec})


def kong_plugin(**config: list[str]) -> Resource:
    inputs = {"metadata": {"name": "models", "namespace": "the-gateway"}, "plugin": "ip-restriction", "config": config}
    return resource("kubernetes:configuration.konghq.com/v1:KongPlugin", "models", inputs)


def middleware(name: str, block: str = "54.0.0.0/24", namespace: str = "the-gateway") -> Resource:
    spec = {"ipAllowList": {"sourceRange": [block]}}
    inputs = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
    return resource("kubernetes:traefik.io/v1alpha1:Middleware", name, inputs)


def with_field(restriction: Resource, path: str, value: Any) -> Resource:
    """The same with a field more: where, with a '/' between, and what."""
    inputs = deepcopy(dict(restriction.inputs))
    *folders, last = path.split("/")
    inner = inputs
    for folder in folders:
        inner = inner.setdefault(folder, {})
    inner[last] = value
    return resource(restriction.type, "models", inputs)


ALB = "alb.ingress.kubernetes.io/"
NGINX = "nginx.ingress.kubernetes.io/"
KONG = {"konghq.com/plugins": "models"}
OWN = "54.0.0.0/24"
# Annotations and class of an Ingress, and the object that it names: whose list is off, for other protocols only,
# written elsewhere too, or held against an address that clients write themselves (X-Forwarded-For).
VOID: list[tuple[tuple[dict[str, str], str], Resource]] = [
    ((KONG, "kong"), with_field(kong_plugin(allow=[OWN]), "disabled", True)),
    ((KONG, "kong"), with_field(kong_plugin(allow=[OWN]), "protocols", ["grpc"])),
    ((KONG, "kong"), with_field(kong_plugin(allow=[OWN]), "configPatches", [{"path": "/allow"}])),
    ((KONG, "kong"), with_field(kong_plugin(allow=[OWN]), "disabled", "[unknown]")),
    ((TRAEFIK, "traefik"), with_field(middleware("models"), "spec/ipAllowList/ipStrategy", {"depth": 1})),
    (
        (TRAEFIK, "traefik"),
        with_field(middleware("models"), "spec/ipAllowList/ipStrategy", {"excludedIPs": ["10.0.0.0/8"]}),
    ),
]
HARMLESS: list[tuple[tuple[dict[str, str], str], Resource]] = [
    ((KONG, "kong"), with_field(kong_plugin(allow=[OWN]), "disabled", False)),
    ((KONG, "kong"), with_field(kong_plugin(allow=[OWN]), "config/message", "not from there")),
    ((TRAEFIK, "traefik"), with_field(middleware("models"), "spec/ipAllowList/ipStrategy", {"depth": 0})),
    ((TRAEFIK, "traefik"), with_field(middleware("models"), "spec/ipAllowList/rejectStatusCode", 404)),
]
# Annotations and class; None: not said.
OPEN_INGRESSES: list[tuple[dict[str, str], str | None]] = [
    ({f"{ALB}scheme": "internet-facing", f"{ALB}tags": "net=10.0.0.0/16"}, None),
    ({f"{ALB}scheme": "internet-facing", f"{ALB}tags": "net 10.0.0.0/16"}, "alb"),
    ({f"{NGINX}denylist-source-range": "203.0.113.0/24"}, None),
    ({f"{NGINX}limit-whitelist": "203.0.113.0/24"}, "edge"),
    ({"lb.example.com/deny": OWN}, "edge"),
    ({"lb.example.com/block-list": OWN, "lb.example.com/excluded-ranges": OWN}, None),
    ({"description": "office 203.0.113.7/32"}, None),
    ({"external-dns.alpha.kubernetes.io/target": "203.0.113.7"}, "edge"),
    ({"lb.example.com/allow": OWN}, "nginx"),
    ({f"{ALB}inbound-cidrs": OWN}, "nginx"),
    ({f"{ALB}inbound-cidrs": OWN, "kubernetes.io/ingress.class": "nginx"}, None),
    ({f"{ALB}inbound-cidrs": OWN, SAID_CONTROLLER: "nginx"}, "alb"),
    ({f"{ALB}inbound-cidrs": "2000::/3"}, "alb"),
    ({f"{ALB}inbound-cidrs": "10.0.0.0/8,::ffff:0:0/96"}, "alb"),
    ({"lb.example.com/allow": "0:0:0:0:0:0:0:0/0"}, "edge"),
    ({f"{ALB}scheme": "internal"}, "nginx"),
    ({f"{ALB}scheme": "internal", SAID_CONTROLLER: "other"}, "nginx"),
    ({f"{ALB}scheme": "internet-facing", SAID_INTERNAL: "true"}, None),
    ({f"{ALB}scheme": "internet-facing", SAID_INTERNAL: "true"}, "alb"),
    ({SAID_INTERNAL: "true", SAID_CONTROLLER: "nginx"}, "nginx"),
    ({"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}, "traefik"),
]
CLOSED_INGRESSES: list[tuple[dict[str, str], str | None]] = [
    ({f"{NGINX}whitelist-source-range": OWN}, "nginx"),
    ({f"{NGINX}whitelist-source-range": OWN}, "edge"),
    ({f"{ALB}inbound-cidrs": "54.0.0.0/24, 2001:db8::/32", f"{ALB}scheme": "internet-facing"}, "alb"),
    ({f"{NGINX}whitelist-source-range": OWN, SAID_CONTROLLER: "nginx"}, "traefik"),
    ({"nginx.org/server-snippets": "allow 54.0.0.0/24; deny all;", SAID_CONTROLLER: "other"}, "nginx"),
    ({"lb.example.com/allowed-cidr-blocks": OWN}, "edge"),
    ({"lb.example.com/allow": "fd00::/8"}, "edge"),
    ({f"{ALB}scheme": "internal"}, "alb"),
    ({f"{ALB}scheme": "internal"}, "alb-internal"),
    ({SAID_INTERNAL: "true", SAID_CONTROLLER: "other"}, "nginx"),
]
BROKEN: list[tuple[str, list[Resource], Circumstances, str]] = [
    ("gpu-taint-tolerated", [node_group(), changed(deployment(), f"{POD}/tolerations")], DEV, "nvidia.com/gpu"),
    (
        "gpu-taint-tolerated",
        [node_group(), changed(deployment(), f"{POD}/tolerations/0/effect", "NoExecute")],
        DEV,
        "NoSchedule",
    ),
    ("image-pinned", [changed(deployment(), f"{CONTAINER}/image", "vllm/vllm-openai:latest")], DEV, "latest"),
    ("image-pinned", [changed(deployment(), f"{CONTAINER}/image", "reg:5000/vllm")], DEV, "reg:5000/vllm"),
    ("image-digest", [changed(deployment(), f"{CONTAINER}/image", "vllm/vllm-openai:v1")], PROD, "no digest"),
    ("ami-pinned", [changed(node_group(), "releaseVersion")], PROD, "another driver"),
    ("load-balancer-open", [service(type="LoadBalancer")], DEV, "whole internet"),
    ("gateway-open", [resource(GATEWAY, "g", {"spec": {"listeners": []}})], DEV, "whole internet"),
    (
        "gateway-open",
        [resource(GATEWAY, "g", {"spec": {"infrastructure": {"annotations": INSIDE}, "listeners": [PLAIN]}})],
        DEV,
        "keys in the open",
    ),
    (
        "load-balancer-open",
        [service(type="LoadBalancer", loadBalancerSourceRanges=["0.0.0.0/0"])],
        DEV,
        "whole internet",
    ),
    ("load-balancer-open", [resource("kubernetes:networking.k8s.io/v1:Ingress", "i", {"spec": {}})], DEV, "ingress"),
    ("load-balancer-open", [ingress({"x/allow": "0.0.0.0/0"})], DEV, "whole internet"),
    ("load-balancer-open", [ingress({"x/allow": "10.0.0.0/8,::/0"})], DEV, "whole internet"),
    ("load-balancer-open", [ingress(TRAEFIK)], DEV, "whole internet"),
    ("load-balancer-open", [ingress(TRAEFIK), middleware("another")], DEV, "whole internet"),
    ("load-balancer-open", [ingress(TRAEFIK), middleware("models", "0.0.0.0/0")], DEV, "whole internet"),
    ("load-balancer-open", [ingress(TRAEFIK), middleware("models", namespace="other")], DEV, "whole internet"),
    *(("load-balancer-open", [ingress(*written)], DEV, "reaches") for written in OPEN_INGRESSES),
    ("load-balancer-open", [ingress({"description": "models"}), middleware("models")], DEV, "whole internet"),
    ("load-balancer-open", [ingress(TRAEFIK, "nginx"), middleware("models")], DEV, "whole internet"),
    ("load-balancer-open", [ingress(KONG, "kong"), kong_plugin(deny=[OWN])], DEV, "whole internet"),
    *(("load-balancer-open", [ingress(*of), restriction], DEV, "whole internet") for of, restriction in VOID),
    (
        "load-balancer-open",
        [changed(ingress(KONG, "kong"), "metadata/annotations", "[unknown]"), kong_plugin(allow=[OWN])],
        DEV,
        "whole internet",
    ),
    (
        "load-balancer-open",
        [changed(service(type="LoadBalancer"), "metadata/annotations", {**INSIDE, SCHEME: "internet-facing"})],
        DEV,
        "whole internet",
    ),
    ("gateway-open", [resource(INGRESS, "i", {"spec": {"rules": []}})], DEV, "keys in the open"),
    ("api-endpoint-open", [changed(cluster(), "vpcConfig/publicAccessCidrs")], DEV, "whole internet"),
    ("api-endpoint-open", [changed(cluster(), "vpcConfig/publicAccessCidrs/0", "0.0.0.0/0")], DEV, "whole internet"),
    ("secret-in-plain", [changed(secret(), "stringData/token", "hunter2")], DEV, "stringData.token"),
    (
        "secret-in-plain",
        [changed(deployment(), f"{CONTAINER}/env/0", {"name": "API_KEY", "value": "hunter2"})],
        DEV,
        "API_KEY",
    ),
    ("secret-in-plain", [changed(deployment(), "metadata/name", "hf_" + "a" * 30)], DEV, "metadata.name"),
    ("spot-floor", [node_group(capacity="SPOT"), deployment()], PROD, "are spot"),
    ("disruption-budget", [deployment()], DEV, "PodDisruptionBudget"),
    ("disruption-budget", [deployment(), changed(budget(), "metadata/namespace", "other")], DEV, "selects"),
    ("container-limits", [changed(deployment(), f"{CONTAINER}/resources/limits/memory")], DEV, "limits.memory"),
    ("container-limits", [changed(deployment(), f"{CONTAINER}/resources")], DEV, "requests.cpu"),
    ("budget", [], replace(DEV, ceiling_usd_per_hour=2.02, budget=budget_of(2.0, None)), "$2.02 an hour"),
    ("encryption", [changed(cluster(), "encryptionConfig")], DEV, "KMS"),
    ("encryption", [changed(launch_template(), "blockDeviceMappings/0/ebs/encrypted")], DEV, "/dev/xvda"),
    (
        "encryption",
        [resource("kubernetes:storage.k8s.io/v1:StorageClass", "gp3", {"provisioner": "ebs.csi.aws.com"})],
        DEV,
        "class",
    ),
    ("encryption", [resource("aws:kms/key:Key", "key", {})], DEV, "rotated"),
    ("imds-v2", [changed(launch_template(), "metadataOptions/httpTokens", "optional")], DEV, "IMDSv1"),
    ("imds-v2", [changed(node_class(), "spec/metadataOptions/httpTokens", "optional")], DEV, "IMDSv1"),
    ("imds-v2", [changed(node_class(), "spec/metadataOptions/httpPutResponseHopLimit", 2)], DEV, "hop limit"),
    ("encryption", [changed(node_class(), "spec/blockDeviceMappings/0/ebs/encrypted", False)], DEV, "not encrypted"),
    ("ami-pinned", [changed(node_class(), "spec/amiSelectorTerms/0/alias", "al2023@latest")], PROD, "al2023@latest"),
    ("ami-pinned", [changed(node_class(), "spec/amiSelectorTerms/0", {"name": "amazon-eks-*"})], PROD, "amazon-eks-"),
    ("spot-floor", [node_pool("l4", "spot"), deployment()], PROD, "are spot"),
    ("gpu-taint-tolerated", [node_pool(), changed(deployment(), f"{POD}/tolerations")], DEV, "nvidia.com/gpu"),
    ("gpu-node-stays", [changed(node_pool(), "spec/disruption/consolidationPolicy")], DEV, "Underutilized"),
    ("gpu-node-stays", [changed(node_pool(), "spec/disruption/consolidationPolicy", "Balanced")], DEV, "Balanced"),
    ("gpu-node-stays", [changed(node_pool(), "spec/template/spec/terminationGracePeriod")], DEV, "forever"),
    ("gpu-node-stays", [changed(node_pool(), "spec/limits")], DEV, "without end"),
    ("imds-v2", [changed(launch_template(), "metadataOptions/httpPutResponseHopLimit", 2)], DEV, "hop limit"),
    ("tags", [changed(cluster(), "tags/project")], DEV, "project"),
]


@pytest.mark.parametrize(("rule", "stack", "circumstances", "words"), BROKEN)
def test_a_rule_names_the_resource_and_what_is_wrong(
    rule: str, stack: list[Resource], circumstances: Circumstances, words: str
) -> None:
    told = found(rule, stack, circumstances)
    assert len(told) == 1
    assert words in told[0]
    assert "hunter2" not in told[0]
    assert "hf_a" not in told[0]


def test_every_rule_is_broken_by_one_of_these() -> None:
    assert {rule for rule, *_ in BROKEN} == {rule.id for rule in RULES}


@pytest.mark.parametrize("circumstances", [DEV, PROD], ids=["dev", "prod"])
def test_no_rule_has_anything_to_say_of_a_good_stack(circumstances: Circumstances) -> None:
    within = replace(circumstances, ceiling_usd_per_hour=2.0, budget=budget_of(2.0, None))
    assert judge(good_stack(), within) == []


@pytest.mark.parametrize(("rule", "stack"), [(rule, stack) for rule, stack, given, _ in BROKEN if given is PROD])
def test_rules_for_production_leave_other_stacks_alone(rule: str, stack: list[Resource]) -> None:
    assert found(rule, stack, DEV) == []


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        ("image-pinned", changed(deployment(), f"{CONTAINER}/image", f"reg:5000/vllm@{DIGEST}")),
        ("image-pinned", changed(deployment(), f"{CONTAINER}/image", "[unknown]")),
        ("load-balancer-open", service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8"])),
        ("gateway-open", resource(GATEWAY, "g", {"spec": {"infrastructure": {"annotations": INSIDE}}})),
        ("api-endpoint-open", changed(cluster(), "vpcConfig/endpointPublicAccess", False)),
        ("api-endpoint-open", changed(cluster(), "vpcConfig/publicAccessCidrs", "[unknown]")),
        ("tags", changed(cluster(), "tags", "[unknown]")),
        ("tags", resource("aws:ec2/route:Route", "route", {})),
        ("secret-in-plain", changed(secret(), "stringData", "[secret]")),
        ("encryption", resource("kubernetes:storage.k8s.io/v1:StorageClass", "nfs", {"provisioner": "nfs.csi"})),
    ],
)
def test_what_is_closed_or_not_known_yet_is_no_violation(rule: str, good: Resource) -> None:
    assert found(rule, [good], PROD) == []


def test_an_internal_load_balancer_needs_no_ranges() -> None:
    internal: dict[str, Any] = {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}
    assert found("load-balancer-open", [changed(service(type="LoadBalancer"), "metadata/annotations", internal)]) == []


@pytest.mark.parametrize(
    "closed",
    [
        [ingress(TRAEFIK), middleware("models")],
        [ingress({"haproxy.org/allow-list": "54.0.0.0/24, 10.0.0.0/8"})],
        [ingress({"alb.ingress.kubernetes.io/scheme": "internal"})],
        [ingress({SAID_INTERNAL: "true"})],
        [ingress(KONG, "kong"), kong_plugin(allow=[OWN], deny=["0.0.0.0/0"])],
        *([ingress(*of), restriction] for of, restriction in HARMLESS),
        *([ingress(*written)] for written in CLOSED_INGRESSES),
    ],
)
def test_an_ingress_is_closed_by_its_controllers_own_words(closed: list[Resource]) -> None:
    assert found("load-balancer-open", closed) == []


def test_one_on_demand_group_in_the_pool_is_a_floor() -> None:
    assert found("spot-floor", [node_group(capacity="SPOT"), node_group(), deployment()], PROD) == []
    assert found("spot-floor", [node_pool("l4", "spot", "on-demand"), deployment()], PROD) == []


def test_in_the_engine_the_data_of_secrets_is_not_judged_because_marks_do_not_reach_a_pack() -> None:
    opened = changed(secret(), "stringData/token", "hf_" + "a" * 30)
    assert found("secret-in-plain", [opened], replace(DEV, secrets_marked=False)) == []
    assert len(found("secret-in-plain", [opened], DEV)) == 1


def test_a_rule_has_all_that_a_reader_needs() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert len(rule.why) > 20
        assert len(rule.fix) > 10
        assert rule.check.__doc__


def test_the_page_of_policies_is_current() -> None:
    assert (REPO / DOCUMENT).read_text(encoding="utf-8") == document(), "run: make document"
