"""Custom resource definitions out of pinned modules (go.sum checks their content), for the stand-in charts."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from local.build.appearing import appearing
from local.build.chart_table import DefinitionFiles
from local.build.go import Go, module_version
from local.host.paths import Paths


def definitions(row: DefinitionFiles, paths: Paths, go: Go) -> Path:
    """Folder with a chart's definitions, made in the cache if it is not there.

    Without the fields' descriptions: these decide nothing, and with them Helm's record of the release is larger
    than the 1 MiB that a Secret may have.
    """
    folder = paths.repo / "tools" / row.folder
    version = module_version(folder / "go.mod", row.module)
    target = paths.cache / "crds" / f"{row.chart}-{version}-plain{_chosen(row)}"
    if not target.exists():
        source = go.module_folder("crds", row.module, folder) / row.path
        files = sorted({path for pattern in row.files.split() for path in source.glob(pattern)})
        with appearing(target) as unfinished:
            for path in files:
                _write_kinds(path, row, unfinished)
    return target


def _write_kinds(file: Path, row: DefinitionFiles, folder: Path) -> None:
    for number, crd in enumerate(yaml.load_all(file.read_text(), Loader=_CrdLoader)):
        if not isinstance(crd, dict) or crd.get("kind") != row.kind:
            continue
        if row.kept:
            crd["metadata"].setdefault("annotations", {})["helm.sh/resource-policy"] = "keep"
        name = file.name if number == 0 else f"{file.stem}-{number}.yaml"
        text = json.dumps(without_descriptions(crd), separators=(",", ":"))
        (folder / name).write_text(text + "\n")  # JSON is YAML, and ten times as fast to read


def _chosen(row: DefinitionFiles) -> str:
    """What tells one choice of files from another, where there are several patterns, and what is written into them;
    what is in the cache of one choice stays."""
    chosen = f"-{sha256(row.files.encode()).hexdigest()[:8]}" if " " in row.files else ""
    return f"{chosen}-kept" if row.kept else chosen


class _CrdLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with a plain `=` as text: a matcher's enum has it, and PyYAML knows no value for its YAML 1.1 meaning."""


_CrdLoader.add_constructor("tag:yaml.org,2002:value", _CrdLoader.construct_yaml_str)


def without_descriptions(schema: Any) -> Any:
    """A CRD without what `description` says of its fields; a field that is itself called so has a schema and stays."""
    if isinstance(schema, dict):
        return {
            key: without_descriptions(value)
            for key, value in schema.items()
            if not (key == "description" and isinstance(value, str))
        }
    return [without_descriptions(part) for part in schema] if isinstance(schema, list) else schema
