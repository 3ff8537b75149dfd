"""The IAM policy of who runs `pulumi up`, made of what a stack registers: `python -m tools.iam_runner`.

    python -m tools.iam_runner                     # writes docs/iam-runner.json: one policy for each kind of stack
    python -m tools.iam_runner --kind created      # one of them, for `aws iam create-policy`
    python -m tools.iam_runner --stack dev         # of a stack file: its roles and its region only

Which actions a resource takes is `iam_actions.csv`: `actions` of an up, a refresh and a destroy, which a test replays
under the policy; `changes` of updates; `beyond` what the real provider or AWS itself asks besides.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPO = Path(__file__).resolve().parent.parent
DOCUMENT = REPO / "docs" / "iam-runner.json"
TABLE = Path(__file__).with_name("iam_actions.csv")
# The longest that IAM takes, white space not counted
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, read 2026-11-27).
MOST_CHARACTERS = 6144
_NETWORK = {
    "kind": "existing",
    "vpcId": "vpc-0123456789abcdef0",
    "privateSubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
}
# What differs from dev in a stack of each kind.
KINDS: Mapping[str, Mapping[str, Any]] = {
    "created": {},
    "existing-network": {"network": _NETWORK},
    "karpenter": {
        "nodePools": [
            {
                "name": "l4",
                "kind": "karpenter",
                "instanceTypes": ["g6.2xlarge"],
                "capacityTypes": ["spot", "onDemand"],
                "amiReleaseVersion": "1.35.4-20260505",
            }
        ]
    },
    "existing-cluster": {"network": _NETWORK, "cluster": {"kind": "existing", "name": "shared"}},
}
_INVOKED = (
    "preflight",
    *(f"aws:eks/{name}:{name}" for name in ("getClusters", "getNodeGroups", "getNodeGroup", "getAddonVersion")),
)
# In a stack whose tokens are in Secrets Manager.
_SECRETS = ("kubernetes:external-secrets.io/v1:ExternalSecret", "preflight:secrets")
_INGRESS, _CERTIFICATE = "kubernetes:networking.k8s.io/v1:Ingress", "alb.ingress.kubernetes.io/certificate-arn"
_BUCKET_POLICY = "-weights-policy"  # of a model whose weights are in a bucket (components/serving/vllm_model.py)
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html, read 2026-11-28.
_CNAME_ONLY = {"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["CNAME"]}}
_CALLER = ("aws:index/getCallerIdentity:getCallerIdentity", "aws:iam/getSessionContext:getSessionContext")
_ASKS_WHO = {"aws:eks/accessEntry:AccessEntry", "aws:sns/topic:Topic"}
_READS = ("Describe", "Get", "List")
_PASSED_TO = ("eks", "ec2", "pods.eks", "vpc-flow-logs")
# https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles.html; spot's and Auto Scaling's own in an
# account that never had a node group.
_LINKED = ("eks", "eks-nodegroup", "autoscaling", "spot")


@cache
def actions() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """By resource type (or `preflight`, or invoke): `actions`, `changes`, `beyond`."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            row["what"]: {key: tuple(row[key].split()) for key in ("actions", "changes", "beyond")}
            for row in csv.DictReader(file)
        }


def registered(config: Mapping[str, str], secrets: Iterable[str], stack: str) -> list[dict[str, Any]]:
    """What the program registers with this configuration; no cloud is asked."""
    from preview.recorder import record_program

    return record_program(REPO, "vllm-on-eks", stack, config, frozenset(secrets)).resources


def policy(resources: Sequence[Mapping[str, Any]], region: str | None = None) -> dict[str, Any]:
    """The policy document; with a region nothing regional outside it."""
    types = sorted({resource["type"] for resource in resources if resource["type"].startswith("aws:")})
    unknown = [type_ for type_ in types if type_ not in actions()]
    if unknown:
        raise LookupError(f"{', '.join(unknown)}: no row in {TABLE.name}; add what the provider calls for it")
    roles = [
        f"arn:aws:iam::*:role/{resource['name']}-*" for resource in resources if resource["type"] == "aws:iam/role:Role"
    ]
    profiles = [
        f"arn:aws:iam::*:instance-profile/{resource['name']}-*"
        for resource in resources
        if resource["type"] == "aws:iam/instanceProfile:InstanceProfile"
    ]
    budgets = [resource["name"] for resource in resources if resource["type"] == "aws:budgets/budget:Budget"]
    attached = {
        resource["inputs"]["policyArn"] for resource in resources if resource["type"].endswith(":RolePolicyAttachment")
    }
    invoked = _asked_for(resources, types)
    actions_needed = {action for name in (*types, *invoked) for group in actions()[name].values() for action in group}
    reads = {action for action in actions_needed if action.partition(":")[2].startswith(_READS)}
    own = {"iam:PassRole", "iam:CreateServiceLinkedRole", "iam:AttachRolePolicy", "iam:DetachRolePolicy"}
    of_iam = {action for action in actions_needed - reads - own if action.startswith("iam:")}
    of_profiles = {action for action in of_iam if profiles and "InstanceProfile" in action}
    of_roles = of_iam - of_profiles
    of_budgets = {action for action in actions_needed if action.startswith("budgets:")}
    # Cost Explorer answers in one region of the partition, whichever the stack's; ids of monitors are made by AWS.
    of_anomalies = {action for action in actions_needed if action.startswith("ce:")}
    # Chat configurations are the account's, and are asked for in one region (planning/cost/topic.py).
    of_chats = {action for action in actions_needed if action.startswith("chatbot:")}
    # Of Route 53, which is in no region; all reads of it are in Read.
    of_records = {action for action in actions_needed - reads if action.startswith("route53:")}
    elsewhere = of_budgets | of_anomalies | of_chats | of_records
    statements = [
        _statement("Read", reads - elsewhere, ["*"]),
        _statement("Make", actions_needed - reads - own - of_iam - elsewhere, ["*"], _within(region)),
        _statement("Roles", of_roles, roles),
        _statement("Profiles", of_profiles, profiles),
        _statement("Budgets", of_budgets, [f"arn:aws:budgets::*:budget/{budget}-*" for budget in budgets]),
        _statement("Anomalies", of_anomalies, ["*"]),
        _statement("Chats", of_chats, ["*"]),
        _statement("Records", of_records, _zones(resources), _CNAME_ONLY),
        _statement(
            "Policies", actions_needed & {"iam:AttachRolePolicy", "iam:DetachRolePolicy"}, roles, _policies(attached)
        ),
        _statement("Pass", actions_needed & {"iam:PassRole"}, roles, _equals("iam:PassedToService", _passed_to(types))),
        _statement(
            "ServiceLinked",
            actions_needed & {"iam:CreateServiceLinkedRole"},
            ["arn:aws:iam::*:role/aws-service-role/*"],
            _equals("iam:AWSServiceName", (*_LINKED, *_chat_services(types, "management.chatbot"))),
        ),
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [statement for statement in statements if statement["Action"] and statement["Resource"]],
    }


