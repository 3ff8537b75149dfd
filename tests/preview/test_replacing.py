"""The preview's table of what forces a replacement: whole, and the one that the platform's provider goes by."""

from __future__ import annotations

import csv

from local.providers.aws.resources import TABLE as PROVIDER
from preview.replacing import table
from tests.conftest import REPO
from tests.program import ours

# Nothing of it but its region is fixed (terraform-provider-aws internal/service/ec2/vpc_internet_gateway.go).
NEVER_REPLACED = {
    # Each attribute is sent as an update (internal/service/chatbot).
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
    "aws:chatbot/teamsChannelConfiguration:TeamsChannelConfiguration",
    "aws:ec2/internetGateway:InternetGateway",
}
# Types and properties that the platform's provider makes again where the real one updates in place.
MADE_AGAIN_HERE = {
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "every property: the rule that replaces it is the same",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "as egress",
    "aws:ec2/routeTableAssociation:RouteTableAssociation routeTableId": "no component moves a subnet to another table",
    "aws:eks/cluster:Cluster encryptionConfig": "AWS takes no other key; turning it off is a row with `removed`",
}


def _by_type() -> dict[str, set[str]]:
    by_type: dict[str, set[str]] = {}
    for row in table():
        if not row.when_removed:
            by_type.setdefault(row.type, set()).update(row.properties)
    return by_type


def test_every_type_that_a_component_registers_has_its_row() -> None:
    """`tools/iam_actions.csv` names every type of AWS that components register (tests/tools/test_iam_runner.py)."""
    with (REPO / "tools/iam_actions.csv").open(encoding="utf-8", newline="") as file:
        types = {row["what"] for row in csv.DictReader(file)}
    resources = {name for name in types if name.startswith("aws:") and name.rpartition(":")[2][0].isupper()}
    assert len(resources) > 20
    assert resources - set(_by_type()) == NEVER_REPLACED


def test_what_forces_a_replacement_does_so_on_the_platform_too() -> None:
    differ = [
        f"{type_} {path}"
        for type_, paths in _by_type().items()
        if type_ in PROVIDER
        for path in sorted(paths)
        if PROVIDER[type_].can_change(path)
    ]
    assert differ == []


def test_what_the_platform_replaces_of_our_inputs_is_in_the_table() -> None:
    rows = _by_type()
    differ = set()
    for registration in ours("prod").registrations:
        provider = PROVIDER.get(registration.type)
        if provider is None or registration.type in {*MADE_AGAIN_HERE, *NEVER_REPLACED}:
            continue
        listed = {path.split(".")[0] for path in rows[registration.type]}
        differ |= {
            f"{registration.type} {name}"
            for name in registration.inputs
            if not provider.can_change(name) and name not in listed
        }
    assert sorted(differ - set(MADE_AGAIN_HERE)) == []
