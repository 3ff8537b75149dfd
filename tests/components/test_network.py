"""The VPC that `Network` registers, and existing subnets in the same shape."""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pulumi_aws as aws
import pytest

from components.aws.network import Network, NetworkArgs, nat_zone_for, network, select_subnets
from planning.model import CreateNetworkPlan, ExistingNetworkPlan
from tests.components.samples import (
    GOLDENS,
    NETWORK,
    NETWORK_FOR_PRODUCTION,
    REGION,
    TAGS,
    in_region,
    once,
    under,
)
from tests.engine import UNKNOWN, Engine, Registration, redacted
from tests.golden import as_yaml, assert_matches


def recorded(plan: CreateNetworkPlan = NETWORK, *, preview: bool = False) -> Engine:
    args = NetworkArgs(plan=plan, cluster_name="llm-test", region=REGION, tags=TAGS)
    return once(f"{plan} {preview}", lambda: in_region(lambda aws_: Network("net", args, under(aws_)), preview))


def one(engine: Engine, type_: str, **inputs: object) -> Registration:
    """The one registration of a type whose inputs hold these values."""
    registrations = [r for r in engine.all(type_) if all(r.inputs.get(k) == v for k, v in inputs.items())]
    assert len(registrations) == 1, f"{len(registrations)} of {type_} with {inputs}"
    return registrations[0]


def test_the_network_of_a_small_stack_is_as_reviewed() -> None:
    engine = recorded()
    text = as_yaml(
        {f"{r.type.rsplit(':', 1)[-1]} {r.name}": redacted(r.inputs) for r in engine.registrations if r.custom}
    )
    assert_matches(GOLDENS / "network.yaml", text)


def test_every_child_has_the_region_of_the_given_provider_and_its_parent() -> None:
    for registration in recorded().registrations:
        if registration.type.startswith("aws:"):
            assert "pulumi:providers:aws::aws::" in registration.provider
            assert registration.parent_name.startswith("net")
            assert registration.name.startswith("net-")


def test_names_resolve_inside_the_vpc() -> None:
    vpc = recorded().only("Vpc").inputs
    assert vpc["enableDnsSupport"] is True
    assert vpc["enableDnsHostnames"] is True


def test_the_default_security_group_is_closed() -> None:
    group = recorded().only("DefaultSecurityGroup").inputs
    assert group["ingress"] == []
    assert group["egress"] == []


def test_load_balancers_find_their_subnets_by_tags() -> None:
    subnets = recorded().all("Subnet")
    for subnet in subnets:
        public = "-public-" in subnet.name
        tags = subnet.inputs["tags"]
        assert tags["kubernetes.io/cluster/llm-test"] == "shared"
        assert ("kubernetes.io/role/elb" in tags) is public
        assert ("kubernetes.io/role/internal-elb" in tags) is not public
        assert tags["Name"] == subnet.name
    assert {s.inputs["availabilityZone"] for s in subnets} == set(NETWORK.zones)


def test_nothing_in_any_subnet_gets_a_public_address_by_itself() -> None:
    assert {s.inputs["mapPublicIpOnLaunch"] for s in recorded().all("Subnet")} == {False}


def test_one_nat_gateway_serves_both_zones_where_one_is_asked_for() -> None:
    engine = recorded()
    nat = engine.only("NatGateway")
    assert nat.name == "net-nat-eu-central-1a"
    assert [r.inputs["natGatewayId"] for r in engine.all("Route") if "natGatewayId" in r.inputs] == [
        engine_id(engine, nat)
    ] * 2
    assert [r.name for r in engine.registrations if "nat-eu-central-1b" in r.name] == []


def test_each_zone_uses_its_own_nat_gateway_where_each_has_one() -> None:
    engine = recorded(NETWORK_FOR_PRODUCTION)
    for zone in NETWORK.zones:
        route = engine.named(f"net-private-{zone}-routes-nat")
        assert route.dependency_names >= {f"net-nat-{zone}"}
    assert len(engine.all("NatGateway")) == len(engine.all("Eip")) == 2


def test_no_nat_zone_means_no_nat_no_address_and_no_way_out() -> None:
    engine = recorded(replace(NETWORK, nat_zones=()))
    assert engine.all("NatGateway") == engine.all("Eip") == []
    assert [r.name for r in engine.all("Route")] == ["net-public-internet"]


def test_nat_gateways_wait_for_the_internet_gateway() -> None:
    engine = recorded()
    assert "net-igw" in engine.only("NatGateway").depends_on
    assert "net-igw" in engine.only("Eip").depends_on


