"""Security group rules: EC2 keeps them as permissions, the SDK writes them in three ways."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local.providers.aws.cloud import AwsError
from local.providers.aws.hooks import Properties
from local.providers.aws.resource import LiveResource

Permission = dict[str, Any]
_SOURCES = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
_PROTOCOLS = {"all": "-1", "6": "tcp", "17": "udp", "1": "icmp"}


def _protocol(name: Any) -> str:
    return _PROTOCOLS.get(str(name).lower(), str(name).lower())


def permission(rule: Mapping[str, Any], group_id: str) -> Permission:
    """EC2's IpPermission of an inline rule or a SecurityGroupRule."""
    text = {"Description": rule["description"]} if rule.get("description") else {}
    groups = [*(rule.get("securityGroups") or []), rule.get("sourceSecurityGroupId")]
    groups += [group_id] if rule.get("self") else []
    made: Permission = {
        "IpProtocol": _protocol(rule["protocol"]),
        "IpRanges": [{"CidrIp": cidr, **text} for cidr in rule.get("cidrBlocks") or []],
        "Ipv6Ranges": [{"CidrIpv6": cidr, **text} for cidr in rule.get("ipv6CidrBlocks") or []],
        "PrefixListIds": [{"PrefixListId": item, **text} for item in rule.get("prefixListIds") or []],
        "UserIdGroupPairs": [{"GroupId": group, **text} for group in groups if group],
    }
    if made["IpProtocol"] != "-1":
        made |= {"FromPort": rule["fromPort"], "ToPort": rule["toPort"]}
    return {key: value for key, value in made.items() if value != []}


def _atoms(permissions: Iterable[Permission]) -> dict[str, Permission]:
    """Permissions cut into one source each, by a key that says what they are."""
    atoms = {}
    for one in permissions:
        head = {key: one.get(key) for key in ("IpProtocol", "FromPort", "ToPort") if one.get(key) is not None}
        if head["IpProtocol"] == "-1":
            head = {"IpProtocol": "-1"}
        for source in _SOURCES:
            for item in one.get(source) or []:
                item = {key: value for key, value in item.items() if key not in ("UserId", "GroupName") and value}
                atom = {**head, source: [item]}
                atoms[json.dumps(atom, sort_keys=True)] = atom
    return atoms


def _edit(resource: LiveResource, direction: str, verb: str, atoms: Iterable[Permission], group_id: str = "") -> None:
    permissions = list(atoms)
    if permissions:
        resource.call(
            f"{verb}_security_group_{direction}",
            {"GroupId": group_id or resource.id, "IpPermissions": permissions},
        )


def _group(resource: LiveResource, group_id: str = "") -> dict[str, Any]:
    answer = resource.call("describe_security_groups", {"GroupIds": [group_id or resource.id]})
    group: dict[str, Any] = answer["SecurityGroups"][0]
    return group


def _live_permissions(group: Mapping[str, Any], direction: str) -> list[Permission]:
    permissions: list[Permission] = (
        group.get("IpPermissions" if direction == "ingress" else "IpPermissionsEgress") or []
    )
    return permissions


def _set_rules(resource: LiveResource, direction: str, rules: Iterable[Mapping[str, Any]]) -> None:
    """Makes the live rules the wanted ones: what is too many goes first, EC2 refuses duplicates."""
    target = _atoms(permission(rule, resource.id) for rule in rules)
    live = _atoms(_live_permissions(_group(resource), direction))
    _edit(resource, direction, "revoke", (atom for key, atom in live.items() if key not in target))
    _edit(resource, direction, "authorize", (atom for key, atom in target.items() if key not in live))


def set_initial_rules(resource: LiveResource) -> None:
    """Inline rules. Like the real provider, drops the allow-all egress that EC2 gives every new group."""
    _set_rules(resource, "egress", resource.inputs.get("egress") or [])
    if resource.inputs.get("ingress"):
        _set_rules(resource, "ingress", resource.inputs["ingress"])


