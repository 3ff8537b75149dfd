"""One build for the programs of a folder: what decides it, how its results are kept, and what interrupts it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from local.build import programs as tool_build
from local.build.go import Go
from local.build.programs import build_flags, built, content_key
from local.build.source_changes import Copy, SourceChange, Workspace
from local.build.table import Tool
from local.host.errors import BuildFailed, PlatformError
from tests.local.places import script

TOOL = Tool("thing", "thing", "example.org/thing", {"example.org/thing/server": "thingd"})
OTHER = Tool(
    "other", "thing", "example.org/thing", {"example.org/thing/cmd/other": "other"}, link_flags="-X v={version}"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """tools/thing with a go.mod and a go.sum."""
    where = tmp_path / "tools" / "thing"
    where.mkdir(parents=True)
    (where / "go.mod").write_text("module tools/thing\n\nrequire (\n\texample.org/thing v1.2.3 // indirect\n)\n")
    (where / "go.sum").write_text("example.org/thing v1.2.3 h1:abc=\n")
    return where


def fake_go(where: Path, build: str = 'touch "$OUT/server"; chmod +x "$OUT/server"') -> Go:
    """A `go` whose `build` runs the given shell lines; $OUT is the folder after -o. Its module is in `where`/module."""
    lines = f"""
