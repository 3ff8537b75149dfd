"""What CONTRIBUTING, README and the records of decisions name is there, and the records have one form."""

from __future__ import annotations

import re

import pytest

from tests.conftest import REPO

RECORDS = sorted((REPO / "docs/adr").glob("*.md"))
PAGES = ["CONTRIBUTING.md", "README.md"]
# A file or folder of the repository, as prose names it: `settings/models.py`, `planning/`, `docs/adr`.
_PATH = re.compile(r"`([A-Za-z_.][\w.-]*(?:/[\w.{},*-]+)*/?)`")
_HOMES = (
    *("settings", "planning", "components", "preflight", "preview", "policies", "simulation", "advisor"),
    *("local", "tools", "tests", "bench", "docs"),
)


def _named(page: str) -> set[str]:
    text = (REPO / page).read_text(encoding="utf-8")
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    links = {path for path in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) if (REPO / path.split("/")[0]).exists()}
    return links | {path for path in _PATH.findall(text) if path.split("/")[0] in _HOMES and "/" in path}


def _is_there(path: str) -> bool:
    """`local/charts/{a,b}` and `tools/*/go.mod` too; a module may be named without `.py`."""
    match = re.fullmatch(r"(.*)\{([^{}]+)\}(.*)", path)
    if match:
        return all(_is_there(match[1] + part.strip() + match[3]) for part in match[2].split(","))
    path = path.rstrip("/")
    return any(REPO.glob(path)) or (REPO / f"{path}.py").exists()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    named = _named(page)
    assert len(named) > 5
    assert sorted(path for path in named if not _is_there(path)) == []


def test_the_way_of_a_setting_is_told_by_files_that_know_it() -> None:
    """The three columns of CONTRIBUTING's table: each file must have the setting, or what it became."""
    words = {
        "maxModelLen": re.compile(r"max_model_len|max-model-len|ServedModel|containers", re.IGNORECASE),
        "maxReplicas": re.compile(r"max_replicas|maxReplicas"),
        "maxNodes": re.compile(r"max_nodes|max_size"),
    }
    text = (REPO / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("## How a setting travels")[1].split("\n\n")[2].splitlines()
    assert [word for word in words if word in table[0]] == list(words)
    lost = [
        f"{file} does not know {setting}"
        for row in table[2:]
        for setting, cell in zip(words, row.strip("|").split("|"), strict=True)
        for file in re.findall(r"`([\w/]+\.py)`", cell)
        if not words[setting].search((REPO / file).read_text(encoding="utf-8"))
    ]
    assert lost == []


@pytest.mark.parametrize("record", RECORDS, ids=[record.stem for record in RECORDS])
def test_a_record_of_a_decision_has_the_form_of_all(record: object) -> None:
    """`# 9. Title`, a line of date and status, then Context, Decision and Consequences."""
    path = REPO / "docs/adr" / str(record).rpartition("/")[2]
    lines = path.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(rf"# {int(path.name[:4])}\. .+", lines[0])
    assert re.fullmatch(r"Date: \d{4}-\d\d-\d\d · Status: .+", lines[2])
    headings = [line[3:] for line in lines if line.startswith("## ")]
    assert [heading for heading in headings if heading in ("Context", "Decision", "Consequences")] == [
        "Context",
        "Decision",
        "Consequences",
    ]


def test_no_number_of_a_record_is_missing_or_used_twice() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert len(numbers) == len(set(numbers))
    assert set(range(1, max(numbers) + 1)) == set(numbers)
