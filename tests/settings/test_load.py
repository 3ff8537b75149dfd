"""load.py: what Pulumi hands over, sections and secrets apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as runtime_config

from settings.load import load, load_secrets
from tests.engine import Secret, record

MODEL = {"name": "q", "source": "A/b", "revision": "0" * 40, "tokenSecret": {"key": "hfToken"}}


@pytest.fixture(autouse=True)
def _no_config_left_over() -> Iterator[None]:
    yield
    runtime_config.set_all_config({}, [])


def configure(sections: dict[str, Any], secrets: dict[str, str] | None = None, encrypted: bool = True) -> None:
    texts = {f"vllm-on-eks:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in sections.items()}
    hidden = {f"vllm-on-eks:{k}": v for k, v in (secrets or {}).items()}
    runtime_config.set_all_config({**texts, **hidden}, list(hidden) if encrypted else [])


def test_sections_become_settings_and_secrets_stay_apart_and_marked() -> None:
    seen: dict[str, Any] = {}

    def build() -> None:
        seen["loaded"] = load()
        seen["secrets"] = load_secrets(seen["loaded"])
        for key, secret in seen["secrets"].items():
            pulumi.export(key, secret)

    sections = {"region": "eu-west-1", "models": json.dumps([MODEL]), "hfToken": "canary", "grafanaPassword": "canary"}
    engine = record(
        build,
        config={f"vllm-on-eks:{key}": value for key, value in sections.items()},
        secret_keys=("vllm-on-eks:hfToken", "vllm-on-eks:grafanaPassword"),
    )
    loaded = seen["loaded"]
    assert loaded.problems == ()
    assert loaded.settings.region == "eu-west-1"
    assert "canary" not in repr(loaded)
    assert engine.stack_outputs == {"hfToken": Secret("canary"), "grafanaPassword": Secret("canary")}


def test_missing_secrets_and_unknown_keys_are_told_together() -> None:
    configure({"models": [MODEL], "modles": []})
    problems = [str(problem) for problem in load().problems]
    assert any("unknown key; did you mean models?" in line for line in problems)
    assert any("pulumi config set --secret vllm-on-eks:hfToken" in line for line in problems)
    assert any("pulumi config set --secret vllm-on-eks:grafanaPassword" in line for line in problems)


def test_a_secret_in_plain_text_is_refused_and_not_repeated() -> None:
    configure({}, {"grafanaPassword": "hunter2hunter2"}, encrypted=False)
    told = "\n".join(str(problem) for problem in load().problems)
    assert "plain text" in told
    assert "hunter2" not in told


def test_a_section_that_is_plain_text_or_encrypted_is_told() -> None:
    configure({"models": "qwen"}, {"cluster": "{}"})
    problems = [str(problem) for problem in load().problems]
    assert "models: is plain text; write a YAML mapping or list below the key" in problems
    assert any(line.startswith("cluster: is stored as a secret") for line in problems)


def test_other_projects_configuration_is_not_ours() -> None:
    runtime_config.set_all_config({"other:region": "us-east-1", "other:models": "[]"}, [])
    assert [problem for problem in load().problems if "grafanaPassword" not in problem.text] == []
