"""Puts the table in front of every operation of moto: refusals before it runs, effects after it went through."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from local.aws_endpoint import pod_identity
from local.aws_endpoint.contract.account import Account, current
from local.aws_endpoint.contract.permitted import DENIED, allows, needs
from local.aws_endpoint.contract.role_needs import role_needs
from local.aws_endpoint.contract.rule import Asked, ContractRule
from local.aws_endpoint.contract.table import TABLE
from local.aws_endpoint.contract.world import AccountWorld, Before

# How services say "slower": https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html for EC2, the
# common errors of each API reference for the others.
THROTTLED = {"ec2": "RequestLimitExceeded", "eks": "ThrottlingException"}
_STATUS = {"ResourceInUseException": 409, "RequestLimitExceeded": 503, "ThrottlingException": 429}


class Refused(ServiceException):  # type: ignore[misc]  # moto has no types here
    """The contract's error; `rule` names the row."""

    def __init__(self, code: str, message: str, rule: str) -> None:
        super().__init__(code, message)
        self.rule = rule


def by_operation(rules: tuple[ContractRule, ...]) -> Mapping[str, tuple[ContractRule, ...]]:
    """The rows of each operation, in the table's order."""
    by_operation: dict[str, list[ContractRule]] = defaultdict(list)
    for rule in rules:
        for operation in rule.operations:
            by_operation[operation].append(rule)
    return {operation: tuple(rows) for operation, rows in by_operation.items()}


ROWS = by_operation(TABLE)


def judge(asked: Asked) -> None:
    """Raises Refused with the first row that the call breaks."""
    for rule in ROWS.get(asked.operation, ()):
        words = rule.refusal(asked)
        if words is not None:
            raise Refused(rule.code, words, rule.id)


def install() -> None:
    """Wraps moto's dispatcher; once per process."""
    original = BaseResponse.call_action

    def call_action(self: Any) -> Any:
        operation = f"{self.service_name}:{self._get_action()}"
        account = current()
        if account.throttles():
            code = THROTTLED.get(self.service_name, "Throttling")
            return _refusal(self, Refused(code, "Rate exceeded", "throttling"))
        rows = ROWS.get(operation, ())
        if account.policy is not None and (refusal := _forbidden(self, operation, account)):
            return _refusal(self, refusal)
        if (role := pod_identity.role_of(self.access_key)) and (refusal := _beyond(self, operation, role)):
            return _refusal(self, refusal)
        if not rows:
            return original(self)
        world = AccountWorld(self.current_account, self.region, self.partition)
        asked = Asked(operation, _parameters(self), world, account)
        try:
            judge(asked)
        except Refused as refusal:
            return _refusal(self, refusal)
        effects = [rule.effect for rule in rows if rule.effect]
        before = world.remember(asked.given) if effects else Before()
        answer = original(self)
        if int(answer[0]) < 300:
            for effect in effects:
                effect(replace(asked, before=before))
        return answer

    BaseResponse.call_action = call_action


def _forbidden(response: Any, operation: str, account: Account) -> Refused | None:
    """What the caller's policy does not let it do."""
    where = (response.current_account, response.region, response.partition)
    for need in needs(operation, _parameters(response), *where):
        account.used_actions.add(need.action)
        if not allows(account.policy or {}, need):
            words = f"{account.caller} is not authorized to perform: {need.action} on resource: {need.resource}"
            return Refused(DENIED.get(response.service_name, "AccessDeniedException"), words, "permission")
    return None


def _beyond(response: Any, operation: str, role_arn: str) -> Refused | None:
    """What a pod's role does not let it do."""
    policy = pod_identity.policy_of(role_arn)
    world = AccountWorld(response.current_account, response.region, response.partition)
    for need in role_needs(operation, _parameters(response), world):
        if not allows(policy, need):
            words = f"{role_arn} is not authorized to perform: {need.action} on resource: {need.resource}"
            return Refused(DENIED.get(response.service_name, "AccessDeniedException"), words, "pod-role")
    return None


def _parameters(response: Any) -> dict[str, Any]:
    """The call's parameters by botocore's names, whatever the protocol; what moto has parsed is left as it was."""
    before = response.__dict__.get("params")
    response.parse_parameters(response.normalized_request)
    params = dict(response.params)
    if before is None:
        del response.params
    else:
        response.params = before
    return params


def _refusal(response: Any, refusal: Refused) -> Any:
    status, headers, body = response.serialized(ActionResult(refusal))
    if refusal.code in _STATUS:
        status = _STATUS[refusal.code]
    headers["status"] = str(status)
    if isinstance(body, str):
        body = re.sub(r"(?<=<RequestId>).*(?=</RequestId>)", "contract", body)
    return status, headers, body
