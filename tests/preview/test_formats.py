"""The four formats of one report: what they say, that they stay what they are, and that nobody can break out."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from preview import render
from preview.formats import rendered
from preview.markdown import MARKER, comment, markdown
from tests.golden import assert_matches
from tests.preview.sample import EVIL, document

GOLDENS = Path(__file__).parent / "goldens"
GITHUB_LIMIT = 65_536


def poisoned(value: Any) -> Any:
    """The same document with markup in every text that a pull request can write."""
    if isinstance(value, str):
        return value if value.startswith(("urn:", "aws:", "vllm-on-eks:")) else f"{value}{EVIL}"
    if isinstance(value, dict):
        kept = ("severity", "action", "capacity", "rule", "urn", "parent", "type", "kind")
        return {key: item if key in kept else poisoned(item) for key, item in value.items()}
    return [poisoned(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_the_report_reads_as_its_golden(name: str) -> None:
    assert_matches(GOLDENS / f"sample.{'md' if name == 'markdown' else 'txt'}", rendered(document(), name))


def test_json_is_the_document_itself() -> None:
    assert json.loads(rendered(document(), "json")) == document()


class Page(HTMLParser):
    """Tags, attributes and the texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "rect", "br", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag


def test_the_page_stands_alone_and_is_well_formed() -> None:
    page = Page(rendered(document(), "html"))
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href") or name.startswith("on")]
    text = rendered(document(), "html")
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert page.tags.count("svg") == 7


def test_no_text_of_a_pull_request_becomes_markup() -> None:
    page = Page(rendered(poisoned(document()), "html"))
    assert not {"script", "img", "a"} & set(page.tags)
    told = markdown(poisoned(document()))
    outside = re.sub(r"```.*?```|`[^`\n]*`", "", told, flags=re.DOTALL)
    assert "<script" not in outside
    assert "](http" not in outside
    assert not re.search(r"@team", outside)
    assert told.count("<details") == told.count("</details>")
    rows = [line for line in told.splitlines() if line.startswith("| ")]
    assert all(re.sub(r"\\\||`[^`]*`", "", row).count("|") in (4, 5, 7) for row in rows)


def test_a_comment_never_exceeds_what_github_takes_and_the_cut_is_told() -> None:
    large = document()
    large["changes"] = [
        {**large["changes"][3], "name": f"n{index}", "fields": large["changes"][3]["fields"] * 40}
        for index in range(400)
    ]
    told = comment([large, document()])
    assert len(told) < GITHUB_LIMIT
    assert "do not fit a comment" in told
    assert told.count("<details") == told.count("</details>")
    assert told.startswith(MARKER)
    assert told.count("## dev: 1 model") == 2


def test_saved_reports_are_rendered_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "dev.json"
    saved.write_text(rendered(document(), "json"))
    assert render.main([str(saved)]) == 0
    assert capsys.readouterr().out == comment([document()])
    assert render.main([str(saved), "--format", "html", "--out", str(tmp_path / "dev.html")]) == 0
    assert (tmp_path / "dev.html").read_text().startswith("<!doctype html>")
    (tmp_path / "other.json").write_text("{}")
    assert render.main([str(tmp_path / "other.json")]) == 2
    assert "no preview report" in capsys.readouterr().err


def test_a_refusal_is_a_report_too() -> None:
    from preview.document import refused
    from settings.findings import mistake

    refusal = refused("dev", [mistake("models[0].sorce", "unknown key", "did you mean source?")])
    for name in ("text", "markdown", "html", "json"):
        told = rendered(refusal, name)
        assert "sorce" in told, name
        assert "did you mean source?" in told, name
