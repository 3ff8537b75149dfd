"""For each refusal of the contract a call that breaks it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from local.aws_endpoint.contract.account import Runner
from tests.local.aws.needs import policy, trust
from tests.local.aws_endpoint.land import ACCOUNT, Land, new_name
from tests.local.aws_endpoint.launches import as_pod, fleet, template
from tests.local.aws_endpoint.zones import certificate, change, changed_again, held, zone

ENTRY = "arn:aws:iam::444455556666:role/guest"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
WHOLE = {"type": "cluster"}


def _entry(here: Land, cluster: str | None = None, **more: Any) -> str:
    name = cluster or here.cluster()
    here.eks.create_access_entry(**{"clusterName": name, "principalArn": ENTRY, **more})
    return name


def _associate(here: Land, cluster: str | None = None, **more: Any) -> None:
    name = cluster or _entry(here)
    arguments = {"principalArn": ENTRY, "policyArn": VIEW, "accessScope": WHOLE, **more}
    here.eks.associate_access_policy(clusterName=name, **arguments)


def _budget(here: Land, notices: list[list[str]]) -> None:
    """A budget with these notices, each by the kinds of its subscribers."""
    document = {"BudgetName": new_name("b"), "BudgetType": "COST", "TimeUnit": "MONTHLY"}
    document |= {"BudgetLimit": {"Amount": "1", "Unit": "USD"}}
    given = [
        {
            "Notification": {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 10.0 + n},
            "Subscribers": [{"SubscriptionType": kind, "Address": f"a{n}@example.com"} for kind in kinds],
        }
        for n, kinds in enumerate(notices)
    ]
    here.budgets.create_budget(AccountId=ACCOUNT, Budget=document, NotificationsWithSubscribers=given)


_SLACK = {
    "SlackTeamId": "T07EA123LEP",
    "SlackChannelId": "C07EZ1ABC23",
    "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/any",
    "ConfigurationName": "bill",
}


def _elsewhere(here: Land, region: str) -> Land:
    return replace(here, region=region)


def _cached(here: Land, prefix: str | None = None, url: str = "quay.io", **more: str) -> None:
    here.ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix=prefix or new_name("cache"), upstreamRegistryUrl=url, **more
    )


_NO_SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ecr-pullthroughcache/none-AbCdEf"


def _services_monitor(here: Land) -> None:
    monitor = {"MonitorName": new_name("m"), "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE"}
    here.ce.create_anomaly_monitor(AnomalyMonitor=monitor)


def _told_of_anomalies(here: Land, frequency: str, kind: str, **more: Any) -> None:
    tagged = {"Tags": {"Key": "stack", "Values": ["dev"]}}
    monitor = {"MonitorName": new_name("m"), "MonitorType": "CUSTOM", "MonitorSpecification": tagged}
    watched = here.ce.create_anomaly_monitor(AnomalyMonitor=monitor)["MonitorArn"]
    document = {"SubscriptionName": new_name("s"), "MonitorArnList": [watched], "Frequency": frequency}
    document["Subscribers"] = [{"Type": kind, "Address": "a@example.com"}]
    here.ce.create_anomaly_subscription(AnomalySubscription={**document, **more})


def _cluster_vpc(here: Land, **vpc: Any) -> None:
    here.cluster(vpc=vpc)


def _addon(here: Land, cluster: str | None = None, **more: Any) -> str:
    name = cluster or here.cluster()
    here.eks.create_addon(**{"clusterName": name, "addonName": "vpc-cni", **more})
    return name


def _group(here: Land, **more: Any) -> None:
    here.group(here.cluster(), **more)


def _resize(here: Land, **sizes: int) -> None:
    name = here.cluster()
    group = here.group(name)
    here.eks.update_nodegroup_config(clusterName=name, nodegroupName=group, scalingConfig=sizes)


def _template_group(here: Land, data: dict[str, Any], **more: Any) -> None:
    _group(here, launchTemplate={"id": here.template(**data), "version": "1"}, **more)


def _groups(here: Land, vpc: str, count: int) -> list[str]:
    """Security groups of a VPC."""
    return [
        here.ec2.create_security_group(GroupName=f"nodes-{n}", Description="nodes", VpcId=vpc)["GroupId"]
        for n in range(count)
    ]


def _version(here: Land, start: str = "1.34", **given: Any) -> None:
    name = here.cluster(version="1.34")
    group = here.group(name, version=start, **({"launchTemplate": given.pop("was")} if "was" in given else {}))
    here.eks.update_nodegroup_version(clusterName=name, nodegroupName=group, **given)


def _two_updates(here: Land) -> None:
    here.account.nodes_roll = True
    name = here.cluster()
    group = here.group(name)
    _twice(lambda: here.eks.update_nodegroup_version(clusterName=name, nodegroupName=group))


def _nodes_left_behind(here: Land) -> None:
    name = here.cluster(version="1.31")
    here.group(name)
    for version in ("1.32", "1.33", "1.34", "1.35"):
        here.eks.update_cluster_version(name=name, version=version)
        if version == "1.35":
            raise AssertionError("four minors apart")


def _own_image(here: Land) -> None:
    name, template = here.cluster(), {"id": here.template(ImageId="ami-1"), "version": "1"}
    group = here.group(name, launchTemplate=template, amiType="CUSTOM")
    here.eks.update_nodegroup_version(clusterName=name, nodegroupName=group, version="1.34")


def _release_back(here: Land, newer: str, older: str, version: str, **more: Any) -> None:
    name = here.cluster(version=version)
    group = here.group(name, releaseVersion=newer, **more)
    here.eks.update_nodegroup_version(clusterName=name, nodegroupName=group, releaseVersion=older)


def _up(here: Land, start: str, wanted: str) -> None:
    here.eks.update_cluster_version(name=here.cluster(version=start), version=wanted)


def _delete(here: Land, **more: Any) -> None:
    name = here.cluster(**more)
    if not more:
        here.group(name)
    here.eks.delete_cluster(name=name)


def _twice(call: Callable[[], Any]) -> None:
    call()
    call()


def _private(here: Land, address: str, **vpc: Any) -> str:
    here.account.runner = Runner(None, address)
    return here.cluster(vpc={"endpointPublicAccess": False, "endpointPrivateAccess": True, **vpc})


def _profile(here: Land) -> tuple[str, str]:
    """An instance profile and the role in it."""
    profile, role = new_name("profile"), _role(here)
    here.iam.create_instance_profile(InstanceProfileName=profile)
    here.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    return profile, role


def _rule_with_target(here: Land) -> None:
    name = new_name("rule")
    here.events.put_rule(Name=name, EventPattern='{"source": ["aws.ec2"]}')
    queue = f"arn:aws:sqs:{here.region}:{ACCOUNT}:q"
    here.events.put_targets(Rule=name, Targets=[{"Id": "karpenter", "Arn": queue}])
    here.events.delete_rule(Name=name)


def _role(here: Land) -> str:
    name = new_name("role")
    here.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("eks.amazonaws.com"))
    return name


def _eleven_policies(here: Land) -> None:
    name = _role(here)
    for index in range(11):
        made = here.iam.create_policy(PolicyName=new_name("p"), PolicyDocument=policy(f"s3:Get{index}"))
        here.iam.attach_role_policy(RoleName=name, PolicyArn=made["Policy"]["Arn"])


def _delete_role(here: Land) -> None:
    name = _role(here)
    here.iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    here.iam.delete_role(RoleName=name)


def _quota(here: Land, code: str, call: Callable[[], Any]) -> None:
    here.account.quotas = {code: 1}
    call()
    call()


def _rules(here: Land) -> None:
    here.account.quotas = {"L-0EA8095F": 60}
    group = here.ec2.create_security_group(GroupName=new_name("g"), Description="d", VpcId=here.vpc)["GroupId"]
    for number in range(61):
        here.ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": f"10.9.{number}.0/24"}]}
            ],
        )


def _two_gateways(here: Land) -> None:
    here.account.quotas = {"L-FE5A380F": 1}
    gateway = here.ec2.describe_nat_gateways()["NatGateways"][0]
    address = here.ec2.allocate_address(Domain="vpc")["AllocationId"]
    here.ec2.create_nat_gateway(SubnetId=gateway["SubnetId"], AllocationId=address)


def _gateway(here: Land) -> str:
    return str(here.ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"])


def _tagged(*keys: str) -> list[dict[str, Any]]:
    return [{"ResourceType": "vpc", "Tags": [{"Key": key, "Value": "v"} for key in keys]}]


def _volumes(here: Land) -> None:
    here.account.runner = Runner("198.51.100.7")
    name = here.cluster(accessConfig={"authenticationMode": "API"})
    here.group(name)
    here.inside("kubernetes:Delete", name, volumes=1)


def _installed(here: Land, nodes: bool = True) -> None:
    name = here.cluster()
    if nodes:
        here.group(name, subnets=[here.shut])
    here.inside("kubernetes:Install", name)


OTHER_VPC = "10.0.0.0/16"


def _two_vpcs(here: Land) -> None:
    other = here.ec2.create_vpc(CidrBlock=OTHER_VPC)["Vpc"]["VpcId"]
    zone = here.ec2.describe_subnets(SubnetIds=here.subnets[:1])["Subnets"][0]["AvailabilityZone"]
    _cluster_vpc(here, subnetIds=[here.subnets[1], here.subnet(zone[-1], 1, other)])


def _files(here: Land, **more: Any) -> str:
    """A file system."""
    return str(here.efs.create_file_system(CreationToken=new_name("f"), **more)["FileSystemId"])


def _wrong_roots(here: Land) -> None:
    """Five folders, and 101 characters: the second is tried only where the first is refused as well."""
    files = _files(here)
    for path in ("/a/b/c/d/e", f"/{100 * 'a'}"):
        given = {"FileSystemId": files, "ClientToken": new_name("t"), "RootDirectory": {"Path": path}}
        try:
            here.efs.create_access_point(**given)
        except here.efs.exceptions.BadRequest:
            if path.count("/") == 1:
                raise
        else:
            raise AssertionError(f"{path} was taken")


def _mounted(here: Land, **more: Any) -> str:
    """One with a mount target in the first subnet."""
    files = _files(here)
    here.efs.create_mount_target(FileSystemId=files, SubnetId=here.subnets[0], **more)
    return files


def _other_zone_of(here: Land) -> None:
    zone = here.ec2.describe_subnets(SubnetIds=here.subnets[:1])["Subnets"][0]["AvailabilityZone"]
    files = _files(here, AvailabilityZoneName=zone)
    here.efs.create_mount_target(FileSystemId=files, SubnetId=here.subnets[1])


def _two_changes(here: Land) -> None:
    files = _files(here, ThroughputMode="elastic")
    here.efs.update_file_system(FileSystemId=files, ThroughputMode="bursting")
    here.efs.update_file_system(FileSystemId=files, ThroughputMode="elastic")


def _group_in_use(here: Land) -> None:
    group = here.ec2.create_security_group(GroupName=new_name("g"), Description="d", VpcId=here.vpc)["GroupId"]
    _mounted(here, SecurityGroups=[group])
    here.ec2.delete_security_group(GroupId=group)


BREAKS: dict[str, Callable[[Land], Any]] = {
    "access-mode-config-map": lambda h: _entry(h, h.cluster(accessConfig={"authenticationMode": "CONFIG_MAP"})),
    "access-entry-twice": lambda h: _entry(h, principalArn=h.account.caller),
    "access-principal-kind": lambda h: _entry(h, principalArn=f"arn:aws:sts::{ACCOUNT}:assumed-role/a/b"),
    "access-principal-partition": lambda h: _entry(h, principalArn=f"arn:aws-us-gov:iam::{ACCOUNT}:role/all"),
    "access-principal-missing": lambda h: _entry(h, principalArn=f"arn:aws:iam::{ACCOUNT}:role/nobody"),
    "access-type-unknown": lambda h: _entry(h, type="EC_LINUX"),
    "access-groups-of-nodes": lambda h: _entry(h, type="EC2_LINUX", kubernetesGroups=["g"]),
    "access-group-system": lambda h: _entry(h, kubernetesGroups=["system:masters"]),
    "access-policy-partition": lambda h: _associate(h, policyArn=VIEW.replace("arn:aws:", "arn:aws-us-gov:")),
    "access-policy-unknown": lambda h: _associate(h, policyArn=f"{VIEW}y"),
    "access-policy-of-nodes": lambda h: _associate(h, _entry(h, type="EC2_LINUX")),
    "access-scope": lambda h: _associate(h, accessScope={"type": "namespace"}),
    "access-entry-missing": lambda h: _associate(h, h.cluster()),
    "cluster-version": lambda h: h.cluster(version="1.12"),
    "cluster-version-steps": lambda h: _up(h, "1.32", "1.34"),
    "cluster-version-downgrade": lambda h: _up(h, "1.34", "1.33"),
    "cluster-old-nodes": _nodes_left_behind,
    "cluster-role": lambda h: h.cluster(roleArn=h.stranger),
    "cluster-subnet-missing": lambda h: _cluster_vpc(h, subnetIds=["subnet-1", "subnet-2"]),
    "cluster-two-zones": lambda h: _cluster_vpc(h, subnetIds=h.subnets[:1]),
    "cluster-one-vpc": _two_vpcs,
    "cluster-zone": lambda h: _cluster_vpc(h, subnetIds=[*h.subnets, h.subnet("a", 20)]),
    "cluster-security-group": lambda h: _cluster_vpc(h, securityGroupIds=["sg-1"]),
    "cluster-endpoints": lambda h: _cluster_vpc(h, endpointPublicAccess=False),
    "cluster-public-cidrs": lambda h: _cluster_vpc(h, publicAccessCidrs=["10.0.0.0/8"]),
    "cluster-one-change": lambda h: h.eks.update_cluster_config(
        name=h.cluster(), deletionProtection=True, upgradePolicy={"supportType": "STANDARD"}
    ),
    "cluster-has-node-groups": _delete,
    "cluster-protected": lambda h: _delete(h, deletionProtection=True),
    "cluster-name": lambda h: h.cluster(name=h.cluster()),
    "addon-unknown": lambda h: _addon(h, addonName="vpc-cnii"),
    "addon-version": lambda h: _addon(h, addonVersion="v1.99.0-eksbuild.1"),
    "addon-configuration": lambda h: _addon(h, configurationValues="[1]"),
    "addon-exists": lambda h: _addon(h, _addon(h)),
    "identity-trust": lambda h: _addon(h, podIdentityAssociations=[{"serviceAccount": "s", "roleArn": h.stranger}]),
    "identity-twice": lambda h: (
        lambda name: _twice(
            lambda: h.eks.create_pod_identity_association(
                clusterName=name, namespace="n", serviceAccount="s", roleArn=h.role
            )
        )
    )(h.cluster()),
    "role-arn": lambda h: h.cluster(roleArn="nobody"),
    "nodes-updating": _two_updates,
    "nodes-min-over-desired": lambda h: _resize(h, minSize=3),
    "nodes-desired-over-max": lambda h: _resize(h, maxSize=1),
    "nodes-create-min-over-desired": lambda h: _group(h, scalingConfig={"minSize": 2, "desiredSize": 1, "maxSize": 3}),
    "nodes-create-desired-over-max": lambda h: _group(h, scalingConfig={"minSize": 1, "desiredSize": 4, "maxSize": 3}),
    "nodes-max-zero": lambda h: _group(h, scalingConfig={"minSize": 0, "desiredSize": 0, "maxSize": 0}),
    "nodes-version": lambda h: h.group(h.cluster(version="1.33"), version="1.34"),
    "nodes-version-older": lambda h: _version(h, version="1.33"),
    "nodes-release-minor": lambda h: _group(h, releaseVersion="1.33.5-20251108"),
    "nodes-release-older": lambda h: _release_back(h, "1.35.4-20260505", "1.35.0-20260128", "1.35"),
    "nodes-own-image": _own_image,
    "nodes-type-zone": lambda h: _group(h, instanceTypes=["g6e.xlarge"], subnets=[h.subnet("f", 21)]),
    "nodes-type-region": lambda h: _group(h, instanceTypes=["p5e.48xlarge"]),
    "nodes-subnet-missing": lambda h: _group(h, subnets=["subnet-1"]),
    "nodes-role": lambda h: _group(h, nodeRole=f"arn:aws:iam::{ACCOUNT}:role/nobody"),
    "nodes-trust": lambda h: _group(h, nodeRole=h.stranger),
    "nodes-template": lambda h: _group(h, launchTemplate={"id": h.template(), "version": "7"}),
    "nodes-template-other": lambda h: _version(
        h, was={"id": h.template(), "version": "1"}, launchTemplate={"id": h.template(), "version": "1"}
    ),
    "nodes-template-disk": lambda h: _template_group(h, {}, diskSize=50),
    "nodes-template-remote-access": lambda h: _template_group(h, {}, remoteAccess={"ec2SshKey": "k"}),
    "nodes-template-types": lambda h: _template_group(h, {"InstanceType": "m7i.large"}),
    "nodes-template-image": lambda h: _template_group(h, {"ImageId": "ami-1"}, amiType="AL2023_x86_64_NVIDIA"),
    "nodes-template-profile": lambda h: _template_group(h, {"IamInstanceProfile": {"Name": "p"}}),
    "nodes-template-group": lambda h: _template_group(h, {"SecurityGroupIds": ["sg-0123456789abcdef0"]}),
    "nodes-template-group-vpc": lambda h: _template_group(
        h, {"SecurityGroupIds": _groups(h, h.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"], 1)}
    ),
    "nodes-template-groups": lambda h: _template_group(h, {"SecurityGroupIds": _groups(h, h.vpc, 6)}),
    "nodes-template-user-data": lambda h: _template_group(
        h, {"UserData": base64.b64encode(b"#!/bin/bash\necho no MIME").decode()}
    ),
    "nodes-template-toml": lambda h: _template_group(
        h, {"UserData": base64.b64encode(b"MIME-Version: 1.0").decode()}, amiType="BOTTLEROCKET_x86_64_NVIDIA"
    ),
    "nodes-block-template": lambda h: _template_group(h, {}, capacityType="CAPACITY_BLOCK"),
    "nodes-block-type": lambda h: _template_group(h, {"InstanceMarketOptions": {"MarketType": "capacity-block"}}),
    "nodes-unavailable": lambda h: _group(h, updateConfig={"maxUnavailable": 5}),
    "nodes-name": lambda h: (lambda name: h.group(name, nodegroupName=h.group(name)))(h.cluster()),
    "subnet-zone": lambda h: h.subnet("z", 30),
    "subnet-overlap": lambda h: h.subnet("b", 0),
    "subnet-range": lambda h: h.ec2.create_subnet(VpcId=h.vpc, CidrBlock="10.1.0.0/24"),
    "vpc-range": lambda h: h.ec2.create_vpc(CidrBlock="10.0.0.0/8"),
    "vpc-quota": lambda h: _quota(h, "L-F678F1CE", lambda: h.ec2.create_vpc(CidrBlock="10.3.0.0/16")),
    "address-quota": lambda h: _quota(h, "L-0263D0A3", lambda: h.ec2.allocate_address(Domain="vpc")),
    "nat-quota": _two_gateways,
    "security-group-rules-quota": _rules,
    "tag-reserved": lambda h: h.ec2.create_vpc(CidrBlock="10.3.0.0/16", TagSpecifications=_tagged("aws:x")),
    "tag-count": lambda h: h.ec2.create_vpc(
        CidrBlock="10.3.0.0/16", TagSpecifications=_tagged(*(f"k{n}" for n in range(51)))
    ),
    "endpoint-service": lambda h: h.ec2.create_vpc_endpoint(
        VpcId=h.vpc, ServiceName="com.amazonaws.eu-west-1.s3", RouteTableIds=[h.table]
    ),
    "subnet-held": lambda h: h.ec2.delete_subnet(SubnetId=h.ec2.describe_nat_gateways()["NatGateways"][0]["SubnetId"]),
    "vpc-held": lambda h: h.ec2.delete_vpc(VpcId=h.vpc),
    "security-group-held": _group_in_use,
    "file-system-throughput": lambda h: _files(h, ThroughputMode="provisioned"),
    "file-system-throughput-limit": lambda h: _files(
        h, ThroughputMode="provisioned", ProvisionedThroughputInMibps=4000.0
    ),
    "file-system-changes": _two_changes,
    "file-system-key": lambda h: _files(h, KmsKeyId="k", Encrypted=False),
    "file-system-held": lambda h: h.efs.delete_file_system(FileSystemId=_mounted(h)),
    "file-system-policy": lambda h: h.efs.put_file_system_policy(FileSystemId=_files(h), Policy="ClientMount"),
    "mount-target-twice": lambda h: h.efs.create_mount_target(FileSystemId=_mounted(h), SubnetId=h.subnets[0]),
    "mount-target-zone": _other_zone_of,
    "access-point-path": _wrong_roots,
    "gateway-mapped": lambda h: h.ec2.detach_internet_gateway(InternetGatewayId=_gateway(h), VpcId=h.vpc),
    "address-in-use": lambda h: h.ec2.release_address(
        AllocationId=h.ec2.describe_addresses()["Addresses"][0]["AllocationId"]
    ),
    "policy-partition": lambda h: h.iam.attach_role_policy(
        RoleName=_role(h), PolicyArn="arn:aws-us-gov:iam::aws:policy/AmazonEKSClusterPolicy"
    ),
    "policy-missing": lambda h: h.iam.attach_role_policy(
        RoleName=_role(h), PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicies"
    ),
    "policies-per-role": _eleven_policies,
    "inline-policy-size": lambda h: h.iam.put_role_policy(
        RoleName=_role(h), PolicyName="p", PolicyDocument=policy("s3:" + "a" * 11_000)
    ),
    "trust-policy-size": lambda h: h.iam.create_role(
        RoleName=new_name("r"), AssumeRolePolicyDocument=trust(*(f"s{n}.amazonaws.com" for n in range(150)))
    ),
    "role-in-use": _delete_role,
    "role-in-profile": lambda h: h.iam.delete_role(RoleName=_profile(h)[1]),
    "profile-in-use": lambda h: h.iam.delete_instance_profile(InstanceProfileName=_profile(h)[0]),
    "profile-one-role": lambda h: h.iam.add_role_to_instance_profile(
        InstanceProfileName=_profile(h)[0], RoleName=_role(h)
    ),
    "budget-notices": lambda h: _budget(h, [["EMAIL"]] * 6),
    "budget-subscribers": lambda h: _budget(h, [["SNS", "SNS"]]),
    "budget-topic": lambda h: _budget(h, [["SNS"]]),
    "chat-region": lambda h: h.chatbot.create_slack_channel_configuration(**_SLACK),
    "chat-ids": lambda h: _elsewhere(h, "us-east-2").chatbot.create_slack_channel_configuration(
        **{**_SLACK, "SlackChannelId": "#bill"}
    ),
    "certificate-used": lambda h: h.acm.delete_certificate(CertificateArn=held(h)),
    "certificate-name": lambda h: certificate(h, f"{'llm' * 18}.example.com"),
    "record-zone": lambda h: change(h, zone(h), "x.another-example.com"),
    "record-there": lambda h: changed_again(h, ("CREATE", "b.example.net.")),
    "record-absent": lambda h: changed_again(h, *[("DELETE", "a.example.net.")] * 2),
    "record-values": lambda h: changed_again(h, ("DELETE", "b.example.net.")),
    "record-no-zone": lambda h: change(h, "Z0123456789ABCDEFGHIJ", "x.example.com"),
    "pull-through-prefix": lambda h: _twice(lambda: _cached(h, "prod/quay")),
    "pull-through-prefix-length": lambda h: _cached(h, "p" * 31),
    "pull-through-upstream": lambda h: _cached(h, url="nvcr.io"),
    "pull-through-credential": lambda h: _cached(h, url="registry-1.docker.io"),
    "pull-through-secret": lambda h: _cached(h, url="ghcr.io", credentialArn=_NO_SECRET),
    "pull-through-rules": lambda h: [_cached(h) for _ in range(51)],
    "subscription-endpoint": lambda h: h.sns.subscribe(
        TopicArn=h.sns.create_topic(Name=new_name("t"))["TopicArn"], Protocol="https", Endpoint="http://a.example.com"
    ),
    "anomaly-monitor-dimension": lambda h: _twice(lambda: _services_monitor(h)),
    "anomaly-threshold": lambda h: _told_of_anomalies(h, "DAILY", "EMAIL"),
    "anomaly-frequency": lambda h: _told_of_anomalies(h, "IMMEDIATE", "EMAIL", Threshold=1.0),
    "event-rule-targets": _rule_with_target,
    "queue-policy": lambda h: h.sqs.create_queue(QueueName=new_name("q"), Attributes={"Policy": "SendMessage"}),
    "fleet-template": lambda h: fleet(h, "absent"),
    "fleet-dry-run": lambda h: fleet(h, template(h), DryRun=True),
    "log-group-exists": lambda h: _twice(lambda: h.logs.create_log_group(logGroupName="/aws/eks/c/cluster")),
    "log-retention": lambda h: h.logs.put_retention_policy(logGroupName="g", retentionInDays=31),
    "key-alias": lambda h: (lambda key: _twice(lambda: h.kms.create_alias(AliasName="alias/eks/c", TargetKeyId=key)))(
        h.kms.create_key()["KeyMetadata"]["KeyId"]
    ),
    "api-unreachable": lambda h: h.inside("kubernetes:Create", _private(h, "10.0.0.9")),
    "api-unauthorized": lambda h: h.inside(
        "kubernetes:Create",
        h.cluster(accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}),
    ),
    "pods-no-nodes": lambda h: _installed(h, nodes=False),
    "pods-cut-off": _installed,
    "volumes-stay": _volumes,
    "page-size": lambda h: h.eks.list_addons(clusterName=h.cluster(), maxResults=0),
    "permission": lambda h: (setattr(h.account, "policy", {"Statement": []}), h.eks.list_clusters()),
    "pod-role": lambda h: as_pod(h, policy("ec2:DescribeInstances")).ssm.get_parameter(Name="/aws/service/x"),
    "throttling": lambda h: (setattr(h.account, "throttled_share", 1.0), h.sts.get_caller_identity()),
}
