"""What AWS Load Balancer Controller may do: the rows of planning/facts/load_balancer_rights.csv as a policy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.aws import iam
from planning.facts import rows

# By which the controller knows what it made, and for which cluster.
OWNER_TAG = "elbv2.k8s.aws/cluster"
YES, IN_VPC = "yes", "vpc"
_MADE_OF = "elasticloadbalancing:CreateAction"


@dataclass(frozen=True)
class ClusterPlace:
    """One cluster in one VPC of an account."""

    partition: str
    region: str
    account: str
    cluster_name: str
    vpc_id: str


def load_balancer_policy(place: ClusterPlace) -> str:
    """As the project publishes it, and closer: of this cluster, VPC, account and region, without what is switched off.

    Where the published one asks that there be an owner's tag, whichever, this one asks for the cluster's own.
    """
    granted: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in rows("load_balancer_rights.csv"):
        if row["given"] in (YES, IN_VPC):
            resources = granted.setdefault((row["when"], row["given"]), {})
            resources.setdefault(_in_place(row["resource"], place), []).append(row["action"])
    return iam.document(
        *(
            {"Effect": "Allow", "Action": actions, "Resource": resource, **_when(when, given, place)}
            for (when, given), resources in granted.items()
            for actions, resource in _together(resources)
        )
    )


def _in_place(resource: str, place: ClusterPlace) -> str:
    """`ec2:*:*:security-group/*` -> `arn:aws:ec2:us-east-1:111122223333:security-group/*`."""
    here = resource.replace(":*:*:", f":{place.region}:{place.account}:")
    return resource if resource == "*" else f"arn:{place.partition}:{here}"


def _together(resources: Mapping[str, list[str]]) -> list[tuple[list[str], list[str]]]:
    """(actions, resources) with as few statements as there are different lists of actions."""
    by_actions: dict[tuple[str, ...], list[str]] = {}
    for resource, actions in resources.items():
        by_actions.setdefault(tuple(actions), []).append(resource)
    return [(list(actions), names) for actions, names in by_actions.items()]


def conditions(owner: dict[str, Any], requested: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By the table's names. `owner`, `requested`: how a resource's and a request's tag of the owner are asked for."""
    untouched = {"Null": {f"aws:RequestTag/{OWNER_TAG}": "true"}}
    return {
        "": {},
        "service-role": {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
        "new-group": _both({"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}}, requested),
        "retag": _both(untouched, owner),
        "own": owner,
        "new": requested,
        "new-balancer": _both({"StringEquals": {_MADE_OF: ["CreateTargetGroup", "CreateLoadBalancer"]}}, requested),
    }


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {operator: {**one.get(operator, {}), **other.get(operator, {})} for operator in {**one, **other}}


def _when(when: str, given: str, place: ClusterPlace) -> dict[str, Any]:
    owner = {"StringEquals": {f"aws:ResourceTag/{OWNER_TAG}": place.cluster_name}}
    requested = {"StringEquals": {f"aws:RequestTag/{OWNER_TAG}": place.cluster_name}}
    asked = conditions(owner, requested)[when]
    if given == IN_VPC:
        vpc = f"arn:{place.partition}:ec2:{place.region}:{place.account}:vpc/{place.vpc_id}"
        asked = _both(asked, {"ArnEquals": {"ec2:Vpc": vpc}})
    return {"Condition": asked} if asked else {}
