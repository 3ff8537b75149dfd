"""Every stack file in examples/ is one that works: by the schema, the plan, the program and the policies."""

from __future__ import annotations

from datetime import date

import jsonschema
import pytest
import yaml

from planning.decide import decide
from policies.judge import judge
from policies.rule import Circumstances, Resource
from settings.backends import Backend
from settings.document import stack_file_schema
from settings.findings import Severity
from settings.read import read
from tests.conftest import REPO
from tests.program import CANARIES, example, run_program

EXAMPLES = sorted(file.name.split(".")[1] for file in (REPO / "examples").glob("Pulumi.*.yaml"))


def test_every_backend_has_an_example() -> None:
    assert {each.value for each in Backend} - {"deployment"} <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_an_editor_accepts(name: str) -> None:
    text = (REPO / "examples" / f"Pulumi.{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../docs/stack.schema.json\n")
    jsonschema.Draft202012Validator(stack_file_schema()).validate(yaml.safe_load(text))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_planned_run_and_judged(name: str) -> None:
    sections = example(name)
    plan = decide(read({**sections}, name))
    secrets = {"grafanaPassword": CANARIES["grafanaPassword"]}
    if any(model.token and model.token.config_key for model in plan.models):
        secrets["hfToken"] = CANARIES["hfToken"]
    engine = run_program(sections, name, secrets=secrets)
    if name in {each.value for each in Backend}:
        assert {model.backend for model in plan.models} >= {name}
    resources = [Resource(each.type, each.name, each.urn, each.inputs) for each in engine.registrations]
    found = judge(resources, Circumstances(production=False, secrets_marked=False), today=date(2026, 11, 27))
    assert [each for each in found if each.finding.severity is Severity.ERROR] == []
