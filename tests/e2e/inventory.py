"""Everything that is in the cluster and at the AWS endpoint, by name: what a destroy must bring back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import boto3
from kubernetes import config, dynamic

from tests.e2e.conftest import Platform

# Kubernetes writes these by itself, at any time.
PASSING = {"Event", "Lease", "Endpoints", "EndpointSlice", "ComponentStatus", "PodMetrics", "NodeMetrics"}
# Helm never deletes what a chart has in crds/ (https://helm.sh/docs/chart_best_practices/custom_resource_definitions),
# and the API server registers a group for each.
LEFT_BY_HELM = "monitoring.coreos.com"


def kubernetes_objects(platform: Platform) -> set[str]:
    """`Kind namespace/name` of every object of every kind that can be listed."""
    api = config.new_client_from_config(config_file=str(platform.paths.kubeconfig))
    client = dynamic.DynamicClient(api)
    found: set[str] = set()
    for resource in client.resources.search():
        listable = "list" in (resource.verbs or ()) and "/" not in resource.name
        if not listable or resource.kind.removesuffix("List") in PASSING:
            continue
        for item in client.get(resource).items:
            name = f"{resource.kind} {item.metadata.namespace or ''}/{item.metadata.name}"
            if not item.metadata.name.endswith(LEFT_BY_HELM):
                found.add(name)
    return found


def aws_objects(platform: Platform, region: str = "us-east-1") -> set[str]:
    """`kind id` of what our program can make in AWS."""
    session = boto3.session.Session("local", "local", region_name=region)
    endpoint = f"http://127.0.0.1:{platform.ports['aws']}"

    def client(name: str) -> Any:
        return session.client(name, endpoint_url=endpoint)

    return {f"{kind} {each}" for kind, listed in _listings(client) for each in listed}


def _listings(client: Callable[[str], Any]) -> Iterator[tuple[str, Iterable[str]]]:
    ec2, iam, eks, kms, logs = (client(name) for name in ("ec2", "iam", "eks", "kms", "logs"))
    # Every account has one, with other ids each time that the endpoint starts.
    default = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"]]
    for kind, call, key, name in (
        ("vpc", ec2.describe_vpcs, "Vpcs", "VpcId"),
        ("subnet", ec2.describe_subnets, "Subnets", "SubnetId"),
        ("security group", ec2.describe_security_groups, "SecurityGroups", "GroupId"),
        ("route table", ec2.describe_route_tables, "RouteTables", "RouteTableId"),
        ("internet gateway", ec2.describe_internet_gateways, "InternetGateways", "InternetGatewayId"),
        ("address", ec2.describe_addresses, "Addresses", "AllocationId"),
        ("launch template", ec2.describe_launch_templates, "LaunchTemplates", "LaunchTemplateId"),
        ("flow log", ec2.describe_flow_logs, "FlowLogs", "FlowLogId"),
        ("role", iam.list_roles, "Roles", "RoleName"),
        ("instance profile", iam.list_instance_profiles, "InstanceProfiles", "InstanceProfileName"),
        ("log group", logs.describe_log_groups, "logGroups", "logGroupName"),
        ("key alias", kms.list_aliases, "Aliases", "AliasName"),
    ):
        yield kind, [row[name] for row in call()[key] if row.get("VpcId") not in default]
    # Shown for a while after they are gone, as in EC2 (moto: for ever).
    gateways, endpoints = ec2.describe_nat_gateways()["NatGateways"], ec2.describe_vpc_endpoints()["VpcEndpoints"]
    yield "nat gateway", [row["NatGatewayId"] for row in gateways if row["State"] != "deleted"]
    yield "endpoint", [row["VpcEndpointId"] for row in endpoints if row["State"] != "deleted"]
    yield "policy", [row["PolicyName"] for row in iam.list_policies(Scope="Local")["Policies"]]
    yield "oidc provider", [r["Arn"] for r in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    yield "cluster", eks.list_clusters()["clusters"]
    keys = [kms.describe_key(KeyId=row["KeyId"])["KeyMetadata"] for row in kms.list_keys()["Keys"]]
    # A key cannot be deleted at once: scheduled is the most that KMS does.
    yield "key", [row["KeyId"] for row in keys if row["KeyState"] != "PendingDeletion"]
