"""`Network`: a VPC with public and private subnets, and `existing_network`, which gives the same outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.flow_logs import FlowLogs, FlowLogsArgs
from components.tags import named
from planning.model import CreateNetworkPlan, ExistingNetworkPlan, SubnetPlan, Tags

INTERNET = "0.0.0.0/0"


@dataclass(frozen=True)
class PrivateSubnet:
    """A subnet for nodes; for one that exists already, AWS tells the zone."""

    id: pulumi.Input[str]
    zone: pulumi.Input[str]


@dataclass(frozen=True)
class NetworkOutputs:
    """What the rest of the stack needs of a network, created or existing."""

    vpc_id: pulumi.Output[str]
    private_subnets: tuple[PrivateSubnet, ...]
    public_subnet_ids: tuple[pulumi.Output[str], ...]

    def private_subnet_ids(self, zones: Sequence[str] = ()) -> pulumi.Output[list[str]]:
        """Ids of the private subnets in `zones`; all of them when empty. Raises where a zone has none."""
        pairs = [pulumi.Output.all(subnet.zone, subnet.id) for subnet in self.private_subnets]
        return pulumi.Output.all(*pairs).apply(lambda placed: select_subnets(placed, zones))


def select_subnets(subnets: Sequence[Sequence[str]], zones: Sequence[str]) -> list[str]:
    """Ids out of (zone, id) pairs whose zone is listed; all when none is listed."""
    missing = set(zones) - {zone for zone, _ in subnets}
    if missing:
        have = ", ".join(sorted({zone for zone, _ in subnets}))
        raise ValueError(f"no private subnet in {', '.join(sorted(missing))}; the network has them in {have}")
    return [identity for zone, identity in subnets if not zones or zone in zones]


@dataclass(frozen=True)
class NetworkArgs:
    """`cluster_name`: the cluster whose load balancers may use the subnets. `region`: where the VPC is."""

    plan: CreateNetworkPlan
    cluster_name: str
    region: str
    tags: Tags


class Network(pulumi.ComponentResource):
    """A VPC: nodes in private subnets, NAT and load balancers in public ones, S3 without NAT."""

    outputs: NetworkOutputs

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Network", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args.plan.cidr,
            # Nodes register with their DNS name, and private EKS endpoints resolve, only with both.
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=named(args.tags, f"{name}-vpc"),
            opts=pulumi.ResourceOptions(parent=self, protect=args.plan.protect or None),
        )
        # Without rules, everything that names no security group of its own is closed.
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default-closed",
            vpc_id=vpc.id,
            ingress=[],
            egress=[],
            tags=named(args.tags, f"{name}-default-closed"),
            opts=self._child,
        )
        subnets = {plan: self._subnet(vpc.id, plan) for plan in args.plan.subnets}
        public = {plan.zone: subnet for plan, subnet in subnets.items() if plan.public}
        private = {plan.zone: subnet for plan, subnet in subnets.items() if not plan.public}
        gateway = self._public_routes(vpc.id, public)  # with the routes of NAT gateways, see _nat_gateways
        tables, ways = self._private_routes(vpc.id, private, self._nat_gateways(public, gateway))
        endpoint = aws.ec2.VpcEndpoint(
            f"{name}-s3",  # image layers and weights in S3 do not pass, and are not billed by, the NAT gateway
            vpc_id=vpc.id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{args.region}.s3",
            route_table_ids=[table.id for table in tables],
            tags=named(args.tags, f"{name}-s3"),
            opts=self._child,
        )
        if args.plan.flow_logs:
            FlowLogs(f"{name}-flow-logs", FlowLogsArgs(vpc_id=vpc.id, tags=args.tags), self._child)
        self.outputs = NetworkOutputs(
            vpc_id=vpc.id,
            private_subnets=tuple(
                PrivateSubnet(with_way_out(subnet, [*ways[zone], endpoint.vpc_id]), zone)
                for zone, subnet in private.items()
            ),
            public_subnet_ids=tuple(subnet.id for subnet in public.values()),
        )
        self.register_outputs(
            {
                "vpcId": vpc.id,
                "privateSubnetIds": self.outputs.private_subnet_ids(),
                "publicSubnetIds": list(self.outputs.public_subnet_ids),
            }
        )

    def _subnet(self, vpc_id: pulumi.Input[str], plan: SubnetPlan) -> aws.ec2.Subnet:
        side = "public" if plan.public else "private"
        name = f"{self._name}-{side}-{plan.zone}"
        return aws.ec2.Subnet(
            name,
            vpc_id=vpc_id,
            cidr_block=plan.cidr,
            availability_zone=plan.zone,
            # Only NAT gateways and load balancers live in public subnets, and bring their own addresses.
            map_public_ip_on_launch=False,
            tags={**named(self._args.tags, name), **load_balancer_tags(self._args.cluster_name, plan.public)},
            opts=self._child,
        )

    def _public_routes(self, vpc_id: pulumi.Input[str], public: Mapping[str, aws.ec2.Subnet]) -> list[pulumi.Resource]:
        """Internet gateway, route and associations: a NAT gateway works while all of them are there."""
        tags = self._args.tags
        gateway = aws.ec2.InternetGateway(
            f"{self._name}-igw", vpc_id=vpc_id, tags=named(tags, f"{self._name}-igw"), opts=self._child
        )
        name = f"{self._name}-public"
        table = aws.ec2.RouteTable(name, vpc_id=vpc_id, tags=named(tags, name), opts=self._child)
        route = aws.ec2.Route(
            f"{name}-internet",
            route_table_id=table.id,
            destination_cidr_block=INTERNET,
            gateway_id=gateway.id,
            opts=self._child,
        )
        associations = [
            aws.ec2.RouteTableAssociation(
                f"{name}-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
            )
            for zone, subnet in public.items()
        ]
        return [gateway, route, *associations]

    def _nat_gateways(
        self, public: Mapping[str, aws.ec2.Subnet], internet: list[pulumi.Resource]
    ) -> dict[str, aws.ec2.NatGateway]:
        gateways = {}
        for zone in self._args.plan.nat_zones:
            name = f"{self._name}-nat-{zone}"
            # AWS: an address or NAT gateway works, and goes away, only while the VPC's internet gateway is attached;
            # what nodes send through it leaves by the public subnet's route.
            after_gateway = pulumi.ResourceOptions(parent=self, depends_on=internet)
            address = aws.ec2.Eip(
                f"{name}-ip", domain="vpc", tags=named(self._args.tags, f"{name}-ip"), opts=after_gateway
            )
            gateways[zone] = aws.ec2.NatGateway(
                name,
                subnet_id=public[zone].id,
                allocation_id=address.id,
                tags=named(self._args.tags, name),
                opts=after_gateway,
            )
        return gateways

    def _private_routes(
        self,
        vpc_id: pulumi.Input[str],
        private: Mapping[str, aws.ec2.Subnet],
        nat_gateways: Mapping[str, aws.ec2.NatGateway],
    ) -> tuple[list[aws.ec2.RouteTable], dict[str, list[pulumi.Output[str]]]]:
        """Route tables, and by zone what says that its subnet has its routes."""
        tables = []
        ways: dict[str, list[pulumi.Output[str]]] = {}
        for zone, subnet in private.items():
            name = f"{self._name}-private-{zone}-routes"
            table = aws.ec2.RouteTable(name, vpc_id=vpc_id, tags=named(self._args.tags, name), opts=self._child)
            nat_zone = nat_zone_for(zone, tuple(nat_gateways))
            ways[zone] = []
            if nat_zone:
                route = aws.ec2.Route(
                    f"{name}-nat",
                    route_table_id=table.id,
                    destination_cidr_block=INTERNET,
                    nat_gateway_id=nat_gateways[nat_zone].id,
                    opts=self._child,
                )
                ways[zone].append(route.route_table_id)
            association = aws.ec2.RouteTableAssociation(
                f"{name}-subnet", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
            )
            ways[zone].append(association.route_table_id)
            tables.append(table)
        return tables, ways


def with_way_out(subnet: aws.ec2.Subnet, ways: Sequence[pulumi.Output[str]]) -> pulumi.Output[str]:
    """The subnet's id for resources that start something in it: known once its routes exist, deleted before them.

    `ways` are echoed inputs of route, association and endpoint (not ids): known in the preview of a change, where an
    unknown subnet would be shown as a replacement of cluster and nodes.
    """
    return pulumi.Output.all(subnet.id, *ways).apply(lambda parts: str(parts[0]))


def nat_zone_for(zone: str, nat_zones: Sequence[str]) -> str | None:
    """Whose NAT gateway a zone uses: its own, else the first; None when there is none."""
    if zone in nat_zones:
        return zone
    return nat_zones[0] if nat_zones else None


def load_balancer_tags(cluster_name: str, public: bool) -> Tags:
    """How the load balancer controllers find the subnets they may use."""
    role = "kubernetes.io/role/elb" if public else "kubernetes.io/role/internal-elb"
    return {role: "1", f"kubernetes.io/cluster/{cluster_name}": "shared"}


def existing_network(plan: ExistingNetworkPlan, opts: pulumi.InvokeOptions | None = None) -> NetworkOutputs:
    """The same outputs for subnets that exist; AWS is asked for their zones."""
    subnets = [(identity, aws.ec2.get_subnet_output(id=identity, opts=opts)) for identity in plan.private_subnet_ids]
    return NetworkOutputs(
        vpc_id=pulumi.Output.from_input(plan.vpc_id),
        private_subnets=tuple(PrivateSubnet(identity, subnet.availability_zone) for identity, subnet in subnets),
        public_subnet_ids=(),
    )


def network(
    name: str,
    plan: CreateNetworkPlan | ExistingNetworkPlan,
    *,
    cluster_name: str,
    region: str,
    tags: Tags,
    provider: pulumi.ProviderResource,
) -> NetworkOutputs:
    """The network the plan asks for, made or found."""
    if isinstance(plan, ExistingNetworkPlan):
        return existing_network(plan, pulumi.InvokeOptions(provider=provider))
    args = NetworkArgs(plan=plan, cluster_name=cluster_name, region=region, tags=tags)
    return Network(name, args, pulumi.ResourceOptions(providers=[provider])).outputs
