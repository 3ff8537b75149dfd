"""Launch templates of node groups."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Mapping
from email import message_from_string
from typing import Any

from local.aws_endpoint.contract.rule import Asked, ContractRule, is_bottlerocket
from local.aws_endpoint.contract.sources import EC2_ERRORS, VPC_QUOTAS, guide, issue

_CREATE = ("eks:CreateNodegroup",)
_VERSION = ("eks:UpdateNodegroupVersion",)
_INVALID = "InvalidParameterException"
_TEMPLATES = guide("launch-templates")
MOST_GROUPS_PER_INTERFACE = 5


def _template(asked: Asked) -> Mapping[str, Any] | None:
    template = asked.given.get("launchTemplate")
    if not template:
        return None
    known = [
        candidate
        for candidate in asked.world.ec2.launch_templates.values()
        if candidate.id == template.get("id") or candidate.name == template.get("name")
    ]
    name = template.get("id") or template.get("name")
    version = str(template.get("version") or "$Default")
    if known and (
        version.startswith("$")
        or any(str(template_version.number) == version for template_version in known[0].versions)
    ):
        return None
    return {"template": name, "version": version}


def _in_template(member: str) -> Any:
    """Whether the launch template says something about `member`, and the call too where `also` is named."""

    def check(asked: Asked) -> Mapping[str, Any] | None:
        return {} if asked.world.launch_template_data(asked.given.get("launchTemplate")).get(member) else None

    return check


def _types_twice(asked: Asked) -> Mapping[str, Any] | None:
    data = asked.world.launch_template_data(asked.given.get("launchTemplate"))
    return {} if data.get("InstanceType") and asked.given.get("instanceTypes") else None


def _image_and_type(asked: Asked) -> Mapping[str, Any] | None:
    data = asked.world.launch_template_data(asked.given.get("launchTemplate"))
    return {} if data.get("ImageId") and asked.given.get("amiType") not in (None, "CUSTOM") else None


def _no_mime(asked: Asked) -> Mapping[str, Any] | None:
    """User data that EKS would have to merge with its own; with an image of one's own it merges nothing."""
    text = _merged_user_data(asked)
    if text is None or is_bottlerocket(asked):
        return None
    return None if message_from_string(text).is_multipart() else {}


def _no_toml(asked: Asked) -> Mapping[str, Any] | None:
    text = _merged_user_data(asked)
    if text is None or not is_bottlerocket(asked):
        return None
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    return None


def _merged_user_data(asked: Asked) -> str | None:
    data = asked.world.launch_template_data(asked.given.get("launchTemplate"))
    if not data.get("UserData") or data.get("ImageId"):
        return None
    return base64.b64decode(str(data["UserData"])).decode("utf-8", "replace")


def _other_template(asked: Asked) -> Mapping[str, Any] | None:
    group, template = asked.world.node_group(asked.given), asked.given.get("launchTemplate")
    before = (group.launch_template or {}) if group else {}
    if not template or not before or template.get("id") is None or before.get("id") is None:
        return None
    return {} if template["id"] != before["id"] else None


def _block_lacks(asked: Asked) -> Mapping[str, Any] | None:
    """What the launch template of a group of a Capacity Block must say."""
    if asked.given.get("capacityType") != "CAPACITY_BLOCK":
        return None
    data = asked.world.launch_template_data(asked.given.get("launchTemplate"))
    target = data.get("CapacityReservationSpecification", {}).get("CapacityReservationTarget", {})
    said = {
        "InstanceMarketOptions.MarketType capacity-block": data.get("InstanceMarketOptions", {}).get("MarketType")
        == "capacity-block",
        "CapacityReservationTarget.CapacityReservationId": bool(target.get("CapacityReservationId")),
        "InstanceType": bool(data.get("InstanceType")),
    }
    lacking = [name for name, there in said.items() if not there]
    return {"lacking": ", ".join(lacking)} if lacking else None


def _block_unsaid(asked: Asked) -> Mapping[str, Any] | None:
    data = asked.world.launch_template_data(asked.given.get("launchTemplate"))
    of_block = data.get("InstanceMarketOptions", {}).get("MarketType") == "capacity-block"
    return {} if of_block and asked.given.get("capacityType") != "CAPACITY_BLOCK" else None


def _groups(asked: Asked) -> list[str]:
    """Security groups that the launch template gives its nodes."""
    group_ids = asked.world.launch_template_data(asked.given.get("launchTemplate")).get("SecurityGroupIds") or ()
    return [str(group_id) for group_id in group_ids]


def _group_missing(asked: Asked) -> Mapping[str, Any] | None:
    return next(({"group": group} for group in _groups(asked) if asked.world.security_group(group) is None), None)


def _group_elsewhere(asked: Asked) -> Mapping[str, Any] | None:
    subnets = asked.world.subnets(asked.given.get("subnets") or ())
    for group_id in _groups(asked):
        group = asked.world.security_group(group_id)
        stray = next((subnet for subnet in subnets if group is not None and subnet.vpc_id != group.vpc_id), None)
        if stray is not None:
            return {"group": group_id, "subnet": stray.id}
    return None


def _groups_many(asked: Asked) -> Mapping[str, Any] | None:
    return {} if len(set(_groups(asked))) > MOST_GROUPS_PER_INTERFACE else None


