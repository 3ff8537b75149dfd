"""What AWS does by itself, played once for each row of the contract that says so; two accounts, three partitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.exceptions import ServiceException

from local.aws_endpoint import eks_node_updates, instance_events, market, price_list
from local.aws_endpoint.contract.account import NEWER, OLDER, Account, Runner
from local.aws_endpoint.contract.world import EC2_SERVICE
from local.aws_endpoint.market import ON_DEMAND, SPOT, Offering
from tests.local.aws.needs import trust
from tests.local.aws_endpoint.breaks import ENTRY
from tests.local.aws_endpoint.land import Land, land
from tests.local.aws_endpoint.launches import fleet, image, launched, profile, template
from tests.local.aws_endpoint.zones import certificate, change, private_zone, proof, status, zone


def test_what_breaks_nothing_is_let_through() -> None:
    with land(Account(zones=NEWER, has_nodes=True)) as here:
        name = here.cluster()
        here.eks.create_addon(clusterName=name, addonName="vpc-cni")
        here.group(name)
        here.account.runner = Runner("198.51.100.7")
        here.inside("kubernetes:Install", name)


def _bootstrap(here: Land) -> None:
    name = here.cluster()
    assert here.account.caller in here.eks.list_access_entries(clusterName=name)["accessEntries"]


def _node_role(here: Land) -> None:
    name = here.cluster()
    here.group(name)
    entry = here.eks.describe_access_entry(clusterName=name, principalArn=here.role)["accessEntry"]
    assert entry["type"] == "EC2_LINUX"


def _logs_again(here: Land) -> None:
    name = here.cluster(logging={"clusterLogging": [{"types": ["api"], "enabled": True}]})
    here.eks.delete_cluster(name=name)
    log_groups = here.logs.describe_log_groups(logGroupNamePrefix=f"/aws/eks/{name}/cluster")["logGroups"]
    assert ["retentionInDays" in log_group for log_group in log_groups] == [False]


def _addon_stays(here: Land) -> None:
    name = here.cluster(version="1.33")
    before = here.eks.create_addon(clusterName=name, addonName="kube-proxy")["addon"]["addonVersion"]
    here.eks.update_cluster_version(name=name, version="1.34")
    after = here.eks.describe_addon(clusterName=name, addonName="kube-proxy")["addon"]["addonVersion"]
    assert before == after
    assert before.startswith("v1.33.")
    older = here.cluster(version="1.32")
    coredns = here.eks.create_addon(clusterName=older, addonName="coredns")["addon"]["addonVersion"]
    here.eks.update_cluster_version(name=older, version="1.33")
    with pytest.raises(ClientError, match="Addon version specified is not supported"):
        here.eks.update_addon(clusterName=older, addonName="coredns", addonVersion=coredns)


def _launch(here: Land) -> None:
    here.account.quotas = {"L-DB2E81BA": 8, "L-1216C47A": 64}
    name = here.cluster()
    two = {"minSize": 1, "desiredSize": 2, "maxSize": 2}
    group = here.group(name, instanceTypes=["g6.2xlarge"], scalingConfig=two)
    described = here.described(name, group)
    assert described["status"] == "CREATE_FAILED"
    assert "VcpuLimitExceeded" in described["health"]["issues"][0]["message"]


def _join(here: Land) -> None:
    name = here.cluster()
    described = here.described(name, here.group(name, subnets=[here.shut]))
    assert (described["status"], described["health"]["issues"][0]["code"]) == ("CREATE_FAILED", "NodeCreationFailure")


def _update(here: Land, **more: Any) -> Any:
    name = here.cluster()
    group = here.group(name, instanceTypes=["g6.2xlarge"], version="1.34", **more)
    made = here.eks.update_nodegroup_version(clusterName=name, nodegroupName=group)["update"]
    return here.eks.describe_update(name=name, updateId=made["id"], nodegroupName=group)["update"]


def _surge(here: Land) -> None:
    here.account.quotas = {"L-DB2E81BA": 16}
    failed = _update(here)
    assert (failed["status"], failed["errors"][0]["errorCode"]) == ("Failed", "NodeCreationFailure")
    here.account.quotas = {"L-DB2E81BA": 32}  # two groups of two nodes by now
    assert _update(here, updateConfig={"maxUnavailable": 1, "updateStrategy": "MINIMAL"})["status"] == "Successful"


def _eviction(here: Land) -> None:
    here.account.drain_seconds = {"": 901}
    failed = _update(here)
    assert (failed["status"], failed["errors"][0]["errorCode"]) == ("Failed", "PodEvictionFailure")
    here.account.nodes_roll = True
    assert _update(here)["status"] == "Failed", "a failed one is not under way"


def _rolled(here: Land) -> tuple[str, str, dict[str, Any]]:
    """A group of which an update is under way: the watcher's part is told by hand."""
    here.account.nodes_roll = True
    name = here.cluster(version="1.34")
    group = here.group(name, version="1.33")
    here.eks.update_nodegroup_version(clusterName=name, nodegroupName=group, version="1.34")
    (update,) = (each for each in eks_node_updates.under_way() if each["group"] == group)
    assert (update["version"], update["releaseVersion"]) == ("1.34", "1.34.2-20251108")
    shown = here.described(name, group)
    assert (shown["status"], shown["version"], shown["releaseVersion"]) == ("UPDATING", "1.33", "1.33.5-20251108")
    return name, group, {key: update[key] for key in ("region", "cluster", "group", "update")}


