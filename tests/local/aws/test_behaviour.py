"""How the stand-in behaves where users of the real provider have expectations: names, tags, secrets, drift, errors."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.aws.anomalies import watched_tag
from local.providers.aws import lifecycle
from local.providers.aws.cloud import Cloud
from local.providers.rpc import UNKNOWN, InitFailed, ProviderError, Secret, contains_secret, plain
from tests.local.aws.driver import REGION, Deployed, Driver
from tests.local.aws.needs import trust

VPC, ROLE, LOGS = "aws:ec2/vpc:Vpc", "aws:iam/role:Role", "aws:cloudwatch/logGroup:LogGroup"
GROUP, TEMPLATE = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/launchTemplate:LaunchTemplate"
MONITOR = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"
NODES: dict[str, Any] = {"assumeRolePolicy": trust("ec2.amazonaws.com")}


@pytest.fixture
def aws(driver: Driver) -> Cloud:
    """The account, for changes behind the provider's back."""
    return driver.provider.cloud


def test_a_name_that_is_left_out_is_made_and_kept(driver: Driver) -> None:
    deployed = driver.create(ROLE, "nodes", NODES)
    assert re.fullmatch(r"nodes-[0-9a-f]{7}", deployed.outputs["name"])
    assert driver.diff(deployed, NODES).paths == {}
    again = driver.check(ROLE, "nodes", NODES, deployed.inputs)
    assert again["name"] == deployed.outputs["name"]


def test_only_objects_with_a_name_of_their_own_are_deleted_before_they_are_replaced(driver: Driver) -> None:
    autonamed = driver.create(ROLE, "nodes", NODES)
    assert not driver.diff(autonamed, {**NODES, "path": "/x/"}).delete_first
    named = driver.create(ROLE, "nodes", {**NODES, "name": "named"})
    assert driver.diff(named, {**NODES, "name": "named", "path": "/x/"}).delete_first
    assert not driver.diff(named, {**NODES, "name": "renamed"}).delete_first


def test_default_tags_of_the_provider_are_on_everything(aws: Cloud) -> None:
    driver = Driver()
    driver.configure(region=REGION, defaultTags=json.dumps({"tags": {"team": "ml", "stage": "dev"}}))
    deployed = driver.create(VPC, "vpc", {"cidrBlock": "10.0.0.0/16", "tags": {"stage": "prod"}})
    assert deployed.outputs["tagsAll"] == {"team": "ml", "stage": "prod"}
    driver.configure(region=REGION, defaultTags=json.dumps({"tags": {"team": "infra"}}))
    assert driver.diff(deployed, {"cidrBlock": "10.0.0.0/16"}).paths == {
        "tags.stage": "DELETE",
        "tags.team": "UPDATE",
    }


def test_an_account_that_is_not_allowed_is_refused(aws: Cloud) -> None:
    with pytest.raises(ProviderError, match="AWS account ID not allowed: 123456789012"):
        Driver().configure(region=REGION, allowedAccountIds='["999999999999"]')


def test_secrets_stay_marked_wherever_they_go(driver: Driver) -> None:
    inputs = {"cidrBlock": "10.0.0.0/16", "tags": {"plain": "1", "token": Secret("canary-tag-value")}}
    preview = driver.preview(VPC, "vpc", inputs)
    assert isinstance(preview["tags"]["token"], Secret)
    deployed = driver.create(VPC, "vpc", inputs)
    driver.refresh(deployed)
    for place in (deployed.inputs, deployed.outputs):
        assert "canary" not in repr(place)
        assert place["tags"]["plain"] == "1"
    assert "canary" not in repr(deployed.outputs["tagsAll"])


def test_outputs_that_aws_makes_of_a_secret_are_secret_too(driver: Driver) -> None:
    deployed = driver.create(LOGS, "logs", {"name": Secret("canary-log-group")})
    assert contains_secret(deployed.outputs["arn"])
    assert "canary-log-group" in plain(deployed.outputs["arn"])


