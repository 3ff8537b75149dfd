"""Security groups and their rules. Service: ec2."""

from __future__ import annotations

from local.providers.aws import checks_network, hooks_security
from local.providers.aws.resources.network import ec2_tags
from local.providers.aws.table import Call, Row

_READ_GROUP = Call("describe_security_groups", {"GroupIds": ["$id"]}, "SecurityGroups[0]")
_GROUP_ARN = "arn:{partition}:ec2:{region}:{account}:security-group/{id}"

SECURITY_GROUP = Row(
    token="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    create=Call("create_security_group"),
    id="GroupId",
    read=_READ_GROUP,
    delete=(Call("delete_security_group", {"GroupId": "$id"}),),
    names={"name": "GroupName", "ingress": None, "egress": None, "revokeRulesOnDelete": None},
    name_prop="name",
    fills={"description": "Managed by Pulumi"},
    updatable=("ingress", "egress", "revokeRulesOnDelete"),
    unread=("revokeRulesOnDelete",),
    live={"name": "GroupName", "description": "Description"},
    tagging=ec2_tags("security-group"),
    out={"arn": _GROUP_ARN},
    after_create=hooks_security.set_initial_rules,
    on_update=hooks_security.change_rules,
    before_delete=hooks_security.revoke_rules,
    observe=hooks_security.observe_rules,
    checks=(checks_network.security_group,),
)

DEFAULT_SECURITY_GROUP = Row(
    token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    service="ec2",
    create=None,
    make=hooks_security.adopt_default_group,
    read=_READ_GROUP,
    delete=(),  # the VPC's own group cannot be deleted; the real provider only forgets it
    names={"vpcId": None, "ingress": None, "egress": None, "revokeRulesOnDelete": None},
    updatable=("ingress", "egress", "revokeRulesOnDelete"),
    unread=("revokeRulesOnDelete",),
    live={"name": "GroupName"},
    tagging=ec2_tags(""),
    out={"arn": _GROUP_ARN},
    after_create=hooks_security.replace_default_rules,
    on_update=hooks_security.change_rules,
    observe=hooks_security.observe_rules,
    checks=(checks_network.security_group,),
)

SECURITY_GROUP_RULE = Row(
    token="aws:ec2/securityGroupRule:SecurityGroupRule",
    service="ec2",
    create=None,
    make=hooks_security.add_rule,
    read=Call("describe_security_groups", {"GroupIds": ["$securityGroupId"]}, "SecurityGroups[0]"),
    delete=(),
    names=dict.fromkeys(
        (
            "type",
            "fromPort",
            "toPort",
            "protocol",
            "cidrBlocks",
            "ipv6CidrBlocks",
            "prefixListIds",
            "sourceSecurityGroupId",
            "self",
            "description",
            "securityGroupId",
        )
    ),
    observe=hooks_security.observe_rule,
    before_delete=hooks_security.remove_rule,
    checks=(checks_network.security_group_rule,),
)


def _vpc_rule(direction: str) -> Row:
    """aws:vpc/securityGroup{In,E}gressRule: one rule with an id of its own."""
    lower = direction.lower()
    return Row(
        token=f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        service="ec2",
        create=None,
        make=hooks_security.add_vpc_rule(lower),
        read=Call("describe_security_group_rules", {"SecurityGroupRuleIds": ["$id"]}, "SecurityGroupRules[0]"),
        delete=(
            Call(
                f"revoke_security_group_{lower}",
                {"GroupId": "$securityGroupId", "SecurityGroupRuleIds": ["$id"]},
            ),
        ),
        names={
            "securityGroupId": "GroupId",
            "ipProtocol": None,
            "fromPort": None,
            "toPort": None,
            "cidrIpv4": None,
            "cidrIpv6": None,
            "prefixListId": None,
            "referencedSecurityGroupId": None,
            "description": None,
        },
        live={
            "securityGroupId": "GroupId",
            "securityGroupRuleId": "SecurityGroupRuleId",
            "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId",
        },
        observe=hooks_security.observe_vpc_rule,
        exclusive=("securityGroupId", "ipProtocol", "fromPort", "toPort", "cidrIpv4"),
        tagging=ec2_tags(""),
        out={"arn": "arn:{partition}:ec2:{region}:{account}:security-group-rule/{id}"},
        checks=(checks_network.vpc_rule,),
    )


ROWS = (
    SECURITY_GROUP,
    DEFAULT_SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    _vpc_rule("Ingress"),
    _vpc_rule("Egress"),
)
