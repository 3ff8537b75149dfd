"""moto with our extension, through boto3: the gaps that AWS programs of an EKS stack meet are closed."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.aws_endpoint import eks_clusters
from local.aws_endpoint.extension import install_extension
from tests.local.aws.needs import trust

REGION = "us-west-2"
VIEW_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


@pytest.fixture(scope="module")
def account() -> Iterator[dict[str, Any]]:
    """Clients, a role and two subnets."""
    patch = pytest.MonkeyPatch()
    patch.delenv("AWS_ENDPOINT_URL", raising=False)
    install_extension()
    with mock_aws():
        clients: dict[str, Any] = {name: boto3.client(name, REGION) for name in ("ec2", "iam", "eks", "ssm")}
        vpc = clients["ec2"].create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            clients["ec2"].create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")
            for i, zone in enumerate("ab")
        ]
        clients["subnets"] = [subnet["Subnet"]["SubnetId"] for subnet in subnets]
        role = clients["iam"].create_role(
            RoleName="r",
            AssumeRolePolicyDocument=trust("eks.amazonaws.com", "ec2.amazonaws.com", "pods.eks.amazonaws.com"),
        )
        clients["role"] = role["Role"]["Arn"]
        yield clients
    patch.undo()


@pytest.fixture
def eks(account: dict[str, Any]) -> Any:
    return account["eks"]


@pytest.fixture
def cluster(account: dict[str, Any], eks: Any) -> Iterator[str]:
    """A cluster that is deleted again, with what is in it."""
    make(account, "c")
    yield "c"
    for group in eks.list_nodegroups(clusterName="c")["nodegroups"]:
        eks.delete_nodegroup(clusterName="c", nodegroupName=group)
    eks.update_cluster_config(name="c", deletionProtection=False)
    eks.delete_cluster(name="c")


def make(account: dict[str, Any], name: str, **more: Any) -> dict[str, Any]:
    arguments = {
        "name": name,
        "roleArn": account["role"],
        "resourcesVpcConfig": {"subnetIds": account["subnets"]},
        "accessConfig": {"authenticationMode": "API"},
        **more,
    }
    made: dict[str, Any] = account["eks"].create_cluster(**arguments)["cluster"]
    return made


def described(eks: Any) -> dict[str, Any]:
    cluster: dict[str, Any] = eks.describe_cluster(name="c")["cluster"]
    return cluster


def test_fields_that_moto_drops_are_kept(eks: Any, cluster: str) -> None:
    cluster_now = described(eks)
    assert cluster_now["accessConfig"]["authenticationMode"] == "API"
    assert cluster_now["upgradePolicy"] == {"supportType": "EXTENDED"}
    assert cluster_now["version"] == "1.34"
    vpc = cluster_now["resourcesVpcConfig"]
    assert vpc["clusterSecurityGroupId"].startswith("sg-")
    assert vpc["publicAccessCidrs"] == ["0.0.0.0/0"]


def test_a_rule_between_security_groups_keeps_its_description(account: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html"""
    ec2 = account["ec2"]
    files, nodes = (
        ec2.create_security_group(GroupName=name, Description="x")["GroupId"] for name in ("files", "nodes")
    )
    pair = {"GroupId": nodes, "Description": "NFS from nodes"}
    port = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "UserIdGroupPairs": [pair]}
    ec2.authorize_security_group_ingress(GroupId=files, IpPermissions=[port])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [files]}])["SecurityGroupRules"]
    assert [rule.get("Description") for rule in rules if not rule["IsEgress"]] == ["NFS from nodes"]
    for group in (files, nodes):
        ec2.delete_security_group(GroupId=group)


def test_a_change_of_vpc_settings_keeps_the_others(eks: Any, cluster: str) -> None:
    before = described(eks)["resourcesVpcConfig"]
    eks.update_cluster_config(name="c", resourcesVpcConfig={"endpointPrivateAccess": True})
    assert described(eks)["resourcesVpcConfig"] == {**before, "endpointPrivateAccess": True}


def test_an_update_can_be_asked_for_and_takes_one_kind_of_change(eks: Any, cluster: str) -> None:
    update = eks.update_cluster_config(name="c", upgradePolicy={"supportType": "STANDARD"})["update"]
    assert eks.describe_update(name="c", updateId=update["id"])["update"]["status"] == "Successful"
    with pytest.raises(ClientError, match="Only one type of update"):
        eks.update_cluster_config(name="c", deletionProtection=True, zonalShiftConfig={"enabled": True})