def test_the_value_of_a_secret_is_secret_even_when_the_program_forgot(driver: Driver) -> None:
    secret = driver.create("aws:secretsmanager/secret:Secret", "s", {"recoveryWindowInDays": 0})
    inputs = {"secretId": secret.id, "secretString": "hf_canary_value"}
    version = driver.create("aws:secretsmanager/secretVersion:SecretVersion", "v", inputs)
    assert isinstance(version.outputs["secretString"], Secret)
    driver.refresh(version)
    assert isinstance(version.outputs["secretString"], Secret)


def test_drift_shows_in_what_the_program_set_and_not_elsewhere(driver: Driver, aws: Cloud) -> None:
    inputs = {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"a": "1"}}
    deployed = driver.create(VPC, "vpc", inputs)
    for attribute, value in (("EnableDnsHostnames", False), ("EnableDnsSupport", False)):
        aws.call("ec2", "modify_vpc_attribute", {"VpcId": deployed.id, attribute: {"Value": value}})
    aws.call("ec2", "create_tags", {"Resources": [deployed.id], "Tags": [{"Key": "by-hand", "Value": "1"}]})
    driver.refresh(deployed)
    assert driver.diff(deployed, inputs).paths == {'tags["by-hand"]': "DELETE", "enableDnsHostnames": "UPDATE"}
    assert deployed.outputs["enableDnsSupport"] is False
    driver.update(deployed, inputs)
    driver.refresh(deployed)
    assert driver.diff(deployed, inputs).paths == {}
    assert deployed.outputs["enableDnsHostnames"] is True