_BLOCKS = guide("capacity-blocks-mng")
# EKS tries a launch template out and hands on what EC2 says to it, as InvalidRequestException.
_TRIED = issue("cloudposse/terraform-aws-eks-node-group", 77)

RULES = (
    ContractRule(
        id="nodes-template",
        operations=(*_CREATE, *_VERSION),
        condition="the launch template, or its version, does not exist",
        code=_INVALID,
        words="Launch template {template} with version {version} does not exist",
        source=f"{_TEMPLATES} (the words are not AWS' own)",
        check=_template,
    ),
    ContractRule(
        id="nodes-template-other",
        operations=_VERSION,
        condition="another launch template than the one the group was made with",
        code=_INVALID,
        words="You cannot update a node group to another launch template, only to another version of its own",
        source=f"{_TEMPLATES} (the words are not AWS' own)",
        check=_other_template,
    ),
    ContractRule(
        id="nodes-template-disk",
        operations=_CREATE,
        condition="diskSize beside a launch template",
        code=_INVALID,
        words="Disk size must be specified within the launch template.",
        source=_TEMPLATES,
        check="launchTemplate && diskSize",
    ),
    ContractRule(
        id="nodes-template-remote-access",
        operations=_CREATE,
        condition="remoteAccess beside a launch template",
        code=_INVALID,
        words="Remote access configuration cannot be specified with a launch template.",
        source=issue("terraform-aws-modules/terraform-aws-eks", 2219),
        check="launchTemplate && remoteAccess",
    ),
    ContractRule(
        id="nodes-template-types",
        operations=_CREATE,
        condition="instance types in the call and in the launch template",
        code="InvalidRequestException",
        words="Cannot specify instance types in launch template and API Request",
        source=issue("terraform-aws-modules/terraform-aws-eks", 1386),
        check=_types_twice,
    ),
    ContractRule(
        id="nodes-template-image",
        operations=_CREATE,
        condition="an AMI type other than CUSTOM, and an image id in the launch template",
        code="InvalidRequestException",
        words="You cannot specify an AMI Type other than CUSTOM, when specifying an image id in your launch template.",
        source=f"{_TEMPLATES} (the words are not AWS' own)",
        check=_image_and_type,
    ),
    ContractRule(
        id="nodes-template-profile",
        operations=_CREATE,
        condition="an instance profile in the launch template",
        code=_INVALID,
        words="Launch template should not specify an instance profile. The noderole in your request will be used to "
        "construct an instance profile.",
        source=_TEMPLATES,
        check=_in_template("IamInstanceProfile"),
    ),
    ContractRule(
        id="nodes-template-group",
        operations=_CREATE,
        condition="the launch template names a security group that does not exist",
        code="InvalidRequestException",
        words="The security group '{group}' does not exist",
        source=f"{_TRIED}, {EC2_ERRORS} (InvalidGroup.NotFound)",
        check=_group_missing,
    ),
    ContractRule(
        id="nodes-template-group-vpc",
        operations=_CREATE,
        condition="the launch template names a security group of another VPC than the subnets'",
        code="InvalidRequestException",
        words="Security group {group} and subnet {subnet} belong to different networks.",
        source=f"{_TRIED}, {EC2_ERRORS} (InvalidParameter)",
        check=_group_elsewhere,
    ),
    ContractRule(
        id="nodes-template-groups",
        operations=_CREATE,
        condition="more than five security groups in the launch template",
        code="InvalidRequestException",
        words="You have exceeded the maximum number of security groups allowed per network interface.",
        source=f"{_TRIED}, {VPC_QUOTAS} (SecurityGroupsPerInterfaceLimitExceeded; the words are not AWS' own)",
        check=_groups_many,
    ),
    ContractRule(
        id="nodes-template-user-data",
        operations=(*_CREATE, *_VERSION),
        condition="user data in the launch template that is no MIME multipart document, without an image id",
        code="InvalidRequestException",
        words="Ec2LaunchTemplateInvalidConfiguration: User data was not in the MIME multipart format.",
        source=issue("terraform-aws-modules/terraform-aws-eks", 2955)
        + " (AWS makes the group, which then ends in CREATE_FAILED with these words)",
        check=_no_mime,
    ),
    ContractRule(
        id="nodes-template-toml",
        operations=(*_CREATE, *_VERSION),
        condition="Bottlerocket's user data in the launch template that is no TOML document, without an image id",
        code="InvalidRequestException",
        words="Ec2LaunchTemplateInvalidConfiguration: User data was not in the TOML format.",
        source=guide("launch-templates") + ' ("Amazon EC2 user data"; the words are not AWS\' own)',
        check=_no_toml,
    ),
    ContractRule(
        id="nodes-block-template",
        operations=_CREATE,
        condition="CAPACITY_BLOCK without a launch template that names market type, reservation and instance type",
        code=_INVALID,
        words="A node group of capacity type CAPACITY_BLOCK needs a launch template with {lacking}",
        source=f"{_BLOCKS} (the words are not AWS' own)",
        check=_block_lacks,
    ),
    ContractRule(
        id="nodes-block-type",
        operations=_CREATE,
        condition="a launch template of market type capacity-block, and another capacity type than CAPACITY_BLOCK",
        code=_INVALID,
        words="A launch template with market type capacity-block needs the capacity type CAPACITY_BLOCK",
        source=f"{_BLOCKS} (the words are not AWS' own)",
        check=_block_unsaid,
    ),
)
