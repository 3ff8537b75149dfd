"""A stack of 0.1.0 goes up to today's program with everything that cannot be had back where it was."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from planning.prepare import prepare
from preview.changes import changes
from preview.evaluate import evaluate
from preview.moves import of_moves, stateful
from preview.steps import short_type
from tests.conftest import REPO

DATA = Path(__file__).parent / "data"


def old_state(stack: str) -> list[dict[str, Any]]:
    """What the revision of 2026-11-21 registered for the stack file of that day, by its own preview."""
    resources: list[dict[str, Any]] = json.loads((DATA / f"state-0.1.0-{stack}.json").read_text())["resources"]
    return resources


@pytest.fixture(scope="module")
def today() -> dict[str, list[dict[str, Any]]]:
    by_type = {}
    for stack in ("dev", "prod"):
        prepared = prepare(REPO, stack, "2026-11-27")
        assert prepared.plan is not None
        document, _ = evaluate(prepared, prepared.plan, None, date(2026, 11, 27))
        by_type[stack] = document["resources"]
    return by_type


def lost(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Stateful resources of the old state that the update replaces or deletes."""
    whole = [each for each in before if each["inputs"] is not None]
    bare = {each["urn"] for each in before} - {each["urn"] for each in whole}
    told = changes(whole, [each for each in after if each["urn"] not in bare])
    return [
        (each["action"], each["name"])
        for each in told
        if short_type(each["type"]) in stateful() and each["action"] in ("replaced", "deleted")
    ]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_nothing_that_cannot_be_had_back_is_replaced_or_deleted(stack: str, today: Any) -> None:
    before = old_state(stack)
    assert {"Cluster", "Vpc", "Key", "Namespace"} <= {each["type"].rsplit(":", 1)[-1] for each in before}
    assert lost(before, today[stack]) == []
    releases = {each["urn"] for each in before if each["type"] == "kubernetes:helm.sh/v3:Release"}
    known = {urn for each in today[stack] for urn in (each["urn"], *each.get("aliases", ()))}
    assert releases <= known, "a release that goes takes its volume claims with it"


@pytest.mark.parametrize("what", ["aws:eks/cluster:Cluster", "aws:ec2/vpc:Vpc", "aws:kms/key:Key"])
def test_another_urn_without_an_alias_is_found_and_with_one_it_is_not(what: str, today: Any) -> None:
    after = copy.deepcopy(today["prod"])
    moved = next(each for each in after if each["type"] == what)
    old = moved["urn"]
    moved["urn"] = old + "-renamed"
    assert ("deleted", moved["name"]) in lost(old_state("prod"), after)
    moved["aliases"] = [old]
    assert lost(old_state("prod"), after) == []


def test_a_moved_stateful_resource_is_told_in_the_preview_with_what_is_lost(today: Any) -> None:
    after = [each for each in today["dev"] if each["type"] != "aws:kms/key:Key"]
    told = [of_move for of_move in of_moves(changes(today["dev"], after)) if of_move.rule == "state-lost"]
    assert [(each.path, each.severity.value) for each in told] == [("cluster-key", "warning")]
    assert "the key that the cluster's Secrets are encrypted with goes" in told[0].message
    assert "needs an alias" in told[0].fix
