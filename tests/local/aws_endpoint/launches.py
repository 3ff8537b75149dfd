"""Fleets as Karpenter asks for them, in the small account of land.py."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3

from local.aws_endpoint import pod_identity
from tests.local.aws.needs import trust
from tests.local.aws_endpoint.land import Land, new_name

RELEASE = "amazon-eks-node-al2023-x86_64-nvidia-1.35-v20260505"
TAGS = {"karpenter.sh/nodepool": "l4"}
USER_DATA = "MIME-Version: 1.0\n"


def image(here: Land, name: str = RELEASE) -> str:
    path = f"/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/nvidia/{name}/image_id"
    return str(here.ssm.get_parameter(Name=path)["Parameter"]["Value"])


def profile(here: Land, path: str = "/") -> str:
    name = new_name("profile")
    here.iam.create_instance_profile(InstanceProfileName=name, Path=path)
    here.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=here.role.rsplit("/", 1)[-1])
    return name


def template(
    here: Land,
    user_data: str = USER_DATA,
    profile_name: str | None = None,
    ec2: Any = None,
    tags: Mapping[str, str] = TAGS,
) -> str:
    """Name of a launch template as Karpenter makes it. `ec2`: of who calls."""
    name = new_name("karpenter.k8s.aws/1")
    group = here.ec2.create_security_group(GroupName=new_name(), Description="nodes", VpcId=here.vpc)["GroupId"]
    disk = {"VolumeSize": 100, "VolumeType": "gp3", "DeleteOnTermination": True}
    data = {
        "ImageId": image(here),
        "UserData": base64.b64encode(user_data.encode()).decode(),
        "NetworkInterfaces": [{"DeviceIndex": 0, "Groups": [group]}],
        "IamInstanceProfile": {"Name": profile_name or profile(here)},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": disk}],
        "MetadataOptions": {"HttpTokens": "required"},
        "Monitoring": {"Enabled": True},
    }
    said = [{"Key": key, "Value": value} for key, value in tags.items()]
    (ec2 or here.ec2).create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData=data,
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": said}],
    )
    return name


def fleet(
    here: Land,
    name: str,
    types: Sequence[str] = ("g6.4xlarge", "g6.2xlarge"),
    lifecycle: str = "on-demand",
    strategy: str | None = None,
    ec2: Any = None,
    tags: Mapping[str, str] = TAGS,
    **more: Any,
) -> dict[str, Any]:
    """CreateFleet over these types in both subnets; the priority falls with the order. `ec2`: of who calls."""
    overrides = [
        {"InstanceType": type_, "SubnetId": subnet, "ImageId": image(here), "Priority": float(number)}
        for number, type_ in enumerate(types)
        for subnet in here.subnets
    ]
    options = {"AllocationStrategy": strategy} if strategy else {}
    answer: dict[str, Any] = (ec2 or here.ec2).create_fleet(
        Type="instant",
        LaunchTemplateConfigs=[
            {
                "LaunchTemplateSpecification": {"LaunchTemplateName": name, "Version": "$Latest"},
                "Overrides": overrides,
            }
        ],
        TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": lifecycle},
        TagSpecifications=[
            {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for kind in ("instance", "volume")
        ],
        **({"SpotOptions": options} if lifecycle == "spot" else {"OnDemandOptions": options}),
        **more,
    )
    return answer


def launched(here: Land, answer: dict[str, Any]) -> dict[str, Any]:
    """The one instance of a fleet's answer, as EC2 describes it."""
    (one,) = answer["Instances"]
    instances = here.ec2.describe_instances(InstanceIds=one["InstanceIds"])["Reservations"][0]["Instances"]
    (instance,) = instances
    return dict(instance)


@dataclass(frozen=True)
class Pod:
    """boto3's clients by service, with the credentials that a pod's service account has."""

    region: str
    given: dict[str, str]

    def __getattr__(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=self.region,
            aws_access_key_id=self.given["AccessKeyId"],
            aws_secret_access_key=self.given["SecretAccessKey"],
            aws_session_token=self.given["Token"],
        )


def as_pod(here: Land, *documents: str) -> Pod:
    """A pod whose service account has a role with these inline policies."""
    cluster, role = here.cluster(), new_name("role")
    made = here.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust("pods.eks.amazonaws.com"))
    for number, text in enumerate(documents):
        here.iam.put_role_policy(RoleName=role, PolicyName=f"p{number}", PolicyDocument=text)
    place = {"namespace": "kube-system", "serviceAccount": "karpenter"}
    here.eks.create_pod_identity_association(clusterName=cluster, roleArn=made["Role"]["Arn"], **place)
    credentials = pod_identity.credentials(here.region, cluster, *place.values())
    assert credentials is not None
    return Pod(here.region, credentials)