def _update_order(here: Land) -> None:
    name, group, update = _rolled(here)
    asked = {"name": name, "nodegroupName": group, "updateId": update["update"]}
    assert here.eks.describe_update(**asked)["update"]["status"] == "InProgress"
    eks_node_updates.end(update)
    assert here.eks.describe_update(**asked)["update"]["status"] == "Successful"
    shown = here.described(name, group)
    assert (shown["status"], shown["version"], shown["releaseVersion"]) == ("ACTIVE", "1.34", "1.34.2-20251108")
    with pytest.raises(KeyError, match="not under way"):
        eks_node_updates.end(update)


def _update_failed(here: Land) -> None:
    name, group, update = _rolled(here)
    eks_node_updates.end({**update, "code": "PodEvictionFailure", "message": "words", "resources": ["node"]})
    failed = here.eks.describe_update(name=name, nodegroupName=group, updateId=update["update"])["update"]
    error = {"errorCode": "PodEvictionFailure", "errorMessage": "words", "resourceIds": ["node"]}
    assert (failed["status"], failed["errors"]) == ("Failed", [error])
    shown = here.described(name, group)
    assert (shown["status"], shown["version"], shown["releaseVersion"]) == ("ACTIVE", "1.33", "1.33.5-20251108")
    here.eks.update_nodegroup_version(clusterName=name, nodegroupName=group, version="1.34")


def _updates_by_name(here: Land) -> None:
    name, group, update = _rolled(here)
    assert here.eks.list_updates(name=name)["updateIds"] == []
    assert here.eks.list_updates(name=name, nodegroupName=group)["updateIds"] == [update["update"]]
    with pytest.raises(ClientError, match="No update found"):
        here.eks.describe_update(name=name, updateId=update["update"])


def _left_interfaces(here: Land, with_cni: bool) -> int:
    name = here.cluster()
    if with_cni:
        here.eks.create_addon(clusterName=name, addonName="vpc-cni")
    group = here.group(name)
    here.eks.delete_nodegroup(clusterName=name, nodegroupName=group)
    return sum(f"aws-K8S-{group}" == each.description for each in here.world.ec2.enis.values())


def _patience(here: Land) -> None:
    name = here.cluster()
    group = here.group(name)
    here.account.drain_seconds = {"": 301}
    here.eks.delete_nodegroup(clusterName=name, nodegroupName=group)
    assert here.account.cut_off == [group]


def _shrink(here: Land) -> None:
    name = here.cluster()
    group = here.group(name)
    here.eks.update_nodegroup_config(clusterName=name, nodegroupName=group, scalingConfig={"desiredSize": 1})
    assert here.account.nodes_shed == {group: 1}