def test_what_was_deleted_by_hand_is_dropped_by_refresh_and_named_by_update(driver: Driver, aws: Cloud) -> None:
    deployed = driver.create(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"})
    aws.call("ec2", "delete_vpc", {"VpcId": deployed.id})
    with pytest.raises(ProviderError, match=r"InvalidVpcID\.NotFound"):
        driver.update(deployed, {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True})
    assert not driver.refresh(deployed)


def test_equal_policies_and_reordered_sets_are_no_change(driver: Driver) -> None:
    deployed = driver.create(ROLE, "nodes", NODES)
    spaced = json.dumps(json.loads(NODES["assumeRolePolicy"]), indent=4, sort_keys=True)
    assert driver.diff(deployed, {"assumeRolePolicy": spaced}).paths == {}
    vpc = driver.create(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"})
    rule = {"protocol": "tcp", "fromPort": 1, "toPort": 1, "cidrBlocks": ["10.1.0.0/16", "10.2.0.0/16"]}
    group = driver.create(GROUP, "group", {"vpcId": vpc.id, "ingress": [rule]})
    turned = {**rule, "cidrBlocks": ["10.2.0.0/16", "10.1.0.0/16"]}
    assert driver.diff(group, {"vpcId": vpc.id, "ingress": [turned]}).paths == {}


def test_a_new_security_group_has_no_egress_like_the_real_providers(driver: Driver, aws: Cloud) -> None:
    vpc = driver.create(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"})
    group = driver.create(GROUP, "group", {"vpcId": vpc.id})
    live = aws.call("ec2", "describe_security_groups", {"GroupIds": [group.id]})["SecurityGroups"][0]
    assert live["IpPermissionsEgress"] == []
    assert group.outputs["description"] == "Managed by Pulumi"


def test_rules_that_are_resources_are_no_drift_of_their_group(driver: Driver, aws: Cloud) -> None:
    vpc = driver.create(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"})
    group = driver.create(GROUP, "group", {"vpcId": vpc.id})
    rule = {"securityGroupId": group.id, "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}
    deployed = driver.create("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "all", rule)
    assert driver.refresh(deployed)
    assert driver.diff(deployed, rule).paths == {}
    driver.refresh(group)
    assert driver.diff(group, {"vpcId": vpc.id}).paths == {}


def test_a_preview_of_an_update_says_which_outputs_will_change(driver: Driver) -> None:
    deployed = driver.create(TEMPLATE, "nodes", {"ebsOptimized": "true"})
    preview = driver.update(deployed, {"ebsOptimized": "false"}, preview=True)
    assert preview["latestVersion"] is UNKNOWN
    assert preview["arn"] == deployed.outputs["arn"]
    only_tags = driver.update(deployed, {"ebsOptimized": "true", "tags": {"a": "1"}}, preview=True)
    assert only_tags["latestVersion"] == 1
    driver.update(deployed, {"ebsOptimized": "false"})
    assert deployed.outputs["latestVersion"] == 2


def test_an_object_whose_later_step_failed_stays_in_state(driver: Driver) -> None:
    with pytest.raises(InitFailed, match="NoSuchEntity") as failed:
        driver.create(ROLE, "nodes", {**NODES, "managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonEKSNodePolicy"]})
    assert failed.value.object_id.startswith("nodes-")
    assert driver.import_(ROLE, "nodes", failed.value.object_id) is not None


def test_a_misspelt_managed_policy_is_refused(driver: Driver) -> None:
    role = driver.create(ROLE, "nodes", NODES)
    attachment = {"role": role.outputs["name"], "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolice"}
    with pytest.raises(ProviderError, match="NoSuchEntity"):
        driver.create("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "x", attachment)


def test_deletion_waits_for_what_still_uses_the_object(
    driver: Driver, aws: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    vpc = driver.create(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"})
    subnet = driver.create("aws:ec2/subnet:Subnet", "s", {"vpcId": vpc.id, "cidrBlock": "10.0.0.0/24"})
    with pytest.raises(ProviderError, match=r"deleting aws:ec2/vpc:Vpc .*DependencyViolation"):
        driver.delete(vpc, timeout_seconds=0.3)
    pauses: list[float] = []

    def subnet_goes_during_the_pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            aws.call("ec2", "delete_subnet", {"SubnetId": subnet.id})

    patient = lifecycle.poll_patiently
    monkeypatch.setattr(
        lifecycle,
        "poll_patiently",
        lambda done, seconds, pause=None: patient(done, seconds, subnet_goes_during_the_pause),
    )
    driver.delete(vpc)
    assert len(pauses) == 1
    assert not driver.refresh(vpc)


def test_skip_destroy_leaves_the_object(driver: Driver) -> None:
    deployed = driver.create(LOGS, "logs", {"skipDestroy": True})
    driver.delete(deployed)
    assert driver.refresh(deployed)


def test_an_import_of_nothing_says_so(driver: Driver) -> None:
    assert driver.import_(VPC, "vpc", "vpc-0123456789abcdef0") is None
    assert driver.import_("aws:eks/nodeGroup:NodeGroup", "x", "no-cluster:no-group") is None


def test_a_resource_can_live_in_another_region_than_its_provider(driver: Driver) -> None:
    inputs = {"cidrBlock": "10.0.0.0/16", "region": "eu-central-1"}
    deployed = driver.create(VPC, "vpc", inputs)
    assert ":eu-central-1:" in deployed.outputs["arn"]
    assert driver.refresh(deployed)
    elsewhere = Deployed(VPC, "vpc", deployed.id, {**deployed.inputs, "region": REGION}, {})
    assert not driver.refresh(elsewhere)
    assert driver.diff(deployed, {**inputs, "region": REGION}).replaces == ["region"]


def test_a_monitor_that_leaves_fields_out_is_made_again_by_every_up(driver: Driver) -> None:
    """The original reads its document with every field, and the field is ForceNew: only that spelling stays."""
    tag = {"Key": "stack", "Values": ["dev"]}
    short = {"monitorType": "CUSTOM", "monitorSpecification": json.dumps({"Tags": tag})}
    drifted = driver.create(MONITOR, "short", short)
    assert driver.refresh(drifted)
    assert driver.diff(drifted, short).replaces
    whole = {**short, "monitorSpecification": watched_tag("stack", "dev")}
    deployed = driver.create(MONITOR, "whole", whole)
    assert driver.refresh(deployed)
    assert driver.diff(deployed, whole).paths == {}