def _asked_for(resources: Sequence[Mapping[str, Any]], types: Sequence[str]) -> list[str]:
    """Rows of the table for what is asked about such resources, by functions of the provider and by the pre-flight."""
    asked = {
        "preflight:weights": any(str(resource.get("name")).endswith(_BUCKET_POLICY) for resource in resources),
        "preflight:certificate": any(map(_has_certificate, resources)),
        "preflight:files": any(type_.startswith("aws:efs/") for type_ in types),
        _SECRETS[1]: any(resource["type"] == _SECRETS[0] for resource in resources),
    }
    callers = _CALLER if _ASKS_WHO & set(types) else ()
    return [*_INVOKED, *callers, *(row for row, is_asked in asked.items() if is_asked)]


def _has_certificate(resource: Mapping[str, Any]) -> bool:
    """An Ingress with a certificate of AWS Certificate Manager."""
    annotations = resource.get("inputs", {}).get("metadata", {}).get("annotations") or {}
    return resource["type"] == _INGRESS and _CERTIFICATE in annotations


def _passed_to(types: Sequence[str]) -> tuple[str, ...]:
    builds = ("codebuild",) if "aws:codebuild/project:Project" in types else ()
    return (*_PASSED_TO, *builds, *_chat_services(types, "chatbot"))


def _chat_services(types: Sequence[str], service: str) -> tuple[str, ...]:
    """`service` in a stack that posts into a channel."""
    return (service,) if any(type_.startswith("aws:chatbot/") for type_ in types) else ()


def _statement(sid: str, allowed: Iterable[str], where: Sequence[str], condition: Any = None) -> dict[str, Any]:
    made = {"Sid": sid, "Effect": "Allow", "Action": sorted(allowed), "Resource": sorted(where)}
    return made | ({"Condition": condition} if condition else {})


def _zones(resources: Sequence[Mapping[str, Any]]) -> list[str]:
    """Hosted zones in which the stack writes."""
    records = [resource for resource in resources if resource["type"] == "aws:route53/record:Record"]
    return [f"arn:aws:route53:::hostedzone/{record['inputs']['zoneId']}" for record in records]


def _within(region: str | None) -> Any:
    return {"StringEquals": {"aws:RequestedRegion": [region]}} if region else None


def _policies(arns: Iterable[str]) -> Any:
    return {"ArnEquals": {"iam:PolicyARN": sorted(arns)}}


def _equals(key: str, services: Iterable[str]) -> Any:
    return {"StringEquals": {key: [f"{service}.amazonaws.com" for service in services]}}


def of_kind(kind: str, **more: Any) -> dict[str, Any]:
    """The policy of a kind of stack: dev, with what the kind changes, and `more` sections."""
    config = yaml.safe_load((REPO / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    config |= {f"vllm-on-eks:{section}": value for section, value in {**KINDS[kind], **more}.items()}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    secret = "vllm-on-eks:grafanaPassword"
    return policy(registered({**texts, secret: "stand-in"}, [secret], "dev"))


def of_stack(stack: str) -> dict[str, Any]:
    """The policy of a stack file; raises ValueError where it cannot work."""
    from planning.prepare import prepare

    prepared = prepare(REPO, stack)
    if prepared.plan is None:
        raise ValueError(f"{stack} cannot work; run: python -m preview {stack}")
    return policy(registered(prepared.config, prepared.secret_keys, stack), prepared.plan.region)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 where the stack file cannot work."""
    parser = argparse.ArgumentParser(prog="python -m tools.iam_runner", description=__doc__.splitlines()[0])
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--kind", choices=KINDS, help="print the policy of this kind of stack")
    one.add_argument("--stack", help="print the policy of a stack file, dev for Pulumi.dev.yaml")
    asked = parser.parse_args(argv)
    if asked.stack:
        try:
            print(json.dumps(of_stack(asked.stack), indent=2))
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    elif asked.kind:
        print(json.dumps(of_kind(asked.kind), indent=2))
    else:
        DOCUMENT.write_text(json.dumps({kind: of_kind(kind) for kind in KINDS}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