def _interfaces(here: Land) -> None:
    assert _left_interfaces(here, with_cni=True) == 0
    assert _left_interfaces(here, with_cni=False) == 2


def _pages(here: Land) -> None:
    name = here.cluster()
    for number in range(205):
        here.eks.create_access_entry(clusterName=name, principalArn=f"{ENTRY}{number}")
    pages = [page["accessEntries"] for page in here.eks.get_paginator("list_access_entries").paginate(clusterName=name)]
    assert [len(page) for page in pages] == [100, 100, 6]


def _fleet_sold_out(here: Land) -> None:
    first = here.ec2.describe_subnets(SubnetIds=here.subnets[:1])["Subnets"][0]["AvailabilityZone"]
    market.current().sold_out.add(Offering("g6.2xlarge", first, ON_DEMAND))
    try:
        made = launched(here, fleet(here, template(here), types=("g6.2xlarge",)))
    finally:
        market.restock()
    assert made["Placement"]["AvailabilityZone"] != first


def _fleet_quota(here: Land) -> None:
    here.account.quotas = {"L-DB2E81BA": 0}
    answer = fleet(here, template(here))
    assert (answer["Instances"], answer["Errors"][0]["ErrorCode"]) == ([], "VcpuLimitExceeded")


def _fleet_profile(here: Land) -> None:
    answer = fleet(here, template(here, profile_name="absent"))
    assert (answer["Instances"], answer["Errors"][0]["ErrorCode"]) == ([], "InvalidParameterValue")


def _images(here: Land) -> None:
    (image_found,) = here.ec2.describe_images(ImageIds=[image(here)])["Images"]
    assert (image_found["Architecture"], image_found["OwnerId"]) == ("x86_64", "602401143452")


def _instance_ends(here: Land) -> None:
    made = launched(here, fleet(here, template(here)))
    here.ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    assert here.ec2.describe_volumes()["Volumes"] == []


def _taken_back(here: Land) -> None:
    made = launched(here, fleet(here, template(here)))
    with pytest.raises(ValueError, match="no spot instance"):
        instance_events.take_back(here.world.ec2.get_instance(made["InstanceId"]))


def _spot_prices(here: Land) -> None:
    history = here.ec2.describe_spot_price_history(InstanceTypes=["g6.2xlarge"])["SpotPriceHistory"]
    assert history[0]["SpotPrice"] == f"{market.price(Offering('g6.2xlarge', 'us-east-1a', SPOT)):.6f}"


def _price_list(here: Land) -> None:
    assert price_list.products({"ServiceCode": "AmazonEC2"})["PriceList"]
    assert price_list.products({"ServiceCode": "AmazonS3"})["PriceList"] == []


def _proven(here: Land) -> None:
    arn = certificate(here)
    name, value = proof(here, arn)
    change(here, private_zone(here), name, value=value)
    assert status(here, arn) == "PENDING_VALIDATION", "ACM asks no private zone"
    where = zone(here)
    change(here, where, name, value="other.example.net.")
    assert status(here, arn) == "PENDING_VALIDATION"
    zone(here, "llm.example.com")
    change(here, where, name, "UPSERT", value)
    assert status(here, arn) == "PENDING_VALIDATION", "of what is delegated the parent's records are asked by no one"
    assert "NotAfter" not in here.acm.describe_certificate(CertificateArn=arn)["Certificate"]
    other = certificate(here, "chat.example.com")
    name, value = proof(here, other)
    change(here, where, name, value=value)
    assert status(here, other) == "ISSUED"
    change(here, where, name, "DELETE", value)
    assert status(here, other) == "ISSUED", "until its renewal"


def _profiles_path(here: Land) -> None:
    own, other = profile(here, "/karpenter/"), profile(here)
    listed = here.iam.list_instance_profiles(PathPrefix="/karpenter/")["InstanceProfiles"]
    assert [each["InstanceProfileName"] for each in listed] == [own]
    everything = here.iam.list_instance_profiles()["InstanceProfiles"]
    assert {own, other} <= {each["InstanceProfileName"] for each in everything}


