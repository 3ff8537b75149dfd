"""Adapters, draft model and chat template as settings: what is read, and what is refused with its way."""

from __future__ import annotations

from typing import Any

import pytest

from settings.read import read
from tests.planning.stacks import REVISION, model

ADAPTER = {"name": "sql", "source": "org/sql-lora", "revision": REVISION}
DRAFT = {"source": "org/draft", "revision": REVISION, "numSpeculativeTokens": 4}
# As Qwen's and Llama's: dashes, loop controls, braces inside strings, transformers' own tag.
REAL = """{%- for message in messages %}
    {%- if loop.index0 > 90 %}{% continue %}{% endif %}
    {{- '<|im_start|>' + message.role + '\\n{"name": <function-name>}' }}
    {%- generation %}{{ message.content }}{% endgeneration -%}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


def told(**changes: Any) -> dict[str, str]:
    sections = {"models": [model(**changes)], "nodePools": [{"name": "l4", "instanceTypes": ["g6.xlarge"]}]}
    return {problem.path: problem.text for problem in read(sections, "dev").problems}


def test_a_template_as_models_have_it_is_taken_however_long_it_is() -> None:
    assert told(chatTemplate=REAL) == {}
    assert told(chatTemplate=REAL + "{# " + "words " * 20_000 + "#}") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/templates/tool.jinja", "not the name of a file"),
        ("chatml", "chatTemplate: |"),
        ("{% for message in messages %}{{ message.content }}", "line 1"),
        ("{% for message in messages %}\n{{ message.content | }}\n{% endfor %}", "line 2"),
        ("{{ prompt }}", "never reads messages"),
        ("{{ messages }}\x00", "control character"),
        ("{{ messages }}" + "x" * 300_000, "262144"),
        ("", "models[0].chatTemplate"),
    ],
)
def test_what_is_no_template_is_refused_with_its_place(text: str, words: str) -> None:
    lines = told(chatTemplate=text)
    assert set(lines) == {"models[0].chatTemplate"}
    assert words in str(lines)


@pytest.mark.parametrize("name", ["a=b", "a,b", "sql adapter", "-sql", "$(HOME)", ""])
def test_a_name_that_vllm_would_split_or_misread_is_refused(name: str) -> None:
    assert set(told(loraAdapters=[{**ADAPTER, "name": name}])) == {"models[0].loraAdapters[0].name"}


def test_branches_and_ranks_beyond_vllm_are_refused_all_at_once() -> None:
    lines = told(
        loraAdapters=[{**ADAPTER, "revision": "main"}, {**ADAPTER, "rank": 1024}],
        draftModel={**DRAFT, "revision": "main", "numSpeculativeTokens": 0, "method": "ngram"},
    )
    assert set(lines) == {
        "models[0].loraAdapters[0].revision",
        "models[0].loraAdapters[1].rank",
        "models[0].draftModel.revision",
        "models[0].draftModel.numSpeculativeTokens",
        "models[0].draftModel.method",
    }
    assert "512" in lines["models[0].loraAdapters[1].rank"]


def test_names_with_owner_and_version_are_taken() -> None:
    assert told(loraAdapters=[{**ADAPTER, "name": "team/sql:v2.1_b"}], draftModel=DRAFT) == {}
