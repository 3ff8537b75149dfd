"""What is read of YAML, JSON and files that may have been made to hurt, and where it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from settings.documents import MOST_BYTES, DocumentError, file_text, json_document
from settings.read import loaded_from
from settings.yaml_text import yaml_document, yaml_file
from tests.conftest import REPO
from tests.settings import hostile_texts

MIB = 2**20


@pytest.mark.parametrize("name", hostile_texts.YAML)
def test_yaml_made_to_hurt_ends_in_one_line(name: str) -> None:
    text, words = hostile_texts.YAML[name]
    with pytest.raises(DocumentError) as refused:
        yaml_document(text)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 250
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", hostile_texts.JSON)
def test_json_made_to_hurt_ends_in_one_line(name: str) -> None:
    text, words = hostile_texts.JSON[name]
    with pytest.raises(DocumentError) as refused:
        json_document(text)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 250


def test_all_of_them_together_take_little_memory_and_time(tmp_path: Path) -> None:
    """200 MiB of address space with the interpreter, and seconds of CPU for all, not one each."""
    texts = [text for text, _ in hostile_texts.YAML.values()]
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    program = (
        "import json, resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({200 * MIB}, {200 * MIB}))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n"
        "from settings.yaml_text import yaml_document\n"
        "from settings.documents import DocumentError\n"
        "refused = 0\n"
        "for text in json.load(open(sys.argv[1])):\n"
        "    try:\n"
        "        yaml_document(text)\n"
        "    except DocumentError:\n"
        "        refused += 1\n"
        "print(refused)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "texts.json")],
        cwd=REPO, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == (str(len(texts)), 0), done.stderr


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        ("a: &x {k: 1}\nb: {<<: *x, l: 2}", {"a": {"k": 1}, "b": {"k": 1, "l": 2}}),
        ("&a a: 1\nb: *a", {"a": 1, "b": "a"}),
        ("a: 0x1F\nb: 1_000\nc: 010\nd: 0_", {"a": 31, "b": 1000, "c": 8, "d": 0}),
        ("a: '" + "9" * 6000 + "'", {"a": "9" * 6000}),
        ("a: 18446744073709551616", {"a": 2**64}),
        ("a: -0.0", {"a": 0.0}),
        ("a: !!str 5\nb: !!seq [1]", {"a": "5", "b": [1]}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", None),
        ("", None),
    ],
)
def test_what_is_unusual_and_harmless_is_read(text: str, value: object) -> None:
    read = yaml_document(text)
    assert value is None or read == value


def test_a_bracket_in_a_text_is_no_level() -> None:
    assert json_document(json.dumps(["[" * 100, '"{"' * 100])) == ["[" * 100, '"{"' * 100]


@pytest.mark.parametrize("name", hostile_texts.JSON)
def test_a_section_that_pulumi_hands_over_is_refused_by_its_key(name: str) -> None:
    text, words = hostile_texts.JSON[name]
    loaded = loaded_from({"models": text, "nodePools": "[]"}, (), "dev")
    problems = [str(problem) for problem in loaded.problems]
    assert any(each.startswith("models: ") and words in each for each in problems), problems


def test_a_file_that_is_too_long_or_no_text_or_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_bytes(b"a" * (MOST_BYTES + 1))
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xff")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, words in {
        "long.yaml": "long.yaml is longer than 256 KiB",
        "latin.yaml": r"latin.yaml is no text in UTF-8 \(line 2\)",
        "folder.yaml": "folder.yaml is no file",
        "pipe.yaml": "pipe.yaml is no file",
        "none.yaml": "there is no file",
    }.items():
        with pytest.raises(DocumentError, match=words):
            file_text(tmp_path / name)


def test_an_error_in_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("a: [1\nb: 2")
    with pytest.raises(DocumentError, match=r"Pulumi.dev.yaml: line 2: "):
        yaml_file(tmp_path / "Pulumi.dev.yaml")
