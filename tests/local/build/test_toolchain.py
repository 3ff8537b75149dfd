"""Which programs are taken from PATH, how built ones are kept, and what a failed build says."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from local.build import go as go_module
from local.build.chart_table import DEFINITIONS, MODULE_CHARTS
from local.build.definitions import definitions
from local.build.go import Go, find_go, module_version, parse_version
from local.build.module_charts import module_chart
from local.build.programs import link_flags
from local.build.source import program_name
from local.build.table import CRD_MODULE, GO_LOCK, NEEDS, PLATFORM, TOOLS, Tool, VersionRule
from local.build.toolchain import Found, ensure_tools, find_installed, link, on_path, place, plan_lines, tools_of
from local.host.errors import BuildFailed, PlatformError
from planning.versions import pins
from planning.versions.definitions import definitions as known_definitions
from tests.conftest import REPO
from tests.local.places import paths_in, script

TOOL = Tool(
    "thing", "thing", "example.org/thing", {"example.org/thing/server": "thingd"}, on_path=VersionRule((1, 2), (2,))
)


def test_every_tool_is_made_for_some_need_and_every_need_is_known() -> None:
    named = [name for names in NEEDS.values() for name in names]
    assert sorted(named) == sorted(tool.name for tool in TOOLS)
    assert {row.need for row in (*DEFINITIONS, *MODULE_CHARTS)} <= set(NEEDS)
    assert [tool.name for tool in tools_of(["platform", "monitoring"])].count("keda") == 0
    with pytest.raises(PlatformError, match=r"no need 'grafana'.*keda"):
        tools_of(["grafana"])


def test_a_program_on_path_is_taken_at_a_good_version_only(tmp_path: Path) -> None:
    good = script(tmp_path / "good" / "thingd", "echo thing v1.9.0")
    script(tmp_path / "old" / "thingd", "echo thing v1.1.9")
    script(tmp_path / "new" / "thingd", "echo thing v2.0.0")
    script(tmp_path / "broken" / "thingd", "exit 3")
    assert on_path(TOOL, [str(tmp_path / "good")], Found()) == {"thingd": good}
    for name in ("old", "new", "broken", "absent"):
        assert on_path(TOOL, [str(tmp_path / name)], Found()) is None, name


def test_the_language_host_is_taken_only_from_beside_the_accepted_cli(tmp_path: Path) -> None:
    host = next(tool for tool in TOOLS if tool.name == "pulumi-language-python")
    cli = script(tmp_path / "release" / "pulumi", "echo v3.260.0")
    for name in ("pulumi-language-python", "pulumi-language-python-exec"):
        script(tmp_path / "release" / name, "exit 0")
        script(tmp_path / "elsewhere" / name, "exit 0")
    assert on_path(host, [str(tmp_path / "elsewhere")], Found()) is None
    reason = on_path(host, [str(tmp_path / "elsewhere")], Found({"pulumi": cli}))
    assert reason is not None
    assert {path.parent.name for path in reason.values()} == {"release"}


def test_an_old_go_on_path_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "old" / "go", "echo go version go1.22.2 linux/amd64")
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:/usr/bin:/bin")
    asked: list[str] = []
    monkeypatch.setattr(go_module, "run_shown", lambda label, command, *rest: asked.append(" ".join(command)))
    with pytest.raises(FileNotFoundError):  # the fake installs nothing, so there is nothing to rename
        find_go(tmp_path)
    assert "-m pip install" in asked[0]
    assert asked[0].endswith(f"--require-hashes -r {GO_LOCK}")


def test_go_can_neither_replace_itself_nor_change_what_is_pinned(tmp_path: Path) -> None:
    environment = Go(tmp_path / "go").environment
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOFLAGS"] == "-mod=readonly"
    assert environment["GOWORK"] == "off"


def test_the_environment_cannot_loosen_the_check_of_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loosening = {"GONOSUMDB": "*", "GONOSUMCHECK": "1", "GOSUMDB": "off", "GOINSECURE": "*"}
    for name, value in {**loosening, "GOFLAGS": "-insecure -mod=mod", "GOPROXY": "https://proxy.example"}.items():
        monkeypatch.setenv(name, value)
    for environment in (Go(tmp_path / "go").environment, Go(tmp_path / "go").building(tmp_path)):
        assert loosening.keys().isdisjoint(environment)
        assert environment["GOFLAGS"] == "-mod=readonly"
        assert environment["GOPROXY"] == "https://proxy.example"


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
        packages = [package for t in TOOLS if t.folder == folder for package in t.programs]
        assert sorted(listed) == sorted(package for package in packages if not package.startswith("tools/"))


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_has_pinned_modules_with_sums(tool: Tool) -> None:
    folder = REPO / "tools" / tool.folder
    assert "{" not in link_flags(tool, folder)
    version = module_version(folder / "go.mod", tool.module)
    assert f"{tool.module} {version} h1:" in (folder / "go.sum").read_text()


def test_a_pinned_tool_is_at_a_version_that_would_be_taken_from_path() -> None:
    for tool in TOOLS:
        if tool.on_path:
            version = parse_version(module_version(REPO / "tools" / tool.folder / "go.mod", tool.module))
            assert version is not None
            assert tool.on_path.accepts(version), tool.name


def test_the_crds_are_pinned_and_copied_out_of_the_module(tmp_path: Path) -> None:
    pinned = REPO / "tools" / PLATFORM
    version = module_version(pinned / "go.mod", CRD_MODULE)
    assert f"{CRD_MODULE} {version} h1:" in (pinned / "go.sum").read_text()
    paths = paths_in(tmp_path)
    mine = paths.repo / "tools" / PLATFORM
    mine.mkdir(parents=True)
    (mine / "go.mod").write_text((pinned / "go.mod").read_text())
    module = tmp_path / "module"
    (module / "example" / "prometheus-operator-crd").mkdir(parents=True)
    (module / "example" / "prometheus-operator-crd" / "podmonitors.yaml").write_text(
        "kind: Kustomization\n---\nkind: CustomResourceDefinition\n"
        "properties:\n  description: {type: string, description: words}\n  match: {enum: [=, '!=']}\n"
    )
    go = Go(script(tmp_path / "bin" / "go", f"""echo '{{"Dir": "{module}"}}'"""))
    (file,) = definitions(DEFINITIONS[0], paths, go).iterdir()
    assert file.name == "podmonitors-1.yaml", "the first of its documents is none"
    assert yaml.safe_load(file.read_text()) == {
        "kind": "CustomResourceDefinition",
        "properties": {"description": {"type": "string"}, "match": {"enum": ["=", "!="]}},
    }


def test_a_vendors_chart_is_that_of_its_programs_module_with_the_version_of_its_release(tmp_path: Path) -> None:
    for row in MODULE_CHARTS:
        pinned = module_version(REPO / "tools" / row.folder / "go.mod", row.module)
        assert pinned.removeprefix("v") == pins.CHARTS[row.chart].version.removeprefix("v"), row.chart
    row = MODULE_CHARTS[0]
    paths = paths_in(tmp_path)
    shutil.copytree(REPO / "tools" / row.folder, paths.repo / "tools" / row.folder)
    chart = tmp_path / "module" / row.path
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: lws\nversion: 0.1.0\nappVersion: v0.6.0\n")
    (chart / "templates" / "pod.yaml").write_text("kind: Pod\n")
    chart.chmod(0o555)  # as in the module cache
    go = Go(script(tmp_path / "bin" / "go", f"""echo '{{"Dir": "{tmp_path}/module"}}'"""))
    for _ in range(2):
        made = module_chart(row, paths, go)
        assert yaml.safe_load((made / "Chart.yaml").read_text()) == {
            "name": "lws",
            "version": "0.7.0",
            "appVersion": "v0.7.0",
        }
        assert (made / "templates" / "pod.yaml").read_text() == "kind: Pod\n"
    shutil.rmtree(made)
    chart.chmod(0o755)


def test_definitions_are_those_of_the_folders_that_the_vendors_chart_takes(tmp_path: Path) -> None:
    (row,) = [row for row in DEFINITIONS if row.chart == "kserve-crd"]
    paths, module = paths_in(tmp_path), tmp_path / "module"
    mine = paths.repo / "tools" / row.folder
    mine.mkdir(parents=True)
    (mine / "go.mod").write_text((REPO / "tools" / row.folder / "go.mod").read_text())
    for file in ("services.yaml", "clusterstoragecontainer/containers.yaml", "llmisvc/others.yaml"):
        (module / row.path / file).parent.mkdir(parents=True, exist_ok=True)
        (module / row.path / file).write_text("kind: CustomResourceDefinition\n")
    go = Go(script(tmp_path / "bin" / "go", f"""echo '{{"Dir": "{module}"}}'"""))
    folder = definitions(row, paths, go)
    assert sorted(file.name for file in folder.iterdir()) == ["containers.yaml", "services.yaml"]
    assert folder != definitions(replace(row, files="*.yaml"), paths, go), "another choice is kept apart"


def test_groups_stay_of_just_those_charts_that_have_their_definitions_where_helm_leaves_them() -> None:
    charts = {folder.name for folder in (REPO / "local" / "charts").iterdir()}
    stay = {row.chart for row in DEFINITIONS if row.chart in charts and (row.into == "crds" or row.kept)}
    assert {row.chart for row in DEFINITIONS if row.groups_left} == stay
    for row in DEFINITIONS:
        folder = REPO / ".tools" / "definitions" / row.chart
        groups = {
            yaml.safe_load(file.read_text())["spec"]["group"] for file in folder.glob("*.yaml") if row.groups_left
        }
        assert groups <= set(row.groups_left), row.chart


def test_definitions_lie_where_the_vendors_chart_has_them_and_are_kept_as_there() -> None:
    charts = {row.chart: row for row in DEFINITIONS if row.chart in known_definitions()}
    assert len(charts) > 5
    for name, row in charts.items():
        vendors = known_definitions()[name]
        if vendors.where != "none":  # else a file for its templates
            assert row.into == {"folder": "crds", "template": "templates"}[vendors.where], name
            assert row.kept is ("leaves them when it goes" in vendors.words), name


def test_definitions_that_a_release_keeps_tell_helm_so(tmp_path: Path) -> None:
    (row,) = [row for row in DEFINITIONS if row.kept]
    paths, module = paths_in(tmp_path), tmp_path / "module"
    mine = paths.repo / "tools" / row.folder
    mine.mkdir(parents=True)
    (mine / "go.mod").write_text((REPO / "tools" / row.folder / "go.mod").read_text())
    (module / row.path).mkdir(parents=True)
    (module / row.path / "rollouts.yaml").write_text(
        "kind: CustomResourceDefinition\nmetadata: {name: a, annotations: {b: c}}\n"
    )
    go = Go(script(tmp_path / "bin" / "go", f"""echo '{{"Dir": "{module}"}}'"""))
    (file,) = definitions(row, paths, go).iterdir()
    assert yaml.safe_load(file.read_text())["metadata"]["annotations"] == {"b": "c", "helm.sh/resource-policy": "keep"}
    assert definitions(row, paths, go) != definitions(replace(row, kept=False), paths, go)


def test_a_module_that_does_not_fit_its_sum_is_refused_with_gos_words(tmp_path: Path) -> None:
    go = Go(script(tmp_path / "bin" / "go", """echo '{"Error": "checksum mismatch"}'; exit 1"""))
    with pytest.raises(BuildFailed, match="checksum mismatch"):
        go.module_folder("crds", CRD_MODULE, tmp_path)


def test_a_module_that_go_mod_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("require example.org/thing v1.2.3\n")
    with pytest.raises(PlatformError, match=r"does not require example\.org/other"):
        module_version(tmp_path / "go.mod", "example.org/other")


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


def test_a_program_that_is_not_taken_is_named_with_its_version_and_the_wanted_one(tmp_path: Path) -> None:
    script(tmp_path / "thingd", "echo thing v1.1.9")
    installed = find_installed([TOOL], [str(tmp_path)])
    assert installed.programs == {}
    assert installed.passed_over == [f"{tmp_path}/thingd is 1.1.9, wanted is 1.2 or newer and below 2"]
    (line, *_) = plan_lines(installed, [TOOL], [TOOL])
    assert line == f"  not taken: {installed.passed_over[0]}"


def test_what_is_found_kept_and_built_is_said_before_it_starts(tmp_path: Path) -> None:
    other = Tool("other", "thing", "example.org/other", {"example.org/other": "otherd"})
    installed = Found({"third": tmp_path / "third"})
    assert plan_lines(installed, [TOOL, other], [other]) == [
        f"  found: {tmp_path}/third",
        "  kept from before: thingd",
        "  to build, once: otherd; Ctrl-C and run it again: it goes on where it was",
    ]
    assert plan_lines(installed, [TOOL, other], []) == []


def test_no_provider_is_built_where_the_users_own_plugins_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_names: list[str] = []
    monkeypatch.setattr("local.build.toolchain.find_go", lambda cache: Go(script(tmp_path / "go", "echo")))
    monkeypatch.setattr("local.build.toolchain.kept_in", lambda tool, *rest: tmp_path / tool.name)
    monkeypatch.setattr("local.build.toolchain.definitions", lambda *rest: tmp_path)
    monkeypatch.setattr(
        "local.build.toolchain.built", lambda tools, *rest: built_names.extend(t.name for t in tools) or {}
    )
    ensure_tools(paths_in(tmp_path), ["platform"], search="")
    assert "pulumi-resource-kubernetes" in built_names
    built_names.clear()
    monkeypatch.setenv("USE_INSTALLED_PROVIDERS", "1")
    ensure_tools(paths_in(tmp_path), ["platform"], search="")
    assert built_names
    assert "pulumi-resource-kubernetes" not in built_names
