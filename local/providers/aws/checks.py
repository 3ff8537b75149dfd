"""Mistakes that neither botocore nor moto finds, and that real AWS answers minutes later: found before any call.

A rule sees the inputs with unknown values (UNKNOWN) in them, and speaks only of what it knows.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from local.providers.aws.cloud import operation_model
from local.providers.aws.schema import Problem, did_you_mean
from local.providers.aws.table import CheckRule
from local.providers.rpc import UNKNOWN, contains_unknown

Inputs = Mapping[str, Any]


def known(inputs: Inputs, prop: str) -> Any:
    """The property's value where it is given and wholly known, else None."""
    value = inputs.get(prop)
    return None if value is None or contains_unknown(value) else value


# -- general -----------------------------------------------------------------------------------------------------


def network_problem(text: str) -> str | None:
    """Why `text` is no network address in CIDR form, or None."""
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        return f'"{text}" is no network in CIDR form: {error}'
    return None if "/" in text else f'"{text}" has no prefix length; write for example {text}/32'


def cidr(prop: str, shortest: int, longest: int) -> CheckRule:
    """`prop` is an IPv4 network with a prefix of `shortest` to `longest` bits."""

    def check(inputs: Inputs) -> list[Problem]:
        text = known(inputs, prop)
        if text is None:
            return []
        message = network_problem(text)
        if message is None and not shortest <= ipaddress.ip_network(text).prefixlen <= longest:
            message = f'"{text}": the prefix length must be /{shortest} to /{longest}'
        return [Problem(prop, message)] if message else []

    return check


def exactly_one(props: tuple[str, ...]) -> CheckRule:
    def check(inputs: Inputs) -> list[Problem]:
        given = [prop for prop in props if inputs.get(prop) is not None]
        if len(given) == 1:
            return []
        return [Problem(given[-1] if given else props[0], f"give exactly one of {', '.join(props)}")]

    return check


def json_document(prop: str) -> CheckRule:
    """`prop` is a JSON object."""

    def check(inputs: Inputs) -> list[Problem]:
        return _parsed(inputs, prop)[1]

    return check


def _parsed(inputs: Inputs, prop: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    text = known(inputs, prop)
    if text is None:
        return None, []
    try:
        document = json.loads(text)
    except ValueError as error:
        return None, [Problem(prop, f"is not valid JSON: {error}")]
    if not isinstance(document, dict):
        return None, [Problem(prop, f"must be a JSON object, got {type(document).__name__}")]
    return document, []


# -- IAM, KMS, logs ----------------------------------------------------------------------------------------------

_STATEMENT_KEYS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)


def _statements(prop: str, document: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Problem]]:
    """A policy's statements, and what is wrong with its grammar."""
    problems = []
    if document.get("Version") not in (None, "2012-10-17", "2008-10-17"):
        problems.append(Problem(prop, f'Version must be "2012-10-17", got {document.get("Version")!r}'))
    raw = document.get("Statement")
    statements = raw if isinstance(raw, list) else [raw]
    if not raw or not all(isinstance(statement, dict) for statement in statements):
        return [], [*problems, Problem(prop, "has no Statement")]
    for index, statement in enumerate(statements):
        where = f"Statement[{index}]"
        for key in statement:
            if key not in _STATEMENT_KEYS:
                problems.append(
                    Problem(prop, f'{where} has unknown element "{key}".{did_you_mean(key, _STATEMENT_KEYS)}')
                )
        if statement.get("Effect") not in ("Allow", "Deny"):
            problems.append(Problem(prop, f'{where}.Effect must be "Allow" or "Deny"'))
        if not ("Action" in statement) ^ ("NotAction" in statement):
            problems.append(Problem(prop, f"{where} needs exactly one of Action and NotAction"))
        problems += _actions(prop, where, statement)
    return statements, problems


def _actions(prop: str, where: str, statement: dict[str, Any]) -> list[Problem]:
    actions = statement.get("Action", statement.get("NotAction", []))
    actions = actions if isinstance(actions, list) else [actions]
    return [
        Problem(prop, f'{where}: "{action}" is no action; write service:Action, for example s3:GetObject')
        for action in actions
        if not isinstance(action, str) or (action != "*" and not re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9*?]+", action))
    ]


