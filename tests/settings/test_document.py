"""The committed schema and README's table say what the settings say."""

from __future__ import annotations

import json

import jsonschema
import yaml

from settings.document import README_FILE, SCHEMA_FILE, stack_file_schema, with_table
from tests.conftest import REPO


def test_the_committed_json_schema_is_current() -> None:
    committed = json.loads((REPO / SCHEMA_FILE).read_text(encoding="utf-8"))
    assert committed == stack_file_schema(), "run: make document"


def test_readmes_settings_table_is_current() -> None:
    readme = (REPO / README_FILE).read_text(encoding="utf-8")
    assert "`models[].maxModelLen`" in readme
    assert with_table(readme) == readme, "run: make document"


def test_the_schema_accepts_our_stack_files_and_refuses_a_typo() -> None:
    validator = jsonschema.Draft202012Validator(stack_file_schema())
    dev = yaml.safe_load((REPO / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    assert list(validator.iter_errors(dev)) == []
    dev["config"]["vllm-on-eks:models"][0]["sorce"] = "x"
    assert [error.message for error in validator.iter_errors(dev)] != []