def test_s3_is_reached_without_nat_from_private_subnets_only() -> None:
    engine = recorded()
    endpoint = engine.only("VpcEndpoint")
    assert endpoint.inputs["serviceName"] == f"com.amazonaws.{REGION}.s3"
    assert endpoint.inputs["vpcEndpointType"] == "Gateway"
    assert endpoint.dependency_names >= {f"net-private-{zone}-routes" for zone in NETWORK.zones}
    assert "net-public" not in endpoint.dependency_names


def test_flow_logs_keep_rejected_traffic_and_may_write_to_their_group_only() -> None:
    engine = recorded()
    log = engine.only("FlowLog")
    group_arn = log.inputs["logDestination"]
    assert log.inputs["trafficType"] == "REJECT"
    assert log.depends_on == {"net-flow-logs-policy"}
    assert engine.only("LogGroup").inputs["retentionInDays"] == 30
    policy = engine.only("aws:iam/rolePolicy:RolePolicy").inputs["policy"]
    assert f'"{group_arn}"' in policy
    assert '"*"' not in policy


def test_no_flow_logs_leave_nothing_of_them() -> None:
    engine = recorded(replace(NETWORK, flow_logs=False))
    for type_ in ("FlowLogs", "FlowLog", "LogGroup", "aws:iam/role:Role", "RolePolicy"):
        assert engine.all(type_) == []


@pytest.mark.parametrize("protect", [True, False])
def test_the_vpc_is_protected_by_setting(protect: bool) -> None:
    engine = recorded(replace(NETWORK, protect=protect))
    assert {r.name for r in engine.registrations if r.protect} == ({"net-vpc"} if protect else set())


def test_two_networks_live_side_by_side() -> None:
    def build(provider: aws.Provider) -> None:
        for name, cidr in (("one", "10.0.0.0/16"), ("two", "10.1.0.0/16")):
            plan = replace(NETWORK, cidr=cidr)
            Network(name, NetworkArgs(plan, f"cluster-{name}", REGION, TAGS), under(provider))

    engine = in_region(build)
    assert len(engine.all("Vpc")) == 2
    names = [r.inputs["name"] for r in engine.registrations if "name" in r.inputs]
    assert len(names) == len(set(names))


def test_outputs_name_vpc_and_subnets() -> None:
    engine = recorded()
    outputs = engine.outputs_of(engine.only("vllm-on-eks:index:Network"))
    assert outputs["vpcId"].startswith("vpc-")
    assert len(outputs["privateSubnetIds"]) == len(outputs["publicSubnetIds"]) == 2


def test_a_first_preview_knows_the_wiring_but_no_ids() -> None:
    engine = recorded(preview=True)
    assert engine.only("VpcEndpoint").inputs["vpcId"] is UNKNOWN
    assert engine.summary() == recorded().summary()


def test_existing_subnets_come_in_the_same_shape_and_nothing_is_made() -> None:
    plan = ExistingNetworkPlan("vpc-0existing", ("subnet-0a0", "subnet-0a1", "subnet-0a2"))

    def build(provider: aws.Provider) -> None:
        outputs = network("net", plan, cluster_name="llm-test", region=REGION, tags=TAGS, provider=provider)
        pulumi.export("all", outputs.private_subnet_ids())
        pulumi.export("b", outputs.private_subnet_ids(("us-west-2b",)))
        pulumi.export("vpc", outputs.vpc_id)

    engine = in_region(build)
    assert engine.summary() == ["pulumi:providers:aws aws"]
    assert engine.stack_outputs == {
        "all": ["subnet-0a0", "subnet-0a1", "subnet-0a2"],
        "b": ["subnet-0a1"],
        "vpc": "vpc-0existing",
    }


def test_a_zone_without_a_subnet_is_refused_with_the_zones_there_are() -> None:
    with pytest.raises(ValueError, match=r"no private subnet in c; the network has them in a, b"):
        select_subnets([("a", "subnet-1"), ("b", "subnet-2")], ("a", "c"))


def test_a_zone_without_nat_uses_the_first() -> None:
    assert nat_zone_for("b", ("a", "b")) == "b"
    assert nat_zone_for("c", ("a", "b")) == "a"
    assert nat_zone_for("c", ()) is None


def engine_id(engine: Engine, nat: Registration) -> str:
    """The id the recorded cloud gave a NAT gateway."""
    route = engine.named("net-private-eu-central-1a-routes-nat")
    assert nat.name in route.dependency_names
    return str(route.inputs["natGatewayId"])
