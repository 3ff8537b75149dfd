"""The published schema is generated from the report's types, and every stack of this repository follows it."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from preview.__main__ import main
from preview.report_model import REPORT
from preview.schema import SCHEMA_FILE, schema
from tests.conftest import REPO
from tests.preview.sample import document

EXAMPLES = sorted(file.name.split(".")[1] for file in (REPO / "examples").glob("Pulumi.*.yaml"))


def _report(root: Path, stack: str, out: Path) -> dict[str, Any]:
    main([stack, "--offline", "--format", "json", "--out", str(out)], root=root)
    document_now: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return document_now


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with the examples as its stacks."""
    folder = tmp_path_factory.mktemp("examples")
    for file in (REPO / "examples").glob("Pulumi.*.yaml"):
        shutil.copy(file, folder)
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(REPO / name, folder)
    return folder


@pytest.mark.parametrize("stack", ["dev", "local", *EXAMPLES])
def test_a_report_follows_the_schema_and_the_types(stack: str, root: Path, tmp_path: Path) -> None:
    report = _report(root if stack in EXAMPLES else REPO, stack, tmp_path / "report.json")
    assert report["resources"], report["findings"]
    jsonschema.Draft202012Validator(schema()).validate(report)
    assert REPORT.validate_python(report, strict=True) == report, "a key that the types do not name"


def test_the_committed_schema_is_what_the_types_say() -> None:
    assert json.loads((REPO / SCHEMA_FILE).read_text(encoding="utf-8")) == schema(), "run: make document"


def _keys(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the report's own keys stand; what a program wrote (inputs, outputs, scaling) is free."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*place, key)
            if key not in ("inputs", "outputs", "scaling", "resource_counts"):
                yield from _keys(below, (*place, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _keys(below, (*place, index))


def _without(place: tuple[Any, ...], report: dict[str, Any]) -> dict[str, Any]:
    changed: Any = copy.deepcopy(report)
    here = changed
    for part in place[:-1]:
        here = here[part]
    del here[place[-1]]
    return changed  # type: ignore[no-any-return]


def test_a_report_without_one_of_its_keys_is_refused_by_schema_and_types_alike() -> None:
    report: dict[str, Any] = json.loads(json.dumps(document()))
    whole = schema()
    validator = jsonschema.Draft202012Validator(whole)
    validator.validate(report)
    # What is not changed is valid: a report is refused where the schema of the part that was changed refuses it.
    parts = {
        key: jsonschema.Draft202012Validator({"$defs": whole["$defs"], **part})
        for key, part in whole["properties"].items()
    }
    places = list(_keys(report))
    assert len(places) > 200
    for place in places:
        broken = _without(place, report)
        top = place[0]
        valid = parts[top].is_valid(broken[top]) if len(place) > 1 else validator.is_valid(broken)
        assert not valid, place
        with pytest.raises(ValidationError):
            REPORT.validate_python(broken)
