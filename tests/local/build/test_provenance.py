"""`make status` says what each program was built from, and does not believe a program that go.sum does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.build.provenance import built_from, provenance_rows
from local.commands.status import status
from local.host.paths import Paths
from tests.local.places import paths_in, script

ETCD = "go.etcd.io/etcd/server/v3"
ALERTMANAGER = "github.com/prometheus/alertmanager"


def program(paths: Paths, name: str, lines: str) -> Path:
    """A file with Go's build information in the midst of other bytes."""
    file = paths.tools_bin / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\x7fELF\0" * 99 + f"path\tmain\nmod\ttools/platform\t(devel)\t\n{lines}".encode() + b"\0" * 99)
    return file


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = paths_in(tmp_path)
    folder = paths.repo / "tools" / "platform"
    folder.mkdir(parents=True)
    (folder / "go.sum").write_text(f"{ETCD} v3.6.16 h1:good=\n{ALERTMANAGER} v0.33.1 h1:am=\n")
    return paths


def test_a_program_of_the_pinned_module_says_its_version_and_that_its_hash_is_ours(paths: Paths) -> None:
    program(paths, "etcd", f"dep\t{ETCD}\tv3.6.16\th1:good=\ndep\tother\tv1\th1:x=\n")
    assert provenance_rows(paths) == [["etcd", "v3.6.16", "built, hash in tools/platform/go.sum"]]


@pytest.mark.parametrize("line", [f"dep\t{ETCD}\tv3.6.16\th1:evil=\n", f"dep\t{ETCD}\tv3.6.15\th1:good=\n"])
def test_another_hash_or_version_is_named(paths: Paths, line: str) -> None:
    program(paths, "etcd", line)
    ((_, _, origin),) = provenance_rows(paths)
    assert origin.startswith("OTHER: its module is not in tools/platform/go.sum")


def test_a_module_that_we_change_is_said_to_be_changed(paths: Paths) -> None:
    file = program(paths, "alertmanager", f"dep\t{ALERTMANAGER}\tv0.33.1\n=>\t./module-0\t(devel)\t\n")
    built = built_from(file, ALERTMANAGER)
    assert built is not None
    assert built.hash is None
    assert provenance_rows(paths)[0][2] == "built, module changed by us, original in tools/platform/go.sum"


def test_a_program_without_build_information_is_unknown(paths: Paths) -> None:
    program(paths, "etcd", "")
    (paths.tools_bin / "kwok").write_bytes(b"")
    assert [row[2].partition(":")[0] for row in provenance_rows(paths)] == ["UNKNOWN", "UNKNOWN"]


def test_what_was_taken_from_path_says_so(paths: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = script(tmp_path / "usr" / "etcd", "echo etcd Version: 3.5.21")
    paths.tools_bin.mkdir(parents=True)
    (paths.tools_bin / "etcd").symlink_to(own)
    assert provenance_rows(paths) == [["etcd", "v3.5.21", f"not built here: {own}"]]
    status(paths)
    out = capsys.readouterr().out
    assert "PROGRAM  VERSION  FROM" in out
    assert "nothing runs" in out
