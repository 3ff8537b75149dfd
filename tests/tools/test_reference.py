"""Charts and definitions become data: keys, types and defaults stay, prose goes."""

from __future__ import annotations

from pathlib import Path

import yaml

from tools.reference import condensed_chart, condensed_definitions, without_descriptions


def test_a_chart_keeps_its_values_and_those_of_its_sub_charts(tmp_path: Path) -> None:
    (tmp_path / "charts" / "inner").mkdir(parents=True)
    (tmp_path / "values.yaml").write_text("# a comment\nreplicas: 1\ninner: {enabled: true}\n")
    (tmp_path / "charts" / "inner" / "values.yaml").write_text("enabled: false\n")
    (tmp_path / "charts" / "inner" / "values.schema.json").write_text('{"type": "object", "description": "words"}')
    assert condensed_chart(tmp_path) == {
        "values": {"replicas": 1, "inner": {"enabled": True}},
        "subCharts": {"inner": {"values": {"enabled": False}, "schema": {"type": "object"}}},
    }


def test_a_property_called_description_is_not_prose() -> None:
    schema = {"description": "words", "properties": {"description": {"type": "string", "description": "words"}}}
    assert without_descriptions(schema) == {"properties": {"description": {"type": "string"}}}


def test_every_version_of_a_definition_is_kept(tmp_path: Path) -> None:
    schema = {"openAPIV3Schema": {"type": "object"}}
    versions = [{"name": name, "schema": schema} for name in ("v1", "v1beta1")]
    file = tmp_path / "crd.yaml"
    file.write_text(
        yaml.safe_dump({"spec": {"group": "example.org", "names": {"kind": "Thing"}, "versions": versions}})
    )
    assert dict(condensed_definitions(file)) == {
        "example.org/v1/Thing": {"type": "object"},
        "example.org/v1beta1/Thing": {"type": "object"},
    }
