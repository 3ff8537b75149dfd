"""Each refusal of the contract is broken by one call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.exceptions import ServiceException

from local.aws_endpoint.contract import table
from local.aws_endpoint.contract.account import OLDER, Account
from local.aws_endpoint.contract.rule import ContractRule
from local.aws_endpoint.contract.table import TABLE
from tests.local.aws_endpoint.breaks import BREAKS
from tests.local.aws_endpoint.land import Land, land
from tests.local.aws_endpoint.test_contract_plays import PLAYS

REFUSALS = [rule for rule in TABLE if rule.code]
# Services answer throttling each in its own words (gate.py), and moto's words are its own.
_OTHER_WORDS = {"role-arn", "subnet-overlap", "subnet-range", "vpc-range", "subnet-zone", "policy-missing"}


@pytest.fixture(scope="module", autouse=True)
def quick_retries() -> Iterator[None]:
    """boto3 sleeps between its retries of what is throttled."""
    patch = pytest.MonkeyPatch()
    patch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def shared() -> Iterator[Land]:
    """One account for all refusals; its older zones hold one that EKS refuses."""
    with land(Account(zones=OLDER)) as here:
        yield here


@pytest.fixture
def here(shared: Land) -> Iterator[Land]:
    """The shared account as it was; calls make clusters and groups of their own."""
    before = replace(shared.account)
    yield shared
    for name in ("quotas", "throttled_share", "runner", "policy", "nodes_roll"):
        setattr(shared.account, name, getattr(before, name))


def _pattern(rule: ContractRule) -> str:
    return re.sub(r"\\\{\w+\\\}", ".*", re.escape(rule.words))


@pytest.mark.parametrize("rule", REFUSALS, ids=lambda rule: rule.id)
def test_a_call_that_breaks_the_row_gets_its_code_and_words(rule: ContractRule, here: Land) -> None:
    with pytest.raises((ClientError, ServiceException)) as caught:
        BREAKS[rule.id](here)
    error: Any = caught.value
    code, words = (
        (error.response["Error"]["Code"], error.response["Error"]["Message"])
        if isinstance(error, ClientError)
        else (error.code, error.message)
    )
    assert code == rule.code
    if rule.id not in _OTHER_WORDS:
        assert re.search(_pattern(rule), words), words


def test_every_row_says_where_it_comes_from_and_is_tried() -> None:
    assert len(TABLE) >= 60
    assert len({rule.id for rule in TABLE}) == len(TABLE)
    assert {rule.id for rule in TABLE} == set(BREAKS) | set(PLAYS)
    for rule in TABLE:
        assert "https://" in rule.source, rule.id
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", rule.since), rule.id
        assert bool(rule.code) == bool(rule.words), rule.id
        assert rule.check or rule.effect or rule.by, rule.id


def test_every_function_of_a_module_is_a_row_s_and_no_row_is_without_one() -> None:
    """Rows are data (rules.csv): a misspelt id would leave a rule without its check."""
    ids = {rule.id: rule for rule in TABLE}
    named = {
        key
        for module in table.MODULES.values()
        for key in (*getattr(module, "CHECKS", {}), *getattr(module, "EFFECTS", {}))
    }
    assert named <= set(ids)
    assert [rule.id for rule in TABLE if not (rule.check or rule.effect or rule.by)] == []
    assert len(ids) == len(TABLE)
