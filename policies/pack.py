"""The rules as a Pulumi policy pack: what the engine hands over, put in the rules' words.

Rules look at the whole stack, because taints and tolerations, or Deployments and their budgets, are different
resources. At the end the engine hands over outputs, and before the first `up` it knows none of what will stand in a
cluster that is not there. So a policy of its own writes down each resource's inputs when the engine asks about it, and
the rules judge these, as the offline preview does. Values that the engine does not know yet are `[unknown]`; secrets
come in the open, so that the rule on plain secrets leaves the data of Secrets to the offline preview, which sees the
marks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import proxy as marks

from planning.cost.budget import budget_of
from planning.serving.stages import is_production
from policies.judge import judge, waiver_problems
from policies.rule import UNKNOWN, Circumstances, Resource, Rule
from policies.rules import RULES
from settings.findings import Severity
from settings.waivers import Waiver
from settings.yaml_text import yaml_file

PROJECT = "vllm-on-eks"
CHECKOUT = Path(__file__).resolve().parent.parent
UNKNOWN_MARKS = frozenset(value for name, value in vars(marks).items() if name.startswith("UNKNOWN_"))


def make_pack() -> PolicyPack:
    """All rules and the one on waivers; errors are mandatory, warnings advisory."""
    return PolicyPack(
        name=PROJECT,
        enforcement_level=EnforcementLevel.MANDATORY,
        policies=[_inputs_policy(), *(rule_policy(rule) for rule in RULES), waivers_policy()],
    )


def rule_policy(rule: Rule) -> StackValidationPolicy:
    error = rule.severity is Severity.ERROR
    return StackValidationPolicy(
        name=rule.id,
        description=f"{rule.why}. {rule.fix[0].upper()}{rule.fix[1:]}.",
        enforcement_level=EnforcementLevel.MANDATORY if error else EnforcementLevel.ADVISORY,
        validate=partial(_validate, rule),
        remediation_steps=rule.fix,
    )


def _validate(rule: Rule, args: StackValidationArgs, report: ReportViolation) -> None:
    resources = resources_of(args)
    stack = _stack_of(resources)
    for judgement in judge(resources, _circumstances(resources, stack), _waivers(stack), _today(), [rule]):
        if judgement.waiver is None:
            name = f"{judgement.resource.name}: " if judgement.resource else ""
            report(f"{name}{judgement.finding.message}", judgement.resource.urn if judgement.resource else None)


def waivers_policy() -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for problem in waiver_problems(_waivers(_stack_of(resources_of(args))), _today()):
            report(str(problem), None)

    return StackValidationPolicy(
        name="waiver",
        description="a waiver names a rule that exists and has not expired",
        enforcement_level=EnforcementLevel.MANDATORY,
        validate=validate,
    )


_INPUTS: dict[str, Any] = {}
"""By URN, of this engine run: a pack's process lives as long as one."""


def _inputs_policy() -> ResourceValidationPolicy:
    def remember(args: ResourceValidationArgs, _: ReportViolation) -> None:
        _INPUTS[args.urn] = _plain(args.props)

    return ResourceValidationPolicy(
        name="inputs",
        description="reports nothing: it writes down what the program asked for, which the other rules judge",
        enforcement_level=EnforcementLevel.ADVISORY,
        validate=remember,
    )


def resources_of(args: StackValidationArgs) -> list[Resource]:
    """The engine's resources in the rules' words: with their inputs, or outputs where there are none (the stack)."""
    return [
        Resource(
            resource.resource_type, resource.name, resource.urn, _INPUTS.get(resource.urn) or _plain(resource.props)
        )
        for resource in args.resources
    ]


def _plain(value: Any) -> Any:
    """A value without the pack SDK's proxies, which raise when an unknown value is touched."""
    if isinstance(value, Mapping):
        raw: Mapping[str, Any] = value["__target"] if type(value).__name__.endswith("Proxy") else value
        return {key: _plain(item) for key, item in raw.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = value["__target"] if type(value).__name__.endswith("Proxy") else value  # type: ignore[call-overload]
        return [_plain(item) for item in items]
    return UNKNOWN if isinstance(value, str) and value in UNKNOWN_MARKS else value


def _stack_of(resources: Sequence[Resource]) -> str:
    """The stack's name: in every URN, whatever the language host hands over in the environment."""
    return next((resource.urn.split(":")[2] for resource in resources), os.environ.get("PULUMI_STACK", ""))


def _circumstances(resources: Sequence[Resource], stack: str) -> Circumstances:
    outputs = next((resource.inputs for resource in resources if resource.type == "pulumi:pulumi:Stack"), {})
    cost = outputs.get("usdPerHour")
    ceiling = cost.get("max") if isinstance(cost, Mapping) else None
    budget = _setting("budget", stack)
    return Circumstances(
        production=is_production(stack),
        ceiling_usd_per_hour=ceiling if isinstance(ceiling, int | float) else None,
        budget=budget_of(budget.get("usdPerHour"), budget.get("usdPerMonth")) if isinstance(budget, Mapping) else None,
        secrets_marked=False,
    )


def _waivers(stack: str) -> list[Waiver]:
    """The stack's waivers; a day without quotes comes as `2026-12-31 00:00:00 +0000 UTC`."""
    return [
        Waiver.model_validate({**entry, "expires": str(entry["expires"])[:10]})
        for entry in _setting("waivers", stack) or []
    ]


def _setting(key: str, stack: str) -> Any:
    """A section of the stack file: from the engine where it hands configuration over, else from the file itself."""
    if config := json.loads(os.environ.get("PULUMI_CONFIG") or "{}"):
        text = config.get(f"{PROJECT}:{key}") or config.get(f"{PROJECT}:config:{key}")
        return json.loads(text) if text else None
    file = CHECKOUT / f"Pulumi.{stack}.yaml"
    written = yaml_file(file) if file.is_file() else None
    return ((written or {}).get("config") or {}).get(f"{PROJECT}:{key}")


def _today() -> date:
    return datetime.now(UTC).date()
