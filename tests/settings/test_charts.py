"""A folder of charts: what `helm pull` and `helm pull --untar` leave, and what is broken."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.charts import FoundChart, charts_in, charts_of
from settings.read import read


def archive(path: Path, about: dict[str, Any], *others: str) -> None:
    """A chart's archive as `helm package` writes it."""
    with tarfile.open(path, "w:gz") as file:
        for name, text in [("Chart.yaml", yaml.safe_dump(about)), *((other, "x") for other in others)]:
            member = tarfile.TarInfo(f"{about['name']}/{name}")
            member.size = len(text)
            file.addfile(member, io.BytesIO(text.encode()))


def unpacked(folder: Path, about: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about))


def test_archives_and_unpacked_charts_are_found_by_what_they_say_they_are(tmp_path: Path) -> None:
    archive(tmp_path / "keda-2.20.2.tgz", {"name": "keda", "version": "2.20.2"})
    unpacked(tmp_path / "renamed", {"name": "gpu-operator", "version": "v26.7.0"})
    assert charts_in(str(tmp_path), Path("/")).charts == (
        FoundChart("keda", "2.20.2", f"{tmp_path}/keda-2.20.2.tgz"),
        FoundChart("gpu-operator", "v26.7.0", f"{tmp_path}/renamed"),
    )


def test_a_relative_folder_counts_from_where_the_program_runs_and_stays_as_written(tmp_path: Path) -> None:
    unpacked(tmp_path / "charts" / "keda", {"name": "keda", "version": "1.0.0"})
    assert [chart.path for chart in charts_in("./charts/", tmp_path).charts] == ["./charts/keda"]


def test_a_dependency_that_is_not_packed_is_missing(tmp_path: Path) -> None:
    needs = {"name": "stack", "version": "1.0.0", "dependencies": [{"name": "grafana"}, {"name": "prometheus"}]}
    archive(tmp_path / "a.tgz", needs, "charts/grafana/Chart.yaml", "charts/prometheus-node-exporter-4.5.6.tgz")
    unpacked(tmp_path / "b", needs)
    (tmp_path / "b" / "charts" / "prometheus").mkdir(parents=True)
    (tmp_path / "b" / "charts" / "grafana-12.11.1.tgz").touch()
    assert [chart.missing for chart in charts_in(str(tmp_path), Path("/")).charts] == [("prometheus",), ()]


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00cut off"])
def test_what_is_no_chart_is_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken-1.0.0.tgz").write_bytes(content)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder").mkdir()
    unpacked(tmp_path / "listed", {"name": ["x"]})
    (tmp_path / "unreadable").mkdir()
    (tmp_path / "unreadable" / "Chart.yaml").write_bytes(b"name: [\xff")
    assert charts_in(str(tmp_path), Path("/")).charts == ()


def test_a_folder_that_is_not_there_or_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert charts_in(f"{tmp_path}/none", Path("/")).problem == "is not there"
    assert charts_in(f"{tmp_path}/file", Path("/")).problem == "is no folder"


@pytest.mark.parametrize("source", ["oci://registry.example/charts", "https://charts.example", None])
def test_only_a_folder_is_looked_into(source: str | None) -> None:
    loaded = read({"registry": {"charts": source}}, "dev")
    assert loaded.problems == ()
    assert charts_of(loaded.settings, Path("/")) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("http://charts.example/x", "http can be altered on the way"),
        ("oci://user:word@registry.example/x", "credentials do not belong here"),
        ("https://user@charts.example", "credentials do not belong here"),
        ("charts", "write a folder"),
        ("file:///srv/charts", "write a folder"),
        ("oci://", "write a folder"),
        ("https://charts.example/x?a=b", "write a folder"),
        ("", "write a folder"),
    ],
)
def test_another_source_is_refused_with_the_three_that_there_are(written: str, said: str) -> None:
    *_, problem = read({"registry": {"charts": written}}, "dev").problems  # a password is told, too
    assert problem.path == "registry.charts"
    assert said in problem.text
    assert "oci://<registry>/<prefix> or https://<Helm repository>" in problem.text


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("/srv/charts/", "/srv/charts"),
        ("./charts", "./charts"),
        ("../charts", "../charts"),
        ("oci://123456789012.dkr.ecr.us-east-1.amazonaws.com/charts/", "oci://123456789012.dkr.ecr.us-east-1.amazonaws.com/charts"),
        ("https://charts.example:8443/api/helm", "https://charts.example:8443/api/helm"),
    ],
)  # fmt: skip
def test_a_source_is_read_without_its_last_slash(written: str, read_as: str) -> None:
    loaded = read({"registry": {"charts": written}}, "dev")
    assert loaded.problems == ()
    assert loaded.settings is not None
    assert loaded.settings.registry.charts == read_as