def trust_policy(inputs: Inputs) -> list[Problem]:
    """assumeRolePolicy: who may assume the role. moto takes even broken JSON."""
    prop = "assumeRolePolicy"
    document, problems = _parsed(inputs, prop)
    if document is None:
        return problems
    statements, problems = _statements(prop, document)
    for index, statement in enumerate(statements):
        where = f"Statement[{index}]"
        if not statement.get("Principal") and not statement.get("NotPrincipal"):
            problems.append(Problem(prop, f"{where} of a trust policy needs a Principal"))
        if "Resource" in statement or "NotResource" in statement:
            problems.append(Problem(prop, f"{where}: a trust policy has no Resource"))
        principal = statement.get("Principal")
        kinds = principal if isinstance(principal, dict) else {}
        problems += [
            Problem(prop, f'{where}: unknown principal type "{kind}"')
            for kind in kinds
            if kind not in ("AWS", "Service", "Federated", "CanonicalUser")
        ]
    return problems


def permission_policy(inputs: Inputs) -> list[Problem]:
    """policy: what is allowed."""
    document, problems = _parsed(inputs, "policy")
    if document is None:
        return problems
    statements, problems = _statements("policy", document)
    for index, statement in enumerate(statements):
        where = f"Statement[{index}]"
        if "Principal" in statement:
            problems.append(Problem("policy", f"{where}: an identity policy has no Principal"))
        if not ("Resource" in statement) ^ ("NotResource" in statement):
            problems.append(Problem("policy", f"{where} needs exactly one of Resource and NotResource"))
    return problems


def oidc_url(inputs: Inputs) -> list[Problem]:
    url = known(inputs, "url")
    if url is None or (urlsplit(url).scheme == "https" and urlsplit(url).hostname):
        return []
    return [Problem("url", f'"{url}" must be an https:// address')]


def kms_key(inputs: Inputs) -> list[Problem]:
    problems = []
    for prop, low, high in (("deletionWindowInDays", 7, 30), ("rotationPeriodInDays", 90, 2560)):
        days = known(inputs, prop)
        if days is not None and not low <= days <= high:
            problems.append(Problem(prop, f"must be {low} to {high} days, got {days}"))
    if known(inputs, "rotationPeriodInDays") and known(inputs, "enableKeyRotation") is None:
        problems.append(Problem("rotationPeriodInDays", "needs enableKeyRotation"))
    return problems


def alias_name(inputs: Inputs) -> list[Problem]:
    name = known(inputs, "name")
    if name is None:
        return []
    if not name.startswith("alias/") or name.startswith("alias/aws/"):
        return [Problem("name", f'"{name}" must begin with alias/ and not with alias/aws/')]
    return []


