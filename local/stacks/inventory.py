"""Everything that is in the cluster and at the AWS endpoint: what a destroy must bring back to what was before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# Kubernetes writes these by itself, at any time.
PASSING = {"Event", "Lease", "Endpoints", "EndpointSlice", "ComponentStatus", "PodMetrics", "NodeMetrics"}
# Helm never deletes what a chart has in crds/ (https://helm.sh/docs/chart_best_practices/custom_resource_definitions),
# and the API server registers a group for each.
API_GROUPS_LEFT_BY_HELM = ("monitoring.coreos.com", "keda.sh")
# What is gone meanwhile, cannot be listed, or is served by an aggregated API that is down.
AWAY = (404, 405, 503)


def every_object(kubeconfig: Path) -> Iterator[dict[str, Any]]:
    """Every object of every kind that can be listed, with its kind, as JSON.

    What is served by an aggregated API that is down, and what goes away meanwhile, is left out.
    """
    get = _reader(kubeconfig)
    for base, resource in _listable(get):
        for item in get(f"{base}/{resource['name']}").get("items") or []:
            if not item["metadata"]["name"].endswith(API_GROUPS_LEFT_BY_HELM):
                yield {**item, "kind": resource["kind"]}


def _listable(get: Callable[[str], dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Base path and description of every kind, in its group's preferred version."""
    groups = get("/apis")["groups"]
    for base in ("/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)):
        for resource in get(base).get("resources") or []:
            if "list" in resource["verbs"] and "/" not in resource["name"] and resource["kind"] not in PASSING:
                yield base, resource


def _reader(kubeconfig: Path) -> Callable[[str], dict[str, Any]]:
    """GET of a path as JSON through the official client; empty for what is away. Raises its ApiException otherwise.

    Every kind, known to the client's models or not, looks as the API server says it.
    """
    from kubernetes import client, config  # half a second

    api = config.new_client_from_config(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]

    def get(path: str) -> dict[str, Any]:
        response = api.call_api(*api.param_serialize("GET", path, auth_settings=["BearerToken"]))
        text = response.read()
        if response.status in AWAY:
            return {}
        if response.status >= 400:
            raise client.ApiException(http_resp=response)
        answer: dict[str, Any] = json.loads(text)
        return answer

    return get


def title(item: Mapping[str, Any]) -> str:
    """`Kind namespace/name`"""
    metadata = item["metadata"]
    return f"{item['kind']} {metadata.get('namespace') or ''}/{metadata['name']}"


def kubernetes_objects(kubeconfig: Path) -> set[str]:
    """`Kind namespace/name` of every object of every kind that can be listed."""
    return {title(item) for item in every_object(kubeconfig)}


def aws_objects(endpoint_url: str, region: str = "us-east-1", by_name: bool = False) -> list[str]:
    """`kind id` of what our program can make in AWS; `by_name`: `kind Name`, the same at each making."""
    import boto3

    session = boto3.session.Session("local", "local", region_name=region)

    def client(name: str) -> Any:
        return session.client(name, endpoint_url=endpoint_url)

    listed = ((kind, row, key) for kind, key, rows in _listings(client) for row in rows)
    return sorted(f"{kind} {_name(row, key) if by_name else row[key]}" for kind, row, key in listed)


def _name(row: Mapping[str, Any], key: str) -> str:
    tags = {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue")) for tag in row.get("Tags") or ()}
    return str(tags.get("Name") or ("(no name)" if key.endswith("Id") else row[key]))


def _listings(client: Callable[[str], Any]) -> Iterator[tuple[str, str, Iterable[Mapping[str, Any]]]]:
    """Kind, key of the id, rows."""
    ec2, iam, eks, kms, logs = (client(name) for name in ("ec2", "iam", "eks", "kms", "logs"))
    # Every account has one, with other ids each time that the endpoint starts.
    default = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"]]
    for kind, call, rows, key in (
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
        yield kind, key, [row for row in call()[rows] if row.get("VpcId") not in default]
    # Shown for a while after they are gone, as in EC2 (moto: forever).
    gateways, endpoints = ec2.describe_nat_gateways()["NatGateways"], ec2.describe_vpc_endpoints()["VpcEndpoints"]
    yield "nat gateway", "NatGatewayId", [row for row in gateways if row["State"] != "deleted"]
    yield "endpoint", "VpcEndpointId", [row for row in endpoints if row["State"] != "deleted"]
    yield "policy", "PolicyName", iam.list_policies(Scope="Local")["Policies"]
    yield "oidc provider", "Arn", iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    yield "cluster", "name", [{"name": name} for name in eks.list_clusters()["clusters"]]
    keys = [kms.describe_key(KeyId=row["KeyId"])["KeyMetadata"] for row in kms.list_keys()["Keys"]]
    # A key cannot be deleted at once: scheduled is the most that KMS does.
    tagged = [
        {**row, "Tags": kms.list_resource_tags(KeyId=row["KeyId"])["Tags"]}
        for row in keys
        if row["KeyState"] != "PendingDeletion"
    ]
    yield "key", "KeyId", tagged