def change_rules(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    for direction in ("ingress", "egress"):
        if direction in changed:
            _set_rules(resource, direction, resource.inputs.get(direction) or [])


def adopt_default_group(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """The VPC's default group: it exists, it is only taken over."""
    filters = [{"Name": "group-name", "Values": ["default"]}]
    if resource.inputs.get("vpcId"):
        filters.append({"Name": "vpc-id", "Values": [resource.inputs["vpcId"]]})
    groups = resource.call("describe_security_groups", {"Filters": filters})["SecurityGroups"]
    if not groups:
        raise AwsError("ec2", "DescribeSecurityGroups", "InvalidGroup.NotFound", "the VPC has no default group")
    return str(groups[0]["GroupId"])


def replace_default_rules(resource: LiveResource) -> None:
    for direction in ("ingress", "egress"):
        _set_rules(resource, direction, resource.inputs.get(direction) or [])


def revoke_rules(resource: LiveResource) -> None:
    if resource.inputs.get("revokeRulesOnDelete"):
        for direction in ("ingress", "egress"):
            _set_rules(resource, direction, [])


def observe_rules(resource: LiveResource, seen: Properties) -> Properties:
    """Inline rules in the SDK's form. A group whose rules are resources of their own shows none here."""
    shown: Properties = {}
    for direction in ("ingress", "egress"):
        if direction in resource.inputs or not resource.inputs:
            shown[direction] = [
                _inline(one, resource.id) for one in _live_permissions(resource.live, direction)
            ] or None
        else:
            shown[direction] = None
    return shown


def _inline(one: Permission, group_id: str) -> Properties:
    groups = [pair["GroupId"] for pair in one.get("UserIdGroupPairs") or []]
    texts = [item["Description"] for source in _SOURCES for item in one.get(source) or [] if item.get("Description")]
    return {
        "protocol": one["IpProtocol"],
        "fromPort": one.get("FromPort", 0),
        "toPort": one.get("ToPort", 0),
        "cidrBlocks": [item["CidrIp"] for item in one.get("IpRanges") or []],
        "ipv6CidrBlocks": [item["CidrIpv6"] for item in one.get("Ipv6Ranges") or []],
        "prefixListIds": [item["PrefixListId"] for item in one.get("PrefixListIds") or []],
        "securityGroups": [group for group in groups if group != group_id],
        "self": group_id in groups,
        "description": texts[0] if texts else "",
    }


# -- aws:ec2/securityGroupRule -----------------------------------------------------------------------------------


def add_rule(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """Authorizes; the id is made of what the rule says, for EC2 gives one per source only."""
    inputs = resource.inputs
    made = permission(inputs, inputs["securityGroupId"])
    _edit(resource, inputs["type"], "authorize", [made], inputs["securityGroupId"])
    digest = hashlib.sha256(json.dumps([inputs["type"], made], sort_keys=True).encode()).hexdigest()
    return f"sgrule-{int(digest[:8], 16)}"


def _rule_atoms(resource: LiveResource) -> dict[str, Permission]:
    return _atoms([permission(resource.inputs, resource.inputs["securityGroupId"])])


def observe_rule(resource: LiveResource, seen: Properties) -> Properties | None:
    """All as the program said, as long as every source of the rule is there; otherwise only the sources left."""
    inputs = resource.inputs
    live = _atoms(_live_permissions(resource.live, inputs["type"]))
    left = [atom for key, atom in _rule_atoms(resource).items() if key in live]
    if not left:
        return None
    shown = {key: value for key, value in inputs.items() if key not in ("region", "tags")}
    shown["cidrBlocks"] = [item["CidrIp"] for atom in left for item in atom.get("IpRanges", [])] or None
    if inputs.get("sourceSecurityGroupId") and not any("UserIdGroupPairs" in atom for atom in left):
        shown["sourceSecurityGroupId"] = None
    return {**dict.fromkeys(seen), **shown}


def remove_rule(resource: LiveResource) -> None:
    live = _atoms(_live_permissions(resource.live, resource.inputs["type"]))
    atoms = [atom for key, atom in _rule_atoms(resource).items() if key in live]
    _edit(resource, resource.inputs["type"], "revoke", atoms, resource.inputs["securityGroupId"])


# -- aws:vpc/securityGroup{In,E}gressRule ------------------------------------------------------------------------


def add_vpc_rule(direction: str) -> Callable[[LiveResource, dict[str, Any]], str]:
    """The `make` hook of one direction: one source, and so one rule id."""

    def make(resource: LiveResource, tagged: dict[str, Any]) -> str:
        inputs = resource.inputs
        rule = {
            "protocol": inputs["ipProtocol"],
            "fromPort": inputs.get("fromPort"),
            "toPort": inputs.get("toPort"),
            "cidrBlocks": [inputs["cidrIpv4"]] if inputs.get("cidrIpv4") else [],
            "ipv6CidrBlocks": [inputs["cidrIpv6"]] if inputs.get("cidrIpv6") else [],
            "prefixListIds": [inputs["prefixListId"]] if inputs.get("prefixListId") else [],
            "sourceSecurityGroupId": inputs.get("referencedSecurityGroupId"),
            "description": inputs.get("description"),
        }
        answer = resource.call(
            f"authorize_security_group_{direction}",
            {"GroupId": inputs["securityGroupId"], "IpPermissions": [permission(rule, inputs["securityGroupId"])]},
        )
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    return make


def observe_vpc_rule(resource: LiveResource, seen: Properties) -> Properties:
    """EC2 says -1 for the ports of "all protocols"; the program leaves them out."""
    if str(resource.live.get("IpProtocol")) == "-1":
        return {"fromPort": resource.inputs.get("fromPort"), "toPort": resource.inputs.get("toPort")}
    return {}
