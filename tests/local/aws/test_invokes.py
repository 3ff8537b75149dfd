"""Functions that programs call."""

from __future__ import annotations

import base64
import json

import pytest

from local.providers.rpc import ProviderError
from tests.local.aws.driver import REGION, Driver


def test_who_and_where_am_i(driver: Driver) -> None:
    assert driver.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "123456789012"
    assert driver.invoke("aws:index/getPartition:getPartition")["dnsSuffix"] == "amazonaws.com"
    assert driver.invoke("aws:index/getRegion:getRegion")["region"] == REGION


def test_availability_zones_can_be_left_out(driver: Driver) -> None:
    token = "aws:index/getAvailabilityZones:getAvailabilityZones"
    names = driver.invoke(token, state="available")["names"]
    assert names[:2] == ["us-west-2a", "us-west-2b"]
    assert driver.invoke(token, excludeNames=["us-west-2a"])["names"] == names[1:]


def test_the_eks_image_parameters_are_answered(driver: Driver) -> None:
    token, prefix = "aws:ssm/getParameter:getParameter", "/aws/service/eks/optimized-ami/1.34"
    nvidia = f"{prefix}/amazon-linux-2023/x86_64/nvidia/recommended"
    image = driver.invoke(token, name=f"{nvidia}/image_id")
    assert image["value"].startswith("ami-")
    assert image["type"] == "String"
    document = json.loads(driver.invoke(token, name=nvidia)["value"])
    assert document["image_id"] == image["value"]
    assert document["release_version"].startswith("1.34.")
    with pytest.raises(ProviderError, match="ParameterNotFound"):
        driver.invoke(token, name=f"{prefix}/amazon-linux-2023/x86_64/nvidea/recommended/image_id")


def test_a_policy_document_is_rendered_as_the_real_provider_does(driver: Driver) -> None:
    answer = driver.invoke(
        "aws:iam/getPolicyDocument:getPolicyDocument",
        statements=[
            {
                "sid": "Assume",
                "actions": ["sts:AssumeRole"],
                "principals": [{"type": "Service", "identifiers": ["ec2.amazonaws.com"]}],
                "conditions": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["1"]}],
            },
            {"effect": "Deny", "actions": ["s3:*", "ec2:*"], "resources": ["*"]},
        ],
    )
    assert json.loads(answer["json"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Assume",
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
            },
            {"Effect": "Deny", "Action": ["s3:*", "ec2:*"], "Resource": "*"},
        ],
    }
    assert json.loads(answer["minifiedJson"]) == json.loads(answer["json"])


def test_override_documents_replace_by_sid(driver: Driver) -> None:
    def document(effect: str) -> str:
        return json.dumps({"Statement": [{"Sid": "A", "Effect": effect, "Action": "s3:*", "Resource": "*"}]})

    answer = driver.invoke(
        "aws:iam/getPolicyDocument:getPolicyDocument",
        sourcePolicyDocuments=[document("Allow")],
        overridePolicyDocuments=[document("Deny")],
    )
    assert [s["Effect"] for s in json.loads(answer["json"])["Statement"]] == ["Deny"]


def test_networks_are_found_by_id_and_by_tag(driver: Driver) -> None:
    vpc = driver.create("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "mine"}})
    inputs = {"vpcId": vpc.id, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-west-2b"}
    subnet = driver.create("aws:ec2/subnet:Subnet", "s", inputs)
    answer = driver.invoke("aws:ec2/getVpc:getVpc", tags={"Name": "mine"})
    assert (answer["id"], answer["cidrBlock"], answer["enableDnsSupport"]) == (vpc.id, "10.0.0.0/16", True)
    one = driver.invoke("aws:ec2/getSubnet:getSubnet", id=subnet.id)
    assert (one["availabilityZone"], one["vpcId"]) == ("us-west-2b", vpc.id)
    filters = [{"name": "vpc-id", "values": [vpc.id]}]
    assert driver.invoke("aws:ec2/getSubnets:getSubnets", filters=filters)["ids"] == [subnet.id]
    with pytest.raises(ProviderError, match="no matching"):
        driver.invoke("aws:ec2/getVpc:getVpc", tags={"Name": "nobody's"})


def test_a_cluster_that_does_not_exist_is_named(driver: Driver) -> None:
    with pytest.raises(ProviderError, match="No cluster found for name: nobody"):
        driver.invoke("aws:eks/getCluster:getCluster", name="nobody")


def test_a_token_for_a_cluster_is_a_presigned_identity_call(driver: Driver) -> None:
    token = driver.invoke("aws:eks/getClusterAuth:getClusterAuth", name="gpu")["token"]
    text = token.removeprefix("k8s-aws-v1.")
    url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    assert "Action=GetCallerIdentity" in url
    assert "x-k8s-aws-id" in url


def test_an_addon_version_for_a_kubernetes_version(driver: Driver) -> None:
    token = "aws:eks/getAddonVersion:getAddonVersion"
    answer = driver.invoke(token, addonName="kube-proxy", kubernetesVersion="1.34")
    assert answer["version"].startswith("v1.34.")
    with pytest.raises(ProviderError, match="no version of add-on nothing"):
        driver.invoke(token, addonName="nothing", kubernetesVersion="1.34")
