"""The stack file as Pulumi's CLI reads it. Texts below are what `pulumi config --json` of 3.258.0 printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from planning.prepare import prepare
from settings.read import PLAIN_TEXT
from settings.stack_file import StackFileError, read_stack_file
from tests.conftest import REPO
from tests.program import STACKS


def written(folder: Path, text: str) -> Path:
    (folder / "Pulumi.yaml").write_text("name: vllm-on-eks\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(text)
    return folder


MEASURED = {
    "when: 2026-12-31": '"2026-12-31 00:00:00 +0000 UTC"',
    "when: 2026-13-31": '"2026-13-31"',
    "yes: yes": '"yes"',
    "on: on": '"on"',
    "n: 010": "8",
    "o: 0o10": "8",
    "u: 1_000": "1000",
    "f: 1.0": "1",
    "v: 1.34": "1.34",
    "z: 0.10": "0.1",
    "e: 1e3": "1000",
    "s: 1:30": '"1:30"',
    "x: 0x10": "16",
    "nul: ~": "null",
    "em: ": "null",
    "m: -5": "-5",
    "p: +7": "7",
    "b: 089": "89",
    "q: '5'": '"5"',
    "1: one": '"one"',
    "true: x": '"x"',
}


@pytest.mark.parametrize(("line", "value"), MEASURED.items())
def test_scalars_are_what_pulumi_makes_of_them(tmp_path: Path, line: str, value: str) -> None:
    file = read_stack_file(written(tmp_path, f"config:\n  vllm-on-eks:a:\n    {line}\n"), "dev")
    assert json.loads(file.ours()["a"]) == {line.split(":")[0]: json.loads(value)}


def test_plain_keys_and_old_spellings_belong_to_this_project_and_others_do_not(tmp_path: Path) -> None:
    text = "config:\n  plain: x\n  vllm-on-eks:config:legacy: old\n  vllm-on-eks:bool: true\n  aws:region: us-east-1\n"
    file = read_stack_file(written(tmp_path, text), "dev")
    assert file.ours() == {"plain": "x", "legacy": "old", "bool": "true"}
    assert file.texts["aws:region"] == "us-east-1"


def test_merges_are_followed_and_lists_are_json(tmp_path: Path) -> None:
    text = "config:\n  vllm-on-eks:x: {<<: {a: 1}, b: 2}\n  vllm-on-eks:l: [a, 1, true, null]\n"
    ours = read_stack_file(written(tmp_path, text), "dev").ours()
    assert json.loads(ours["x"]) == {"a": 1, "b": 2}
    assert json.loads(ours["l"]) == ["a", 1, True, None]


def test_an_encrypted_value_is_known_to_be_there_and_nothing_more(tmp_path: Path) -> None:
    text = "encryptionsalt: v1:abc\nconfig:\n  vllm-on-eks:hfToken:\n    secure: v1:cipher\n"
    file = read_stack_file(written(tmp_path, text), "dev")
    assert file.ours() == {"hfToken": ""}
    assert file.ours_encrypted() == {"hfToken"}


def test_a_secret_is_not_in_the_files_repr(tmp_path: Path) -> None:
    file = read_stack_file(written(tmp_path, "config:\n  vllm-on-eks:hfToken: canary\n"), "dev")
    assert "canary" not in repr(file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "config:\n  vllm-on-eks:a: 1\n  vllm-on-eks:a: 2\n",
            "line 3: key vllm-on-eks:a stands twice, first in line 2",
        ),
        ("config:\n  vllm-on-eks:m: {a: 1, a: 2}\n", "key a stands twice"),
        ("config:\n  a: 1\n  vllm-on-eks:a: 2\n", "set twice"),
        ("config:\n  - a\n", "config is no mapping"),
        ("config: {a: [1\n", "line "),
        ("- a\n", "no mapping"),
        ("config:\n  ? [a, b]\n  : c\n", "a key must be text"),
    ],
)
def test_what_pulumi_would_not_take_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(StackFileError, match=r"Pulumi\.dev\.yaml") as caught:
        read_stack_file(written(tmp_path, text), "dev")
    assert words in str(caught.value)


def test_a_stack_without_a_file_names_those_that_have_one() -> None:
    with pytest.raises(StackFileError, match="dev, local, prod"):
        read_stack_file(REPO, "prd")


def test_a_stack_name_is_not_a_path() -> None:
    with pytest.raises(StackFileError):
        read_stack_file(REPO, "../main/Pulumi.dev")


@pytest.mark.parametrize("stack", STACKS)
def test_our_stack_files_say_the_same_to_both_readers(stack: str) -> None:
    ours = read_stack_file(REPO, stack).ours()
    sections = yaml.safe_load((REPO / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    plain = {key.removeprefix("vllm-on-eks:"): value for key, value in sections.items()}
    expected = json.loads(json.dumps(plain))
    assert {key: text if key in PLAIN_TEXT else json.loads(text) for key, text in ours.items()} == expected


def test_a_number_that_yaml_changed_is_told_as_it_stands_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: vllm-on-eks\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config:\n  vllm-on-eks:tags: {account: 012345670123, v: 1.10, n: 7}\n  cluster: {version: 1.30}\n"
    )
    texts = {problem.path: problem.text for problem in prepare(tmp_path, "dev").loaded.problems}
    assert texts["tags.account"].startswith("012345670123 (YAML reads 1402433619) is not text; put it in quotes")
    assert texts["tags.v"].startswith("1.10 (YAML reads 1.1) is not text")
    assert texts["cluster.version"].startswith("1.30 (YAML reads 1.3) is not text")
    assert texts["tags.n"].startswith("7 is not text; put it in quotes")
