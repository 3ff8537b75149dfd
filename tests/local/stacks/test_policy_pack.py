"""The platform's language host starts a policy pack as `python "" ENGINE`; what we make of that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local.stacks.policy_pack import packs_on
from tests.conftest import REPO

SHIM = REPO / "local" / "bin" / "pulumi-python"


@pytest.mark.parametrize(
    ("command_line", "packs"),
    [
        ("pulumi preview --policy-pack policies --stack dev", ["policies"]),
        ("pulumi up --policy-pack=/a/b", ["/a/b"]),
        ("pulumi up --policy-pack a,b --policy-pack c", ["a", "b", "c"]),
        ("pulumi up --policy-pack-config x.json", []),
        ("pulumi up --policy-pack", []),
    ],
)
def test_packs_are_read_from_the_clis_command_line(command_line: str, packs: list[str]) -> None:
    assert packs_on(command_line.split()) == packs


def started(folder: Path, *command_line: str) -> subprocess.CompletedProcess[str]:
    """The shim, called as the host calls it, below a process with such a command line in that folder."""
    parent = f"import subprocess, sys; sys.exit(subprocess.run([{str(SHIM)!r}, '', '127.0.0.1:7']).returncode)"
    return subprocess.run(
        [sys.executable, "-c", parent, *command_line], cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "VLLM_ON_EKS_PYTHON": sys.executable},
    )  # fmt: skip


def test_the_pack_runs_in_place_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("print('the program')")
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "__main__.py").write_text("import sys; print('the pack, for', sys.argv[1])")
    done = started(tmp_path, "preview", "--policy-pack", "pack")
    assert done.stdout == "the pack, for 127.0.0.1:7\n", done.stderr


def test_two_packs_are_refused_in_words(tmp_path: Path) -> None:
    done = started(tmp_path, "--policy-pack", "one", "--policy-pack", "two")
    assert done.returncode == 1
    assert "one policy pack at a time, not one, two" in done.stderr
    assert "Traceback" not in done.stderr


def test_any_other_call_is_pythons_own() -> None:
    done = subprocess.run(
        [str(SHIM), "-c", "import sys; print(sys.argv[1:])", "", "x"], capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "VLLM_ON_EKS_PYTHON": sys.executable},
    )  # fmt: skip
    assert done.stdout == "['', 'x']\n"
