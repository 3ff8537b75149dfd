"""AWS Load Balancer Controller: rights, release; who comes before whom, and who goes before whom."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.aws.load_balancer_rights import OWNER_TAG, ClusterPlace, conditions, load_balancer_policy
from components.cluster.load_balancers import load_balancer_controller_values
from local.aws_endpoint.contract.permitted import PermissionNeed, allows
from planning.facts import rows
from planning.model import AddonNetworkPlan
from tests.components.plans import LOAD_BALANCER_CONTROLLER, MIRROR
from tests.components.samples import once
from tests.conftest import REPO
from tests.engine import Engine
from tests.golden import as_yaml, assert_matches
from tests.program import CANARIES, example, run_program

GOLDENS = Path(__file__).parent / "goldens"
PUBLISHED = json.loads((REPO / "tests" / "reference" / "iam" / "aws-load-balancer-controller.json").read_text())
RELEASE = "kubernetes:helm.sh/v3:Release"
NAMESPACE = "kubernetes:core/v1:Namespace"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
PLACE = ClusterPlace("aws", "us-west-2", "111122223333", "main", "vpc-0a")
POLICY = json.loads(load_balancer_policy(PLACE))
MONITORED = replace(LOAD_BALANCER_CONTROLLER, network=AddonNetworkPlan(monitoring_namespace="monitoring"))
OFF = ("waf-regional:", "wafv2:", "shield:", "cognito-idp:")
NAME = "aws-load-balancer-controller"


def recorded(**sections: Any) -> Engine:
    secrets = {"grafanaPassword": CANARIES["grafanaPassword"]}
    if sections:
        return run_program({**example("alb"), **sections}, "dev", secrets=secrets)
    return once("alb", lambda: run_program(example("alb"), "dev", secrets=secrets))


def behind_envoy() -> Engine:
    sections = example("gateway") | {"loadBalancerController": {"install": True}}
    return once("gateway-with-controller", lambda: run_program(sections, "dev", secrets=dict(CANARIES)))


def triples(statements: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """(action, resource, condition) of a policy."""
    found = set()
    for statement in statements:
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            when = json.dumps(statement.get("Condition", {}), sort_keys=True)
            found |= {(action, resource, when) for action in statement["Action"]}
    return found


def test_the_table_has_every_right_of_the_published_policy_and_no_other() -> None:
    tag = {"Null": {f"aws:{{}}Tag/{OWNER_TAG}": "false"}}
    owner, requested = (json.loads(json.dumps(tag).replace("{}", whose)) for whose in ("Resource", "Request"))
    named = conditions(owner, requested)
    table = {
        (
            row["action"],
            row["resource"] if row["resource"] == "*" else f"arn:aws:{row['resource']}",
            json.dumps(named[row["when"]], sort_keys=True),
        )
        for row in rows("load_balancer_rights.csv")
    }
    assert table == triples(PUBLISHED["Statement"])


def test_what_our_values_switch_off_is_not_given_and_all_else_is() -> None:
    for row in rows("load_balancer_rights.csv"):
        assert (row["given"] == "no") == row["action"].startswith(OFF), row["action"]
    given = {action for statement in POLICY["Statement"] for action in statement["Action"]}
    published = {action for statement in PUBLISHED["Statement"] for action in statement["Action"]}
    assert given == {action for action in published if not action.startswith(OFF)}
    values = load_balancer_controller_values(LOAD_BALANCER_CONTROLLER, "vpc-0a")
    assert [values[key] for key in ("enableShield", "enableWaf", "enableWafv2")] == [False, False, False]


HERE = "us-west-2:111122223333"
BALANCER = f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/k8s-gateway/50dc6c495c0c9188"
GROUP = f"arn:aws:ec2:{HERE}:security-group/sg-0a"
OURS, THEIRS = {f"aws:ResourceTag/{OWNER_TAG}": "main"}, {f"aws:ResourceTag/{OWNER_TAG}": "other"}
VPC = {"ec2:Vpc": f"arn:aws:ec2:{HERE}:vpc/vpc-0a"}
ALLOWED: list[tuple[str, str, dict[str, str]]] = [
    ("ec2:DescribeSubnets", "*", {}),
    ("acm:DescribeCertificate", "*", {}),
    ("elasticloadbalancing:DeleteLoadBalancer", BALANCER, OURS),
    ("elasticloadbalancing:CreateLoadBalancer", BALANCER, {f"aws:RequestTag/{OWNER_TAG}": "main"}),
    ("ec2:AuthorizeSecurityGroupIngress", GROUP, VPC),
    ("ec2:DeleteSecurityGroup", GROUP, OURS),
]
DENIED: list[tuple[str, str, dict[str, str]]] = [
    ("elasticloadbalancing:DeleteLoadBalancer", BALANCER, THEIRS),
    ("elasticloadbalancing:DeleteLoadBalancer", BALANCER, {}),
    ("elasticloadbalancing:CreateLoadBalancer", BALANCER, {f"aws:RequestTag/{OWNER_TAG}": "other"}),
    ("elasticloadbalancing:CreateLoadBalancer", BALANCER, {}),
    ("ec2:AuthorizeSecurityGroupIngress", GROUP, {"ec2:Vpc": VPC["ec2:Vpc"].replace("vpc-0a", "vpc-0b")}),
    ("ec2:AuthorizeSecurityGroupIngress", GROUP, {}),
    ("ec2:DeleteSecurityGroup", GROUP, VPC),
    ("ec2:RunInstances", "*", {}),
    ("wafv2:AssociateWebACL", "*", {}),
    ("iam:CreateServiceLinkedRole", "*", {"iam:AWSServiceName": "spot.amazonaws.com"}),
]


@pytest.mark.parametrize(("action", "resource", "values"), ALLOWED)
def test_its_role_makes_and_takes_away_load_balancers_of_its_cluster(
    action: str, resource: str, values: dict[str, str]
) -> None:
    assert allows(POLICY, PermissionNeed(action, resource, values))


@pytest.mark.parametrize(("action", "resource", "values"), DENIED)
def test_its_role_does_nothing_to_those_of_others(action: str, resource: str, values: dict[str, str]) -> None:
    assert not allows(POLICY, PermissionNeed(action, resource, values))


def test_the_document_is_as_reviewed_and_fits_into_a_role() -> None:
    assert_matches(GOLDENS / "iam" / "load_balancer_policy.json", json.dumps(POLICY, indent=2) + "\n")
    assert len(json.dumps(POLICY, separators=(",", ":"))) < 10_240, "all inline policies of a role together"


def test_in_another_partition_its_resources_are_that_ones() -> None:
    text = load_balancer_policy(replace(PLACE, partition="aws-us-gov", region="us-gov-west-1"))
    assert "arn:aws:" not in text
    assert "arn:aws-us-gov:ec2:us-gov-west-1:111122223333:security-group/*" in text


def test_values_are_as_their_golden() -> None:
    values = load_balancer_controller_values(MONITORED, "vpc-0a")
    assert_matches(GOLDENS / f"{NAME}.values.yaml", as_yaml(values))


def test_the_image_comes_from_the_mirror() -> None:
    values = load_balancer_controller_values(replace(LOAD_BALANCER_CONTROLLER, mirror=MIRROR), "vpc-0a")
    assert values["image"] == {"repository": f"{MIRROR}/public.ecr.aws/eks/aws-load-balancer-controller"}


def test_while_it_is_away_other_services_and_ingresses_can_be_made() -> None:
    values = load_balancer_controller_values(LOAD_BALANCER_CONTROLLER, "vpc-0a")
    assert values["enableServiceMutatorWebhook"] is False
    asked = values["webhookConfig"]["ingressValidationNamespaceSelector"]["matchLabels"]
    assert asked == {"kubernetes.io/metadata.name": LOAD_BALANCER_CONTROLLER.gateway_namespace}


def release(engine: Engine, name: str = NAME) -> Any:
    (registration,) = (each for each in engine.all(RELEASE) if each.inputs["name"] == name)
    return registration


def namespace_of_gateway(engine: Engine) -> Any:
    (made,) = (each for each in engine.all(NAMESPACE) if each.inputs["metadata"]["name"] == "gateway")
    return made


def test_the_controller_has_its_role_before_its_pods_and_knows_cluster_region_and_vpc() -> None:
    engine = recorded()
    installed, association = release(engine), engine.named("load-balancers-identity")
    assert (installed.inputs["chart"], installed.inputs["version"]) == (NAME, "3.5.0")
    values = installed.inputs["values"]
    assert association.inputs["serviceAccount"] == values["serviceAccount"]["name"]
    assert association.inputs["namespace"] == "load-balancers"
    assert {"load-balancers-identity", "load-balancers-policy"} <= installed.depends_on
    assert {"load-balancers-default-deny", "load-balancers-aws"} <= installed.depends_on
    (vpc,) = engine.all("aws:ec2/vpc:Vpc")
    assert values["vpcId"] == f"{vpc.name}-id" or str(values["vpcId"]).startswith("vpc-")
    assert values["clusterName"] == engine.only("aws:eks/cluster:Cluster").inputs["name"]
    assert values["region"] == "us-east-1"


def test_its_policy_names_the_stacks_own_vpc_and_account() -> None:
    document = json.loads(recorded().named("load-balancers-policy").inputs["policy"])
    (inside,) = (each for each in document["Statement"] if "ArnEquals" in each.get("Condition", {}))
    *_, account, vpc = inside["Condition"]["ArnEquals"]["ec2:Vpc"].split(":")
    assert account.isdigit()
    assert vpc == f"vpc/{release(recorded()).inputs['values']['vpcId']}"


def test_an_ingress_comes_after_its_controller_and_its_namespace_goes_before_it() -> None:
    engine = recorded()
    assert release(engine).name in namespace_of_gateway(engine).depends_on
    ingress = engine.only(INGRESS)
    assert ingress.inputs["spec"]["ingressClassName"] == release(engine).inputs["values"]["ingressClass"]
    assert "pulumi.com/skipAwait" not in ingress.inputs["metadata"]["annotations"]


def test_the_service_of_envoy_gateway_has_gone_with_its_namespace_before_the_controller_goes() -> None:
    engine = behind_envoy()
    assert release(engine).name in namespace_of_gateway(engine).depends_on
    (gateway,) = (each for each in engine.all("kubernetes:gateway.networking.k8s.io/v1:Gateway"))
    annotations = gateway.inputs["spec"]["infrastructure"]["annotations"]
    prefix = "service.beta.kubernetes.io/aws-load-balancer-"
    assert f"{prefix}type" not in annotations, "EKS' own provider would take it, too"
    assert annotations[f"{prefix}nlb-target-type"] == "ip"
    (proxy,) = (each for each in engine.all("kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy"))
    service = proxy.inputs["spec"]["provider"]["kubernetes"]["envoyService"]
    assert service == {"loadBalancerClass": "service.k8s.aws/nlb"}


def test_without_the_section_nothing_of_it_is_registered() -> None:
    for engine in (recorded(loadBalancerController={"install": False}), run_program(example("gateway"), "dev")):
        assert not [each for each in engine.registrations if "load-balancers" in each.name]
        assert not [each for each in engine.all(RELEASE) if each.inputs["name"] == NAME]
