"""Plans of stack files, and accounts that answer like AWS to be asked about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from local.aws_endpoint.contract.account import NEWER, Account
from planning.decide import decide
from planning.model import StackPlan
from preflight.account import AwsAccount
from preflight.ask import ask
from preflight.model import Answer, PreflightReport, Verdict
from settings.read import read
from tests.moto_engine import moto_account
from tests.program import sections_of

ENOUGH = {"L-DB2E81BA": 400, "L-1216C47A": 64, "L-F678F1CE": 6, "L-0263D0A3": 8, "L-FE5A380F": 5}


def planned(sections: Mapping[str, Any], stack: str = "dev") -> StackPlan:
    """The plan of a stack file that can work."""
    return decide(read(sections, stack))


def own(stack: str, **sections: Any) -> dict[str, Any]:
    """A stack file of ours with the addresses and accounts of the test's company, and other sections."""
    ours = {key: value for key, value in sections_of(stack).items() if key != "account"}
    cluster = {key: value for key, value in ours.get("cluster", {}).items() if key != "accessEntries"}
    reached = {"endpointAccess": "publicAndPrivate", "publicAccessCidrs": ["54.0.0.10/32"]}
    return {**ours, "cluster": {**cluster, **reached}, **sections}


@contextmanager
def account(region: str = "us-east-1", **more: Any) -> Iterator[AwsAccount]:
    """An account that answers like AWS; by default one whose quotas were raised."""
    patch = pytest.MonkeyPatch()
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        patch.delenv(name, raising=False)
    with patch.context(), moto_account(region, Account(**{"zones": NEWER, "quotas": ENOUGH, **more})):
        yield AwsAccount(region)
    patch.undo()


def asked(plan: StackPlan, aws: AwsAccount) -> PreflightReport:
    """One question after the other: moto's backends in process are not thread-safe."""
    return ask(plan, aws, at_once=1, seconds=600)


def said(report: PreflightReport, *verdicts: Verdict) -> dict[str, list[str]]:
    """Messages by path, of the answers that are not as the plan has it."""
    paths: dict[str, list[str]] = {}
    for each in report.of(*(verdicts or (Verdict.ERROR, Verdict.WARNING, Verdict.UNKNOWN))):
        paths.setdefault(each.path, []).append(each.text)
    return paths


def only(report: PreflightReport, question: str, *verdicts: Verdict) -> Answer:
    (answer,) = [each for each in report.of(*verdicts) if each.question == question]
    return answer