_RETENTION_DAYS = (0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
_RETENTION_DAYS += (1096, 1827, 2192, 2557, 2922, 3288, 3653)


def log_retention(inputs: Inputs) -> list[Problem]:
    days = known(inputs, "retentionInDays")
    if days is None or days in _RETENTION_DAYS:
        return []
    return [Problem("retentionInDays", f"CloudWatch keeps logs for one of {_RETENTION_DAYS} days, got {days}")]


# -- EC2 ---------------------------------------------------------------------------------------------------------

_GROUP_TEXT = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")


def port_problems(rule: Inputs, path: str, protocol_prop: str) -> list[Problem]:
    """Ports of a security group rule, by its protocol."""
    at = f"{path}." if path else ""
    protocol = known(rule, protocol_prop)
    if protocol is None:
        return []
    name = str(protocol).lower()
    low, high = known(rule, "fromPort"), known(rule, "toPort")
    if name not in ("-1", "all", "tcp", "udp", "icmp", "icmpv6") and not name.isdigit():
        return [Problem(f"{at}{protocol_prop}", f'unknown protocol "{protocol}"; tcp, udp, icmp, icmpv6 or -1 (all)')]
    if name in ("-1", "all"):
        if low not in (None, 0, -1) or high not in (None, 0, -1):
            return [Problem(f"{at}fromPort", "all protocols (-1) have no ports; leave them out or write 0")]
        return []
    if name not in ("tcp", "udp", "6", "17"):
        return []
    problems = [
        Problem(f"{at}{prop}", f"a port is 0 to 65535, got {port}")
        for prop, port in (("fromPort", low), ("toPort", high))
        if port is not None and not 0 <= port <= 65535
    ]
    for prop in ("fromPort", "toPort"):
        if rule.get(prop) is None:
            problems.append(Problem(f"{at}{prop}", f"protocol {protocol} needs a port range"))
    if low is not None and high is not None and low > high:
        problems.append(Problem(f"{at}toPort", f"{high} is below fromPort {low}"))
    return problems


def _sources(rule: Inputs, path: str, props: tuple[str, ...]) -> list[Problem]:
    at = f"{path}." if path else ""
    problems = []
    for prop in props:
        value = known(rule, prop)
        for text in value if isinstance(value, list) else [value] if value else []:
            message = network_problem(text)
            if message:
                problems.append(Problem(f"{at}{prop}", message))
    return problems


def _text(rule: Inputs, path: str) -> list[Problem]:
    at = f"{path}." if path else ""
    text = known(rule, "description")
    if text is None or _GROUP_TEXT.fullmatch(text):
        return []
    return [Problem(f"{at}description", f'"{text}" has characters that EC2 does not take in descriptions')]


def security_group(inputs: Inputs) -> list[Problem]:
    problems = _text(inputs, "")
    name = known(inputs, "name")
    if name is not None and name.startswith("sg-"):
        problems.append(Problem("name", f'"{name}" must not begin with sg-'))
    for direction in ("ingress", "egress"):
        rules = inputs.get(direction)
        for index, rule in enumerate(rules if isinstance(rules, list) else []):
            if not isinstance(rule, dict):
                continue
            path = f"{direction}[{index}]"
            problems += port_problems(rule, path, "protocol")
            problems += _sources(rule, path, ("cidrBlocks", "ipv6CidrBlocks"))
            problems += _text(rule, path)
    return problems


def security_group_rule(inputs: Inputs) -> list[Problem]:
    problems = port_problems(inputs, "", "protocol")
    problems += _sources(inputs, "", ("cidrBlocks", "ipv6CidrBlocks")) + _text(inputs, "")
    if known(inputs, "type") not in (None, "ingress", "egress"):
        problems.append(Problem("type", f'must be ingress or egress, got "{inputs["type"]}"'))
    sources = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "sourceSecurityGroupId", "self")
    if not any(inputs.get(prop) for prop in sources):
        problems.append(Problem("cidrBlocks", f"give one of {', '.join(sources)}"))
    return problems


def vpc_rule(inputs: Inputs) -> list[Problem]:
    problems = port_problems(inputs, "", "ipProtocol")
    problems += _sources(inputs, "", ("cidrIpv4", "cidrIpv6")) + _text(inputs, "")
    return problems + exactly_one(("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"))(inputs)


def routes(inputs: Inputs) -> list[Problem]:
    problems = []
    listed = inputs.get("routes")
    for index, route in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(route, dict):
            found = _sources(route, f"routes[{index}]", ("cidrBlock", "ipv6CidrBlock"))
            problems += found
    return problems


def endpoint_service(inputs: Inputs) -> list[Problem]:
    name = known(inputs, "serviceName")
    if name is None or re.fullmatch(r"(com|cn\.com|aws)\.(amazonaws|api)\.[a-z0-9.-]+", name):
        return []
    return [Problem("serviceName", f'"{name}" is no endpoint service; for example com.amazonaws.us-east-1.s3')]


def flow_log(inputs: Inputs) -> list[Problem]:
    problems = []
    interval = known(inputs, "maxAggregationInterval")
    if interval not in (None, 60, 600):
        problems.append(Problem("maxAggregationInterval", f"must be 60 or 600 seconds, got {interval}"))
    if known(inputs, "logDestinationType") in (None, "cloud-watch-logs") and inputs.get("iamRoleArn") is None:
        if inputs.get("logDestinationType") is not UNKNOWN:
            problems.append(Problem("iamRoleArn", "is needed to write to CloudWatch Logs"))
    return problems


def instance_type_problems(names: Any, path: str) -> list[Problem]:
    """Names that EC2 does not have; its model lists them all."""
    shape = operation_model("ec2", "run_instances").input_shape.members["InstanceType"]
    return [
        Problem(path, f'"{name}" is no EC2 instance type.{did_you_mean(name, shape.enum)}')
        for name in names
        if isinstance(name, str) and name not in shape.enum
    ]
