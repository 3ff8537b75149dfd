"""Mistakes in security groups, routes and other network inputs that neither botocore nor moto finds (see checks.py)."""

from __future__ import annotations

import re

from local.providers.aws.checks import Inputs, exactly_one, known, network_problem
from local.providers.aws.schema import Problem

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
            sources = _sources(route, f"routes[{index}]", ("cidrBlock", "ipv6CidrBlock"))
            problems += sources
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
    destination = inputs.get("logDestinationType")
    if destination in (None, "cloud-watch-logs") and inputs.get("iamRoleArn") is None:
        problems.append(Problem("iamRoleArn", "is needed to write to CloudWatch Logs"))
    return problems
