"""Each row of the table lives a whole life against moto: create, no change, drift, update, replace, import, delete."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jmespath
import pytest

from local.providers.aws.resources import TABLE
from local.providers.rpc import plain
from tests.local.aws.cases import CASES
from tests.local.aws.driver import Deployed, Driver
from tests.local.aws.needs import Case


def resolved(value: Any, made: dict[str, Deployed]) -> Any:
    """Inputs with `$name.property` replaced by what the earlier resource has."""
    if isinstance(value, dict):
        return {key: resolved(item, made) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, made) for item in value]
    match = re.fullmatch(r"\$([\w-]+)\.(.+)", value) if isinstance(value, str) else None
    if match is None:
        return value
    deployed = made[match[1]]
    return deployed.id if match[2] == "id" else jmespath.search(match[2], plain(deployed.outputs))


def merged(inputs: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**inputs, **change}.items() if value is not None}


def covers(shown: Any, said: Any) -> bool:
    """Whether `shown` holds all that was said; AWS fills in nested fields that were left out."""
    if isinstance(said, dict) and isinstance(shown, dict):
        return all(covers(shown.get(key), value) for key, value in said.items())
    if isinstance(said, list) and isinstance(shown, list):
        return len(said) == len(shown) and all(any(covers(live, item) for live in shown) for item in said)
    return bool(shown == said)


@pytest.fixture(scope="module")
def shared_needs() -> dict[str, Deployed]:
    """What cases need, by name: a VPC, a cluster, ... Made by the first case that needs it."""
    return {}


@pytest.fixture
def made(driver: Driver, case: Case, shared_needs: dict[str, Deployed]) -> dict[str, Deployed]:
    """What the case needs, deployed."""
    for name, token, inputs in case.needs:
        if name not in shared_needs:
            told = resolved(inputs, shared_needs)
            shared_needs[name] = (
                driver.create(token, name, told)
                if isinstance(token, str)
                else Deployed("", name, token(told), told, told)
            )
    return shared_needs


def test_every_row_has_a_case() -> None:
    assert {case.token for case in CASES} == set(TABLE)


def examples(wanted: Callable[[Case], bool] = lambda case: True) -> pytest.MarkDecorator:
    """The cases that `wanted` takes, one test each."""
    chosen = [case for case in CASES if wanted(case)]
    return pytest.mark.parametrize("case", chosen, ids=[case.token for case in chosen])


@examples()
def test_a_resource_is_made_kept_changed_and_deleted(driver: Driver, case: Case, made: dict[str, Deployed]) -> None:
    inputs = resolved(case.inputs, made)
    deployed = driver.create(case.token, "thing", inputs)
    assert deployed.id
    missing = [name for name in case.outputs if deployed.outputs.get(name) in (None, "", [], {})]
    assert not missing, f"outputs {missing} are not there: {deployed.outputs}"
    for prop, value in inputs.items():
        assert covers(plain(deployed.outputs).get(prop), value), f"output {prop} is not what the program said"

    assert driver.diff(deployed, inputs).paths == {}, "a second up changes something"
    before = (deployed.inputs, deployed.outputs)
    assert driver.refresh(deployed)
    assert (deployed.inputs, deployed.outputs) == before, "a refresh sees drift where nothing happened"

    if case.update is not None:
        changed = merged(inputs, resolved(case.update, made))
        differences = driver.diff(deployed, changed)
        touched = {re.split(r"[.\[]", path)[0] for path in differences.paths}
        assert touched == set(case.update), "Diff does not name what changed"
        assert differences.replaces == []
        driver.update(deployed, changed)
        assert driver.diff(deployed, changed).paths == {}
        before = (deployed.inputs, deployed.outputs)
        assert driver.refresh(deployed)
        assert (deployed.inputs, deployed.outputs) == before, "the update did not reach the cloud"

    driver.delete(deployed)
    assert driver.refresh(deployed) is case.stays
    if not case.stays:
        driver.delete(deployed)  # what is gone already is deleted


@examples(lambda case: case.replace is not None)
def test_what_cannot_be_changed_is_replaced(driver: Driver, case: Case, made: dict[str, Deployed]) -> None:
    assert case.replace is not None
    inputs = resolved(case.inputs, made)
    deployed = driver.create(case.token, "thing", inputs)
    changed = merged(inputs, resolved(case.replace, made))
    differences = driver.diff(deployed, changed)
    assert differences.replaces
    if differences.delete_first:
        driver.delete(unprotected(driver, deployed, inputs))
        replacement = driver.create(case.token, "thing", changed)
    else:
        replacement = driver.create(case.token, "thing", changed)
        driver.delete(unprotected(driver, deployed, inputs))
    assert driver.diff(replacement, changed).paths == {}
    assert driver.refresh(replacement)
    driver.delete(replacement)


def unprotected(driver: Driver, deployed: Deployed, inputs: dict[str, Any]) -> Deployed:
    if inputs.get("deletionProtection"):
        driver.update(deployed, {**inputs, "deletionProtection": False})
    return deployed


@examples(lambda case: case.importable)
def test_an_existing_object_is_imported_without_differences(
    driver: Driver, case: Case, made: dict[str, Deployed]
) -> None:
    inputs = resolved(case.inputs, made)
    deployed = driver.create(case.token, "thing", inputs)
    imported = driver.import_(case.token, "thing", case.import_id.format(id=deployed.id, **inputs) or deployed.id)
    assert imported is not None
    assert imported.id == deployed.id
    left_out = {*TABLE[case.token].unread, *case.not_imported}
    defaults = TABLE[case.token].defaults
    for prop, value in inputs.items():
        if prop not in left_out and value not in ([], defaults.get(prop)):
            assert covers(plain(imported.inputs).get(prop), value), f"import does not see {prop}"
    driver.delete(unprotected(driver, deployed, inputs))


@examples()
def test_a_preview_makes_nothing_and_knows_what_the_program_said(
    driver: Driver, case: Case, made: dict[str, Deployed]
) -> None:
    inputs = resolved(case.inputs, made)
    outputs = driver.preview(case.token, "thing", inputs)
    for prop, value in inputs.items():
        assert plain(outputs).get(prop) == value
    deployed = driver.create(case.token, "thing", inputs)  # would be a duplicate had the preview made it
    driver.delete(unprotected(driver, deployed, inputs))