case "$1" in
env) case "$2" in GOCACHE) echo {where}/gocache;; *) echo go1.26.8; echo linux; echo amd64;; esac;;
list) printf 'example.org/thing/b\\ttrue\\tstale\\n';;
mod) echo '{{"Dir": "{where / "module"}"}}';;
build)
  echo "$@" >> {where}/commands
  while [ $# -gt 0 ]; do [ "$1" = -o ] && OUT="$2"; shift; done
  {build};;
esac"""
    return Go(script(where / "bin" / "go", lines))


def test_the_key_changes_with_each_thing_that_decides_a_build(folder: Path) -> None:
    go = "go1.26.0 linux amd64"
    keys = {content_key(TOOL, folder, go), content_key(TOOL, folder, "go1.26.1 linux amd64")}
    keys.add(content_key(replace(TOOL, link_flags="-X a={version}"), folder, go))
    keys.add(content_key(TOOL, folder, go, Workspace(tags="small")))
    keys.add(content_key(TOOL, folder, go, Workspace(copies=(Copy("m", added={"a": "b"}),))))
    (folder / "main.go").write_text("package main")
    keys.add(content_key(TOOL, folder, go))
    (folder / "go.sum").write_text("other")
    keys.add(content_key(TOOL, folder, go))
    assert len(keys) == 7


def test_the_key_has_every_field_of_a_workspace_but_reasons_and_names_of_classes(folder: Path) -> None:
    class Renamed(SourceChange):
        pass

    def key(change: SourceChange, **others: Any) -> str:
        return content_key(TOOL, folder, "go", Workspace(copies=(Copy("m", changes=(change,), **others),)))

    first = SourceChange("a.go", "old", "new", "why")
    assert key(first) == key(Renamed("a.go", "old", "new", "in other words"))
    changed = [replace(first, path="b.go"), replace(first, old="o"), replace(first, new="n"), replace(first, times=2)]
    assert len({key(first), *map(key, changed), key(first, files={"a": "b"}), key(first, added={"a": "b"})}) == 7
    assert {field.name for field in fields(SourceChange)} == {"path", "old", "new", "why", "times"}
    assert {field.name for field in fields(Copy)} == {"module", "files", "changes", "added", "pinned_in"}
    assert {field.name for field in fields(Workspace)} == {"tags", "copies"}


def test_the_key_is_the_same_for_the_same_content_elsewhere(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "clone" / "thing"
    copy.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (copy / name).write_bytes((folder / name).read_bytes())
    assert content_key(TOOL, folder, "go") == content_key(TOOL, copy, "go")


def test_programs_of_one_folder_are_built_by_one_command_and_not_twice(folder: Path, tmp_path: Path) -> None:
    go = fake_go(tmp_path, 'for name in server other; do touch "$OUT/$name"; chmod +x "$OUT/$name"; done')
    first = built([TOOL, OTHER], folder, tmp_path / "cache", go)
    assert built([TOOL, OTHER], folder, tmp_path / "cache", go) == first
    assert sorted(first) == ["other", "thingd"]
    (command,) = (tmp_path / "commands").read_text().splitlines()
    assert command.endswith("example.org/thing/server example.org/thing/cmd/other")


def test_linker_flags_are_those_of_each_program(folder: Path) -> None:
    flags = build_flags([TOOL, OTHER], folder, Workspace(tags="small"))
    assert flags[-2:] == ["-ldflags=-s -w", "-ldflags=example.org/thing/cmd/other=-s -w -X v=v1.2.3"]
    assert flags[flags.index("-tags") + 1] == "small"


def test_a_program_taken_out_of_the_cache_is_built_again(folder: Path, tmp_path: Path) -> None:
    """Nothing half is taken for whole."""
    go = fake_go(tmp_path)
    built([TOOL], folder, tmp_path / "cache", go)["thingd"].unlink()
    assert built([TOOL], folder, tmp_path / "cache", go)["thingd"].exists()
    assert len((tmp_path / "commands").read_text().splitlines()) == 2


def test_a_failed_build_says_its_last_lines_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    lines = 'touch "$OUT/server"; for i in $(seq 50); do echo line $i; done; echo undefined: foo; exit 1'
    with pytest.raises(BuildFailed) as failure:
        built([TOOL], folder, tmp_path / "cache", fake_go(tmp_path, lines))
    assert "building thing failed" in str(failure.value)
    assert "    | line 50\n    | undefined: foo" in str(failure.value)
    assert "line 3\n" not in str(failure.value)
    assert list((tmp_path / "cache" / "tools").iterdir()) == []
    assert built([TOOL], folder, tmp_path / "cache", fake_go(tmp_path))["thingd"].exists()


def test_a_program_that_the_build_did_not_make_is_not_kept(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="made no server"):
        built([TOOL], folder, tmp_path / "cache", fake_go(tmp_path, "true"))
    assert list((tmp_path / "cache" / "tools").iterdir()) == []


def test_an_interrupted_build_leaves_nothing_and_ends_what_it_started(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("local.build.go.MovingLine.show", interrupt)
    with pytest.raises(KeyboardInterrupt):
        built(
            [TOOL], folder, tmp_path / "cache", fake_go(tmp_path, f"trap 'touch {tmp_path}/ended; exit 1' INT; sleep 5")
        )
    assert list((tmp_path / "cache" / "tools").iterdir()) == []


@pytest.mark.parametrize(
    ("output", "say"),
    [
        ("x: /go/pkg/tool/compile: signal: killed", "GOMAXPROCS=1"),
        ("write /tmp/x: no space left on device", "the disk is full"),
        ("reading https://proxy/x: 403 Forbidden", "refuses this version"),
        ("dial tcp: lookup proxy.golang.org: no such host", "cannot be reached"),
        ("verifying x: checksum mismatch", "do not use it"),
    ],
)
def test_a_build_that_the_machine_failed_says_what_to_do(folder: Path, tmp_path: Path, output: str, say: str) -> None:
    with pytest.raises(BuildFailed) as failure:
        built([TOOL], folder, tmp_path / "cache", fake_go(tmp_path, f'echo "{output}"; exit 1'))
    assert say in str(failure.value).splitlines()[-1]


def test_a_full_disk_is_refused_before_anything_is_compiled(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.build.limits.shutil.disk_usage", lambda path: type("Disk", (), {"free": 10**9})())
    with pytest.raises(PlatformError, match=r"no space to build: 1\.0 GB free at .*XDG_CACHE_HOME"):
        built([TOOL], folder, tmp_path / "cache", fake_go(tmp_path))
    assert not (tmp_path / "commands").exists()


def test_a_module_is_changed_in_a_copy_that_stands_for_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module cache and the checkout stay as they are."""
    source = tmp_path / "module" / "server"
    source.mkdir(parents=True)
    (source / "main.go").write_text('package main // ":80"\n')
    change = SourceChange("server/main.go", '":80"', '"127.0.0.1:80"', "why")
    how = Workspace(copies=(Copy("example.org/thing", changes=(change,), added={"ui/index.html": "<p>"}),))
    monkeypatch.setattr(tool_build, "workspace", lambda folder: how)
    lines = 'cat module-0/ui/index.html module-0/server/main.go go.mod > "$OUT/server"; chmod +x "$OUT/server"'
    text = built([TOOL], folder, tmp_path / "cache", fake_go(tmp_path, lines))["thingd"].read_text()
    assert text.startswith('<p>package main // "127.0.0.1:80"')
    assert "replace example.org/thing => ./module-0" in text
    assert (source / "main.go").read_text() == 'package main // ":80"\n'
    assert sorted(path.name for path in folder.iterdir()) == ["go.mod", "go.sum"]


def test_files_of_a_module_are_copied_and_json_loses_its_space(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "schema.json").write_text('{\n  "a": 1\n}\n')
    how = Workspace(copies=(Copy("example.org/thing", files={"schema.json": "thing/schema.json"}),))
    monkeypatch.setattr(tool_build, "workspace", lambda folder: how)
    lines = 'cat thing/schema.json > "$OUT/server"; chmod +x "$OUT/server"'
    text = built([TOOL], folder, tmp_path / "cache", fake_go(tmp_path, lines))["thingd"].read_text()
    assert text == '{"a":1}'


def test_a_change_whose_place_is_gone_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer version may listen elsewhere: it must not be built unchanged."""
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "main.go").write_text("package main\n")
    how = Workspace(copies=(Copy("example.org/thing", changes=(SourceChange("main.go", '":80"', "x", "why"),)),))
    monkeypatch.setattr(tool_build, "workspace", lambda folder: how)
    with pytest.raises(PlatformError, match="0 times, not 1"):
        built([TOOL], folder, tmp_path / "cache", fake_go(tmp_path))
