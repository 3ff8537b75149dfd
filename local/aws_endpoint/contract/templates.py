"""Launch templates of node groups."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Mapping
from email import message_from_string
from typing import Any

from local.aws_endpoint.contract.rule import Asked, Checks, is_bottlerocket

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


# EKS tries a launch template out and hands on what EC2 says to it, as InvalidRequestException.

CHECKS: Checks = {
    "nodes-template": _template,
    "nodes-template-other": _other_template,
    "nodes-template-types": _types_twice,
    "nodes-template-image": _image_and_type,
    "nodes-template-profile": _in_template("IamInstanceProfile"),
    "nodes-template-group": _group_missing,
    "nodes-template-group-vpc": _group_elsewhere,
    "nodes-template-groups": _groups_many,
    "nodes-template-user-data": _no_mime,
    "nodes-template-toml": _no_toml,
    "nodes-block-template": _block_lacks,
    "nodes-block-type": _block_unsaid,
}
