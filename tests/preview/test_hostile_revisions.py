"""Other revisions made to hurt: each ends in words, none learns a secret, none reaches anything outside of itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from preview.base import BaseRun
from preview.report import Base
from tests.preview.checkout import IDENTITY, commit, git

RESOURCE = {"urn": "u", "type": "t", "name": "n", "inputs": {}}
NESTED = "[" * 5000
SHORT_SECONDS = 1


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def ran(root: Path, revision: str = "HEAD") -> Base:
    with BaseRun(root, revision, "dev") as run:
        return run.result()


def of_code(root: Path, code: str) -> Base:
    (root / "preview").mkdir(exist_ok=True)
    (root / "preview" / "__init__.py").write_text("")
    (root / "preview" / "__main__.py").write_text(code)
    commit(root)
    return ran(root)


PRINTED = {
    "a list": ("[]", "is no report"),
    "a number": ("7", "is no report"),
    "nothing but null": ("null", "is no report"),
    "an empty object": ("{}", "no resources"),
    "a text as resources": (json.dumps({"resources": "x"}), "resources"),
    "resources that are numbers": (json.dumps({"resources": [1]}), "resources.0"),
    "a resource without a name": (json.dumps({"resources": [{"urn": "u"}]}), "resources.0"),
    "an urn that is a list": (json.dumps({"resources": [{**RESOURCE, "urn": []}]}), "resources.0.urn"),
    "inputs that are a list": (json.dumps({"resources": [{**RESOURCE, "inputs": []}]}), "inputs"),
    "aliases that are a number": (json.dumps({"resources": [{**RESOURCE, "aliases": 3}]}), "aliases"),
    "dependencies of numbers": (
        json.dumps({"resources": [{**RESOURCE, "propertyDependencies": {"a": [1]}}]}),
        "propertyDependencies",
    ),
    "ignored changes that are a text": (json.dumps({"resources": [{**RESOURCE, "ignoreChanges": "x"}]}), "ignore"),
    "outputs that are a list": (json.dumps({"resources": [RESOURCE], "outputs": []}), "outputs"),
    "findings without words": (json.dumps({"resources": [], "findings": [{}]}), "findings.0"),
    "a problem that is a number": (json.dumps({"problem": 5}), "problem"),
    "a problem of a mebibyte": (json.dumps({"problem": "x" * 2**20}), "its program fails: xxx"),
    "a problem with escapes and lines": (json.dumps({"problem": "a\n\x1b[31mb"}), "its program fails: a"),
    "a cost that is a text": (json.dumps({"resources": [RESOURCE], "cost": "free"}), "cost"),
}


@pytest.mark.parametrize("name", PRINTED)
def test_what_is_printed_and_is_no_report_is_said(root: Path, name: str) -> None:
    printed, words = PRINTED[name]
    outcome = of_code(root, f"print({printed!r})")
    assert outcome.document is None
    assert words in str(outcome.problem)
    assert len(str(outcome.problem)) < 900
    assert "without your environment" in str(outcome.problem)


UNREADABLE = {
    "no word": "pass",
    "half a report": "print('{\"resources\": [')",
    "lists in lists": f"print({NESTED!r})",
    "no UTF-8": "import sys; sys.stdout.buffer.write(b'\\xff\\xfe{}')",
    "infinite numbers": 'print(\'{"resources": [], "cost": Infinity}\')',
    "a number of 6,000 digits": "print('[' + '9' * 6000 + ']')",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_falls_back_to_its_program_and_that_is_not_there(root: Path, name: str) -> None:
    outcome = of_code(root, UNREADABLE[name])
    assert outcome.document is None
    assert "fail" in str(outcome.problem)
    assert len(str(outcome.problem)) < 900


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import time\ntime.sleep(1000)", f"took longer than {SHORT_SECONDS} s"),
        ("while True: pass", f"took longer than {SHORT_SECONDS} s"),
        (
            "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.pause()",
            f"took longer than {SHORT_SECONDS} s",
        ),
        ("import os, time\nfor _ in range(50): os.fork() or time.sleep(1000)\ntime.sleep(1000)", "took longer"),
        ("import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'while 1: pass']); input()", "fail"),
    ],
)
def test_a_revision_that_never_ends_is_ended(
    root: Path, code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preview.base.MOST_SECONDS", SHORT_SECONDS)
    problem = str(of_code(root, code).problem)
    # On a busy machine the bound may come before the program has failed by itself.
    assert words in problem or (words == "fail" and "took longer" in problem)


def test_an_output_without_end_is_cut(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preview.sandbox.MOST_OUTPUT_BYTES", 2**20)
    outcome = of_code(
        root, "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nwhile True: print('x' * 9999)"
    )
    assert "wrote more than" in str(outcome.problem)


def test_no_secret_of_the_caller_reaches_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "PULUMI_CONFIG_PASSPHRASE", "HF_TOKEN", "GITHUB_TOKEN", "PULUMI_CONFIG"):
        monkeypatch.setenv(name, "canary4711")
    code = (
        "import json, os, pathlib\n"
        "seen = [str(dict(os.environ)), os.path.expanduser('~')]\n"
        "parent = pathlib.Path(f'/proc/{os.getppid()}/environ')\n"
        "seen.append(parent.read_text() if parent.exists() else '')\n"
        "print(json.dumps({'problem': ' '.join(seen)}))\n"
    )
    outcome = of_code(root, code)
    assert "its program fails" in str(outcome.problem)
    assert "canary4711" not in str(outcome.problem)
    assert os.path.expanduser("~") + "'" not in str(outcome.problem)


def _tree(root: Path, rows: list[tuple[str, str, bytes]]) -> str:
    """A commit of entries (mode, name, content) that git would not add by itself."""
    lines = []
    for mode, name, content in rows:
        made = subprocess.run(
            ["git", "-C", str(root), "hash-object", "-w", "--stdin"], input=content, capture_output=True, check=True
        )
        lines.append(f"{mode} blob {made.stdout.decode().strip()}\t{name}\n")
    tree = subprocess.run(
        ["git", "-C", str(root), "mktree"], input="".join(lines).encode(), capture_output=True, check=True
    )
    command = ["git", "-C", str(root), "commit-tree", "-m", "x", tree.stdout.decode().strip()]
    made = subprocess.run(command, env={**os.environ, **IDENTITY}, capture_output=True, check=True)
    return made.stdout.decode().strip()


@pytest.mark.parametrize("target", [b"/etc/passwd", b"../../outside", b"..", b"a/../../b", b"/" + b"x" * 5000])
def test_a_link_that_leads_out_of_it_is_refused(root: Path, target: bytes) -> None:
    outcome = ran(root, _tree(root, [("120000", "link", target)]))
    assert outcome.problem == "its link link leads out of it"


def test_a_file_that_lies_outside_of_it_is_refused(root: Path) -> None:
    assert "would lie outside" in str(ran(root, _tree(root, [("100644", "..", b"x")])).problem)
    assert "would lie outside" in str(ran(root, _tree(root, [("100644", ".GIT", b"x")])).problem)


def test_attributes_of_the_revision_leave_nothing_out(root: Path) -> None:
    (root / ".gitattributes").write_text("* export-ignore\n")
    outcome = of_code(root, 'print(\'{"problem": "it ran"}\')')
    assert "its program fails: it ran" in str(outcome.problem)


def test_an_empty_revision_and_one_with_strange_names_end_in_words(root: Path) -> None:
    git(root, "commit", "-q", "--allow-empty", "-m", "x")
    assert "fail" in str(ran(root).problem)
    (root / "a\nb \x1b[31m").write_text("x")
    (root / os.fsdecode(b"\xff")).write_text("x")
    commit(root)
    assert "fail" in str(ran(root).problem)


@pytest.mark.parametrize("revision", ["nowhere", "--help", "-x", "HEAD^{tree}", "a\0b", "x" * 200_000, "", "HEAD:a"])
def test_a_name_that_is_no_revision_is_said(root: Path, revision: str) -> None:
    git(root, "commit", "-q", "--allow-empty", "-m", "x")
    outcome = ran(root, revision)
    assert outcome.commit is None
    assert "revision" in str(outcome.problem)


def test_nothing_is_left_behind(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    of_code(root, "open('x', 'w').write('y'); print('[]')")
    assert list((tmp_path / "temporary").iterdir()) == []
