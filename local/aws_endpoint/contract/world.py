"""What is in moto's account and region, as the rules ask for it: zones, routes, roles, node groups, interfaces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.backends import get_backend

# Of the partition, as trust policies name EC2 (China only has the second name).
EC2_SERVICE = {"aws": "ec2.amazonaws.com", "aws-us-gov": "ec2.amazonaws.com", "aws-cn": "ec2.amazonaws.com.cn"}
EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Before:
    """Cluster and node group that a call names, and the group's desired size before it."""

    cluster: Any | None = None
    group: Any | None = None
    desired: int | None = None


@dataclass(frozen=True)
class AccountWorld:
    """One account and region of moto."""

    account_id: str
    region: str
    partition: str

    @property
    def ec2(self) -> Any:
        return get_backend("ec2")[self.account_id][self.region]

    @property
    def eks(self) -> Any:
        return get_backend("eks")[self.account_id][self.region]

    @property
    def efs(self) -> Any:
        return get_backend("efs")[self.account_id][self.region]

    @property
    def ce(self) -> Any:
        return get_backend("ce")[self.account_id][self.partition]

    @property
    def ecr(self) -> Any:
        return get_backend("ecr")[self.account_id][self.region]

    @property
    def elbv2(self) -> Any:
        return get_backend("elbv2")[self.account_id][self.region]

    @property
    def route53(self) -> Any:
        return get_backend("route53")[self.account_id][self.partition]

    def has_secret(self, arn: str) -> bool:
        """Whether Secrets Manager of the account and region has it."""
        secrets = get_backend("secretsmanager")[self.account_id][self.region].secrets
        return any(secret.arn == arn for secret in secrets.values())

    def topic(self, arn: str) -> Any | None:
        """An SNS topic of the account, of any region, or None."""
        parts = arn.split(":")
        if len(parts) != 6 or parts[4] != self.account_id:
            return None
        return get_backend("sns")[self.account_id][parts[3]].topics.get(arn)

    @property
    def iam(self) -> Any:
        return get_backend("iam")[self.account_id][self.partition]

    @property
    def logs(self) -> Any:
        return get_backend("logs")[self.account_id][self.region]

    def remember(self, parameters: Mapping[str, Any]) -> Before:
        """What an effect wants to know of an object that the call changes or takes away."""
        group = self.node_group(parameters)
        desired = group.scaling_config["desiredSize"] if group is not None else None
        return Before(self.cluster(parameters.get("name") or parameters.get("clusterName")), group, desired)

    # -- EKS --

    def cluster(self, name: str | None) -> Any | None:
        return self.eks.clusters.get(name) if name else None

    def node_group(self, parameters: Mapping[str, Any]) -> Any | None:
        cluster = self.cluster(parameters.get("clusterName"))
        return cluster.nodegroups.get(parameters.get("nodegroupName")) if cluster else None

    def node_groups(self) -> Iterator[Any]:
        for cluster in self.eks.clusters.values():
            yield from cluster.nodegroups.values()

    # -- EC2 --

    def subnets(self, ids: Iterable[str]) -> list[Any]:
        """Those of the subnets that exist."""
        known = {subnet.id: subnet for zone in self.ec2.subnets.values() for subnet in zone.values()}
        return [known[id_] for id_ in ids if id_ in known]

    def security_group(self, group_id: str) -> Any | None:
        """A security group of any VPC, or None."""
        return next((group[group_id] for group in self.ec2.groups.values() if group_id in group), None)

    def running_instances(self) -> Iterator[Any]:
        for reservation in self.ec2.reservations.values():
            yield from (instance for instance in reservation.instances if instance.state in ("pending", "running"))

    def zone_id(self, zone: str) -> str | None:
        zones = self.ec2.zones.get(self.region, [])
        return next((zone_id.zone_id for zone_id in zones if zone_id.name == zone), None)

    def zones(self) -> list[str]:
        return [zone.name for zone in self.ec2.zones.get(self.region, [])]

    def route_table_of(self, subnet_id: str) -> Any | None:
        for table in self.ec2.route_tables.values():
            if subnet_id in table._associations.values():
                return table
        return None

    def has_way_out(self, subnet: Any) -> bool:
        """Whether a default route leads from the subnet to an internet gateway, through a NAT gateway or directly."""
        table = self.route_table_of(subnet.id)
        for route in table.routes if table is not None else ():
            if route.destination_cidr_block != EVERYWHERE:
                continue
            if route.nat_gateway is not None:
                gateway = self.ec2.nat_gateways.get(route.nat_gateway.id)
                if gateway is not None and gateway.state == "available":
                    return any(self.has_way_out(subnet) for subnet in self.subnets([gateway.subnet_id]))
            elif route.gateway is not None:
                internet = self.ec2.internet_gateways.get(route.gateway.id)
                return internet is not None and internet.vpc is not None
        return False

    def interfaces_in(self, subnet_id: str) -> list[Any]:
        return [interface for interface in self.ec2.enis.values() if interface.subnet.id == subnet_id]

    def launch_template_data(self, template: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """The data of the version that is named; empty where there is none."""
        if not template:
            return {}
        for known in self.ec2.launch_templates.values():
            if known.id == template.get("id") or known.name == template.get("name"):
                version = str(template.get("version") or known.default_version_number)
                versions = [v for v in known.versions if str(v.number) == version]
                data: Mapping[str, Any] = versions[0].data if versions else {}
                return data
        return {}

    # -- IAM --

    def role(self, arn: str) -> Any | None:
        name = arn.rsplit("/", 1)[-1]
        return next((role for role in self.iam.roles.values() if role.name == name and role.arn == arn), None)

    def trusts(self, role: Any, service: str) -> bool:
        """Whether the role's trust policy lets the service assume it."""
        document = role.assume_role_policy_document
        statements = (json.loads(document) if isinstance(document, str) else document).get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            principal = statement.get("Principal", {})
            named = principal.get("Service", []) if isinstance(principal, dict) else []
            actions = statement.get("Action", [])
            actions = [actions] if isinstance(actions, str) else actions
            allows = statement.get("Effect") == "Allow" and {"sts:AssumeRole", "sts:*", "*"} & set(actions)
            if allows and service in ([named] if isinstance(named, str) else named):
                return True
        return False
