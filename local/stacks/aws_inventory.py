"""What our program can make in AWS, listed at the endpoint: a row per kind, and what lives in another of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Client = Callable[[str], Any]
OF_AWS = "alias/aws/"


@dataclass(frozen=True)
class Listing:
    """A kind and the call that lists it. `rows`, `key`: in its answer the list, and in each of that the id."""

    kind: str
    service: str
    operation: str
    rows: str
    key: str
    token: str
    """Pulumi's type of it; empty: made by a controller."""
    gone: tuple[str, tuple[str, ...]] = ("", ())
    """A field and its values, by which what is gone is still shown for a while (moto: forever)."""
    arguments: tuple[tuple[str, str], ...] = ()


LISTINGS: tuple[Listing, ...] = (
    Listing("vpc", "ec2", "describe_vpcs", "Vpcs", "VpcId", "aws:ec2/vpc:Vpc"),
    Listing("subnet", "ec2", "describe_subnets", "Subnets", "SubnetId", "aws:ec2/subnet:Subnet"),
    Listing(
        *("security group", "ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
        "aws:ec2/securityGroup:SecurityGroup",
    ),
    Listing(
        *("route table", "ec2", "describe_route_tables", "RouteTables", "RouteTableId"), "aws:ec2/routeTable:RouteTable"
    ),
    Listing(
        *("internet gateway", "ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        "aws:ec2/internetGateway:InternetGateway",
    ),
    Listing("address", "ec2", "describe_addresses", "Addresses", "AllocationId", "aws:ec2/eip:Eip"),
    Listing(
        *("launch template", "ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
        "aws:ec2/launchTemplate:LaunchTemplate",
    ),
    Listing("flow log", "ec2", "describe_flow_logs", "FlowLogs", "FlowLogId", "aws:ec2/flowLog:FlowLog"),
    Listing(
        *("nat gateway", "ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
        "aws:ec2/natGateway:NatGateway",
        ("State", ("deleted",)),
    ),
    Listing(
        *("endpoint", "ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        ("State", ("deleted",)),
    ),
    Listing("volume", "ec2", "describe_volumes", "Volumes", "VolumeId", ""),
    Listing("role", "iam", "list_roles", "Roles", "RoleName", "aws:iam/role:Role"),
    Listing(
        *("instance profile", "iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
        "aws:iam/instanceProfile:InstanceProfile",
    ),
    Listing(
        *("policy", "iam", "list_policies", "Policies", "PolicyName"),
        "aws:iam/policy:Policy",
        arguments=(("Scope", "Local"),),
    ),
    Listing(
        *("oidc provider", "iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    ),
    Listing(
        *("log group", "logs", "describe_log_groups", "logGroups", "logGroupName"), "aws:cloudwatch/logGroup:LogGroup"
    ),
    Listing("key alias", "kms", "list_aliases", "Aliases", "AliasName", "aws:kms/alias:Alias"),
    Listing("cluster", "eks", "list_clusters", "clusters", "name", "aws:eks/cluster:Cluster"),
    Listing("queue", "sqs", "list_queues", "QueueUrls", "name", "aws:sqs/queue:Queue"),
    Listing("event rule", "events", "list_rules", "Rules", "Name", "aws:cloudwatch/eventRule:EventRule"),
    Listing(
        *("file system", "efs", "describe_file_systems", "FileSystems", "FileSystemId"), "aws:efs/fileSystem:FileSystem"
    ),
    Listing("bucket", "s3", "list_buckets", "Buckets", "Name", "aws:s3/bucket:Bucket"),
    Listing(
        *("repository", "ecr", "describe_repositories", "repositories", "repositoryName"),
        "aws:ecr/repository:Repository",
    ),
    Listing(
        *("pull-through rule", "ecr", "describe_pull_through_cache_rules", "pullThroughCacheRules"),
        *("ecrRepositoryPrefix", "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"),
    ),
    Listing(*("secret", "secretsmanager", "list_secrets", "SecretList", "Name"), "aws:secretsmanager/secret:Secret"),
    Listing(
        *("certificate", "acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
        "aws:acm/certificate:Certificate",
    ),
    Listing("topic", "sns", "list_topics", "Topics", "TopicArn", "aws:sns/topic:Topic"),
    Listing(
        *("chat channel", "chatbot", "describe_slack_channel_configurations", "SlackChannelConfigurations"),
        "ConfigurationName",
        "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
    ),
    Listing(
        *("team channel", "chatbot", "list_microsoft_teams_channel_configurations", "TeamChannelConfigurations"),
        "ConfigurationName",
        "aws:chatbot/teamsChannelConfiguration:TeamsChannelConfiguration",
    ),
    Listing(
        *("anomaly monitor", "ce", "get_anomaly_monitors", "AnomalyMonitors", "MonitorName"),
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
    ),
    Listing(
        *("anomaly subscription", "ce", "get_anomaly_subscriptions", "AnomalySubscriptions", "SubscriptionName"),
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
    ),
)
IN_ACCOUNT = {
    "budget": "aws:budgets/budget:Budget",
    "key": "aws:kms/key:Key",
    "instance": "",
    "record": "aws:route53/record:Record",
}
"""Kinds that need more than one call (below)."""
WITHIN: Mapping[str, str] = {
    "aws:acm/certificateValidation:CertificateValidation": "certificate",
    "aws:cloudwatch/eventTarget:EventTarget": "event rule",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "vpc",
    "aws:ec2/route:Route": "route table",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "route table",
    "aws:ec2/securityGroupRule:SecurityGroupRule": "security group",
    "aws:efs/accessPoint:AccessPoint": "file system",
    "aws:efs/backupPolicy:BackupPolicy": "file system",
    "aws:efs/fileSystemPolicy:FileSystemPolicy": "file system",
    "aws:efs/mountTarget:MountTarget": "file system",
    "aws:eks/accessEntry:AccessEntry": "cluster",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "cluster",
    "aws:eks/addon:Addon": "cluster",
    "aws:eks/nodeGroup:NodeGroup": "cluster",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "cluster",
    "aws:iam/rolePolicy:RolePolicy": "role",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "role",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    "aws:secretsmanager/secretVersion:SecretVersion": "secret",
    "aws:sns/topicPolicy:TopicPolicy": "topic",
    "aws:sns/topicSubscription:TopicSubscription": "topic",
    "aws:sqs/queuePolicy:QueuePolicy": "queue",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "security group",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "security group",
}
"""What goes with the kind that it is a part of: AWS lets that one go only without it, or takes it along."""


def aws_objects(endpoint_url: str | None, region: str = "us-east-1", by_name: bool = False) -> list[str]:
    """`kind id` of what our program can make in AWS; `by_name`: `kind Name`, the same at each making."""
    import boto3

    session = boto3.session.Session("local", "local", region_name=region)

    def client(name: str) -> Any:
        return session.client(name, endpoint_url=endpoint_url)

    listed = ((kind, row, key) for kind, key, rows in _rows(client) for row in rows)
    return sorted(f"{kind} {_name(row, key) if by_name else row[key]}" for kind, row, key in listed)


def _name(row: Row, key: str) -> str:
    tags = {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue")) for tag in row.get("Tags") or ()}
    return str(tags.get("Name") or ("(no name)" if key.endswith("Id") else row[key]))


def _rows(client: Client) -> Iterator[tuple[str, str, list[Row]]]:
    """Kind, key of the id, rows."""
    # Every account has one, with other ids each time that the endpoint starts.
    default = [vpc["VpcId"] for vpc in client("ec2").describe_vpcs()["Vpcs"] if vpc["IsDefault"]]
    for listing in LISTINGS:
        answer = getattr(client(listing.service), listing.operation)(**dict(listing.arguments))
        rows = [row if isinstance(row, Mapping) else {"name": row} for row in answer.get(listing.rows) or []]
        field, values = listing.gone
        stay = [row for row in rows if row.get("VpcId") not in default and (not field or row[field] not in values)]
        yield listing.kind, listing.key, stay
    yield "instance", "InstanceId", _instances(client)
    yield "key", "KeyId", own_keys(client)
    yield "record", "Name", _records(client)
    account = client("sts").get_caller_identity()["Account"]
    yield "budget", "BudgetName", client("budgets").describe_budgets(AccountId=account).get("Budgets") or []


def _instances(client: Client) -> list[Row]:
    """Karpenter's; shown for an hour after they are terminated."""
    reservations = client("ec2").describe_instances()["Reservations"]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    return [instance for instance in instances if instance["State"]["Name"] != "terminated"]


def _records(client: Client) -> list[Row]:
    """Of all hosted zones, but for those that each zone begins with."""
    route53 = client("route53")
    zones = [zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]]
    listed = [route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] for zone in zones]
    return [row for rows in listed for row in rows if row["Type"] not in ("NS", "SOA")]


def own_keys(client: Client) -> list[Row]:
    """Customers' own: AWS makes one of each of its aliases `alias/aws/...` when a service first asks for it, which
    stays. Of the others scheduled is the most that KMS does at once."""
    kms = client("kms")
    of_aws = {row.get("TargetKeyId") for row in kms.list_aliases()["Aliases"] if row["AliasName"].startswith(OF_AWS)}
    keys = [kms.describe_key(KeyId=row["KeyId"])["KeyMetadata"] for row in kms.list_keys()["Keys"]]
    return [
        {**row, "Tags": kms.list_resource_tags(KeyId=row["KeyId"])["Tags"]}
        for row in keys
        if row["KeyState"] != "PendingDeletion" and row["KeyId"] not in of_aws
    ]