def test_a_version_goes_up_one_minor_at_a_time(eks: Any, account: dict[str, Any]) -> None:
    make(account, "old", version="1.32")
    with pytest.raises(ClientError, match=r"from 1\.32 to 1\.34"):
        eks.update_cluster_version(name="old", version="1.34")
    eks.update_cluster_version(name="old", version="1.33")
    assert eks.describe_cluster(name="old")["cluster"]["version"] == "1.33"
    eks.delete_cluster(name="old")
    with pytest.raises(ClientError, match=r"unsupported Kubernetes version 1\.12"):
        make(account, "older", version="1.12")


def test_a_protected_cluster_is_not_deleted(eks: Any, cluster: str) -> None:
    eks.update_cluster_config(name="c", deletionProtection=True)
    with pytest.raises(ClientError, match="deletion protection"):
        eks.delete_cluster(name="c")


def test_the_clusters_security_group_goes_with_it(eks: Any, account: dict[str, Any]) -> None:
    group = make(account, "short")["resourcesVpcConfig"]["clusterSecurityGroupId"]
    eks.delete_cluster(name="short")
    with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound"):
        account["ec2"].describe_security_groups(GroupIds=[group])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resourcesVpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]}}, "'subnet-1' does not exist"),
        ({"roleArn": "arn:aws:iam::123456789012:role/nobody"}, "does not exist"),
        ({"roleArn": "nobody"}, "Invalid Role Arn"),
    ],
)
def test_references_to_nothing_are_refused(account: dict[str, Any], change: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError, match=words):
        make(account, "wrong", **change)


def test_subnets_of_one_zone_are_refused(account: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="at least two different AZs"):
        make(account, "wrong", resourcesVpcConfig={"subnetIds": account["subnets"][:1]})


def test_addons_live_and_become_active(eks: Any, cluster: str, account: dict[str, Any]) -> None:
    identity = [{"serviceAccount": "ebs-csi-controller-sa", "roleArn": account["role"]}]
    made = eks.create_addon(clusterName="c", addonName="aws-ebs-csi-driver", podIdentityAssociations=identity)
    assert made["addon"]["status"] == "ACTIVE"
    associations = eks.list_pod_identity_associations(clusterName="c")["associations"]
    assert [a["serviceAccount"] for a in associations] == ["ebs-csi-controller-sa"]
    eks.update_addon(
        clusterName="c", addonName="aws-ebs-csi-driver", configurationValues='{"a": 1}', podIdentityAssociations=[]
    )
    addon = eks.describe_addon(clusterName="c", addonName="aws-ebs-csi-driver")["addon"]
    assert addon["configurationValues"] == '{"a": 1}'
    assert addon["podIdentityAssociations"] == []
    with pytest.raises(ClientError, match="Addon already exists"):
        eks.create_addon(clusterName="c", addonName="aws-ebs-csi-driver")
    with pytest.raises(ClientError, match="vpc-cnii specified is not supported"):
        eks.create_addon(clusterName="c", addonName="vpc-cnii")
    assert eks.list_addons(clusterName="c")["addons"] == ["aws-ebs-csi-driver"]
    eks.delete_addon(clusterName="c", addonName="aws-ebs-csi-driver")
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_addon(clusterName="c", addonName="aws-ebs-csi-driver")


def test_access_entries_and_their_policies(eks: Any, cluster: str) -> None:
    who = {"clusterName": "c", "principalArn": "arn:aws:iam::444455556666:role/path/to/viewer"}
    assert eks.list_access_entries(clusterName="c")["accessEntries"] == ["arn:aws:iam::123456789012:role/platform"]
    eks.create_access_entry(**who)
    eks.associate_access_policy(**who, policyArn=VIEW_POLICY, accessScope={"type": "cluster"})
    policies = eks.list_associated_access_policies(**who)["associatedAccessPolicies"]
    assert [policy["policyArn"] for policy in policies] == [VIEW_POLICY]
    eks.disassociate_access_policy(**who, policyArn=VIEW_POLICY)
    assert eks.list_associated_access_policies(**who)["associatedAccessPolicies"] == []
    with pytest.raises(ClientError, match="is not an EKS access policy"):
        eks.associate_access_policy(**who, policyArn=VIEW_POLICY + "x", accessScope={"type": "cluster"})
    eks.delete_access_entry(**who)
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_access_entry(**who)


def test_a_cluster_with_config_map_authentication_has_no_access_entries(eks: Any, account: dict[str, Any]) -> None:
    make(account, "classic", accessConfig={"authenticationMode": "CONFIG_MAP"})
    with pytest.raises(ClientError, match="authentication mode must be set"):
        eks.create_access_entry(clusterName="classic", principalArn=account["role"])
    eks.delete_cluster(name="classic")


