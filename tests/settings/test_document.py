"""The committed schema and the settings page say what the settings say."""

from __future__ import annotations

import json

import jsonschema
import yaml

from settings.document import TABLE_FILE, stack_file_schema, with_table
from settings.schema import SCHEMA_FILE, json_schema, known_schema
from tests.conftest import REPO


def test_the_committed_json_schema_is_current() -> None:
    committed = json.loads((REPO / SCHEMA_FILE).read_text(encoding="utf-8"))
    assert committed == stack_file_schema(), "run: make document"


def test_what_the_reader_looks_up_is_what_the_settings_say() -> None:
    made = json_schema()
    assert known_schema() == {"type": "object", "properties": made["properties"], "$defs": made["$defs"]}


def test_pages_settings_table_is_current() -> None:
    page = (REPO / TABLE_FILE).read_text(encoding="utf-8")
    assert "`models[].maxModelLen`" in page
    assert with_table(page) == page, "run: make document"


def test_the_schema_accepts_our_stack_files_and_refuses_a_typo() -> None:
    validator = jsonschema.Draft202012Validator(stack_file_schema())
    dev = yaml.safe_load((REPO / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    assert list(validator.iter_errors(dev)) == []
    dev["config"]["vllm-on-eks:models"][0]["sorce"] = "x"
    assert [error.message for error in validator.iter_errors(dev)] != []
