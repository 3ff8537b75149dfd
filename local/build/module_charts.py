"""A vendor's own chart out of the pinned module of its program (go.sum checks its content)."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from local.build.appearing import appearing
from local.build.chart_table import ModuleChart
from local.build.go import Go, module_version
from local.host.paths import Paths


def module_chart(row: ModuleChart, paths: Paths, go: Go) -> Path:
    """Folder with the chart, made in the cache if it is not there.

    As released: `helm package --version` writes the tag's version into its Chart.yaml, where the source has another.
    """
    folder = paths.repo / "tools" / row.folder
    version = module_version(folder / "go.mod", row.module)
    target = paths.cache / "charts" / f"{row.chart}-{version}"
    if not target.exists():
        source = go.module_folder("charts", row.module, folder) / row.path
        with appearing(target) as unfinished:
            for file in sorted(path for path in source.rglob("*") if path.is_file()):
                where = unfinished / file.relative_to(source)
                # Folders of the module cache may not be written: they are not copied as they are.
                where.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, where)
            metadata = unfinished / "Chart.yaml"
            numbers = {"version": version.removeprefix("v"), "appVersion": version}
            metadata.write_text(yaml.safe_dump(yaml.safe_load(metadata.read_text()) | numbers, sort_keys=False))
    return target
