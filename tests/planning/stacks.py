"""Small stack files for planning tests, written as a user writes them."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any

from planning.model import Finding, PlanRefused, Severity, StackPlan
from planning.plan import plan
from settings.stack import StackSettings

REVISION = "a09a35458c702b33eeacc393d103063234e8bc28"
QWEN = "Qwen/Qwen2.5-7B-Instruct"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


def model(**changes: Any) -> dict[str, Any]:
    """A model that fits one L4; one replica."""
    return {"name": "chat", "source": QWEN, "revision": REVISION, "autoscaling": {"maxReplicas": 1}, **changes}


def pool(**changes: Any) -> dict[str, Any]:
    """One g6.xlarge."""
    return {"name": "l4", "instanceTypes": ["g6.xlarge"], **changes}


# Whose API the tests' company reaches from outside; a stack file has to say so.
REACHED: dict[str, Any] = {"endpointAccess": "publicAndPrivate", "publicAccessCidrs": ["54.0.0.10/32"]}


def reached(cluster: dict[str, Any]) -> dict[str, Any]:
    """A cluster section that says who reaches the API, where the test does not say it."""
    said = "endpointAccess" in cluster or cluster.get("kind") == "existing"
    return cluster if said else {**REACHED, **cluster}


def stack(**sections: Any) -> StackSettings:
    """A stack of one pool and one model, with the given sections instead."""
    cluster = reached(sections.pop("cluster", {}))
    return StackSettings.model_validate({"cluster": cluster, "nodePools": [pool()], "models": [model()], **sections})


def refusal(name: str = "dev", **sections: Any) -> tuple[Finding, ...]:
    """The findings of a stack that must be refused."""
    try:
        plan(stack(**sections), name)
    except PlanRefused as refused:
        return refused.findings
    raise AssertionError("the plan was accepted")


def planned(name: str = "dev", **sections: Any) -> StackPlan:
    """The plan of a stack that must be accepted."""
    return plan(stack(**sections), name)


def errors(findings: tuple[Finding, ...]) -> dict[str, str]:
    """Errors by path."""
    return {finding.path: finding.text for finding in findings if finding.severity is Severity.ERROR}


def rules(findings: tuple[Finding, ...], severity: Severity) -> set[str]:
    """Rules of one severity."""
    return {finding.rule for finding in findings if finding.severity is severity}


def plain(value: Any) -> Any:
    """Dataclasses as plain values for YAML; rules have a golden of their own (tests/components/goldens/rules.yaml)."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if field.name != "alert_groups"]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, float):
        return float(f"{value:.12g}")  # sums differ in the last digit between Python 3.11 and 3.12
    return value.value if isinstance(value, StrEnum) else value