PLAYS: dict[str, Callable[[Land], object]] = {
    "certificate-proof": _proven,
    "access-bootstrap": _bootstrap,
    "access-node-role": _node_role,
    "cluster-logs-again": _logs_again,
    "addon-stays": _addon_stays,
    "nodes-launch": _launch,
    "nodes-join": _join,
    "nodes-update-surge": _surge,
    "nodes-update-eviction": _eviction,
    "nodes-update-order": _update_order,
    "nodes-update-failed": _update_failed,
    "update-of": _updates_by_name,
    "nodes-delete-patience": _patience,
    "nodes-shrink": _shrink,
    "interfaces-of-nodes": _interfaces,
    "pages": _pages,
    "fleet-instant": lambda here: launched(here, fleet(here, template(here))),
    "fleet-sold-out": _fleet_sold_out,
    "fleet-quota": _fleet_quota,
    "fleet-profile": _fleet_profile,
    "images-of-parameters": _images,
    "instance-ends": _instance_ends,
    "spot-taken-back": _taken_back,
    "spot-prices": _spot_prices,
    "price-list": _price_list,
    "profiles-path": _profiles_path,
}


@pytest.mark.parametrize("play", PLAYS.values(), ids=list(PLAYS))
def test_what_aws_does_by_itself_is_played(play: Callable[[Land], object]) -> None:
    with land(Account(zones=NEWER, has_nodes=True)) as here:
        play(here)


# -- two accounts, three partitions --------------------------------------------------------------------------------


def test_two_accounts_have_other_zones_under_the_same_names() -> None:
    seen = []
    for zones in (OLDER, NEWER):
        with land(Account(zones=zones)) as here:
            availability_zones = here.ec2.describe_availability_zones()["AvailabilityZones"]
            seen.append({zone["ZoneName"]: zone["ZoneId"] for zone in availability_zones})
    older, newer = seen
    assert older["us-east-1a"] == "use1-az3" != newer["us-east-1a"]
    assert set(older) == set(newer)


@pytest.mark.parametrize(("zones", "missing"), [(OLDER, "d"), (NEWER, "b")])
def test_an_account_lacks_a_zone_that_another_has(zones: Any, missing: str) -> None:
    with (
        land(Account(zones=zones), "ap-northeast-1") as here,
        pytest.raises(ClientError, match=rf"Value \(ap-northeast-1{missing}\)"),
    ):
        here.subnet(missing, 40)


def test_managed_policies_are_there_in_each_partition_under_its_own_arn() -> None:
    with land(region="us-gov-west-1") as here:
        here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust("eks.amazonaws.com"))
        with pytest.raises(ClientError, match="does not exist or is not attachable"):
            here.iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
        here.iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws-us-gov:iam::aws:policy/AmazonEKSClusterPolicy")


def test_china_names_ec2_otherwise() -> None:
    assert EC2_SERVICE["aws-cn"] != EC2_SERVICE["aws"]


def test_the_same_seed_throttles_the_same_calls() -> None:
    def told(seed: int) -> list[bool]:
        account = Account(throttled_share=0.3, seed=seed)
        return [account.throttles() for _ in range(50)]

    assert told(7) == told(7) != told(8)
    assert 5 < sum(told(7)) < 25


def test_a_client_that_tries_again_gets_through_a_throttling_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with land() as here:
        here.account.throttled_share = 0.3
        answers = [here.sts.get_caller_identity()["Account"] for _ in range(10)]
    assert len(answers) == 10


def test_a_private_endpoint_answers_who_its_security_group_lets_in() -> None:
    with land(Account(runner=Runner(None, "10.8.0.5"))) as here:
        name = here.cluster(vpc={"endpointPublicAccess": False, "endpointPrivateAccess": True})
        with pytest.raises(ServiceException, match="unreachable"):
            here.inside("kubernetes:Create", name)
        vpc = here.eks.describe_cluster(name=name)["cluster"]["resourcesVpcConfig"]
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.8.0.0/16"}]}
        here.ec2.authorize_security_group_ingress(GroupId=vpc["clusterSecurityGroupId"], IpPermissions=[rule])
        here.inside("kubernetes:Create", name)