def test_node_groups_keep_their_update_and_repair_settings(eks: Any, cluster: str, account: dict[str, Any]) -> None:
    eks.create_nodegroup(
        clusterName="c",
        nodegroupName="n",
        nodeRole=account["role"],
        subnets=account["subnets"],
        updateConfig={"maxUnavailablePercentage": 50},
        nodeRepairConfig={"enabled": True},
    )
    nodegroup = eks.describe_nodegroup(clusterName="c", nodegroupName="n")["nodegroup"]
    assert (nodegroup["updateConfig"], nodegroup["nodeRepairConfig"]) == (
        {"maxUnavailablePercentage": 50},
        {"enabled": True},
    )
    assert nodegroup["version"] == "1.34"
    assert nodegroup["releaseVersion"].startswith("1.34.")
    assert account["role"] in eks.list_access_entries(clusterName="c")["accessEntries"]
    eks.update_nodegroup_version(clusterName="c", nodegroupName="n", releaseVersion="1.34.3-20251211")
    nodegroup = eks.describe_nodegroup(clusterName="c", nodegroupName="n")["nodegroup"]
    assert nodegroup["releaseVersion"] == "1.34.3-20251211"
    template = account["ec2"].create_launch_template(LaunchTemplateName="t", LaunchTemplateData={})
    with pytest.raises(ClientError, match="with version 7 does not exist"):
        eks.create_nodegroup(
            clusterName="c",
            nodegroupName="m",
            nodeRole=account["role"],
            subnets=account["subnets"],
            launchTemplate={"id": template["LaunchTemplate"]["LaunchTemplateId"], "version": "7"},
        )


def test_everything_of_eks_can_be_tagged(eks: Any, cluster: str, account: dict[str, Any]) -> None:
    association = eks.create_pod_identity_association(
        clusterName="c", namespace="n", serviceAccount="s", roleArn=account["role"]
    )["association"]
    for arn in (described(eks)["arn"], association["associationArn"]):
        eks.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
        eks.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}


def test_versions_on_offer_are_listed(eks: Any) -> None:
    versions = {v["clusterVersion"]: v for v in eks.describe_cluster_versions()["clusterVersions"]}
    assert versions["1.34"]["defaultVersion"]
    addons = eks.describe_addon_versions(addonName="kube-proxy", kubernetesVersion="1.33")["addons"]
    assert addons[0]["addonVersions"][0]["addonVersion"].startswith("v1.33.")


def test_clusters_are_given_the_local_api_server(
    account: dict[str, Any], eks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    plane = eks_clusters.CONTROL_PLANE
    monkeypatch.setattr(plane, "endpoint", "https://127.0.0.1:6443")
    monkeypatch.setattr(plane, "ca_file", authority)
    make(account, "local")
    cluster = eks.describe_cluster(name="local")["cluster"]
    assert cluster["endpoint"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificateAuthority"]["data"]) == authority.read_bytes()
    eks.delete_cluster(name="local")


def test_a_deleted_nat_gateway_gives_its_address_back(account: dict[str, Any]) -> None:
    ec2 = account["ec2"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    arguments = {"SubnetId": account["subnets"][0], "AllocationId": address}
    for _ in range(2):
        gateway = ec2.create_nat_gateway(**arguments)["NatGateway"]["NatGatewayId"]
        ec2.delete_nat_gateway(NatGatewayId=gateway)
    ec2.release_address(AllocationId=address)


def test_managed_policies_are_there_and_counted_per_account(account: dict[str, Any]) -> None:
    iam = account["iam"]
    arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 0
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.attach_role_policy(RoleName="r", PolicyArn=arn + "x")


def test_installing_twice_changes_nothing_but_the_control_plane(account: dict[str, Any]) -> None:
    from moto.eks.responses import EKSResponse

    before = EKSResponse.create_cluster
    install_extension()
    assert EKSResponse.create_cluster is before


def test_a_log_group_made_again_has_no_tags_of_the_one_before(account: dict[str, Any]) -> None:
    """Two stacks one after another, whose clusters have one name: the second's refresh showed the first's tags."""
    logs = boto3.client("logs", REGION)
    for tags in ({"team": "platform"}, {"stack": "local"}):
        logs.create_log_group(logGroupName="/aws/eks/again/cluster", tags=tags)
        (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/eks/again/")["logGroups"]
        assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == tags
        logs.delete_log_group(logGroupName="/aws/eks/again/cluster")
