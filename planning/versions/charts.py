"""Where each pinned chart is taken from: its own repository, a mirror, or what `registry.charts` says."""

from __future__ import annotations

from dataclasses import dataclass

from planning.findings import Findings, listed
from planning.model import ChartRef
from planning.versions import pins
from settings.addons import Registry
from settings.charts import ChartFolder

PATH = "registry.charts"
RULE = "chart-folder"


@dataclass(frozen=True)
class ChartSources:
    """`folder`: what is in the folder that `registry.charts` names; None where it is none or it was not read."""

    registry: Registry
    folder: ChartFolder | None = None

    def reference(self, name: str, findings: Findings) -> ChartRef:
        """The pinned chart; a folder that does not hold it at the pinned version is an error.

        `registry.charts` goes before `registry.mirror`, whose charts are `oci://<mirror>/charts/<name>`, as
        `helm push` puts them there. Without both it is the chart's own https repository.
        """
        pin, source = pins.CHARTS[name], self.registry.charts
        if source is None and self.registry.mirror is None and pin.repository.startswith("oci://"):
            return ChartRef(f"{pin.repository}/{pin.chart}", pin.version, None)
        if source is None and self.registry.mirror is None:
            return ChartRef(pin.chart, pin.version, pin.repository)
        if source is None:
            return ChartRef(f"oci://{self.registry.mirror}/charts/{pin.chart}", pin.version, None)
        if source.startswith("https://"):
            return ChartRef(pin.chart, pin.version, source)
        if source.startswith("oci://") or self.folder is None:
            return ChartRef(f"{source}/{pin.chart}", pin.version, None)
        return ChartRef(_path_in(self.folder, pin, findings), pin.version, None)


def _path_in(folder: ChartFolder, pin: pins.ChartPin, findings: Findings) -> str:
    oci = pin.repository.startswith("oci://")
    where = f"{pin.repository}/{pin.chart}" if oci else f"{pin.chart} --repo {pin.repository}"
    fix = f"run: helm pull {where} --version {pin.version} --destination {folder.path}"
    if folder.problem is not None:
        findings.error(PATH, RULE, f"{folder.path} {folder.problem}", f"name a folder that holds {pin.chart}; {fix}")
        return folder.path
    named = [chart for chart in folder.charts if chart.name == pin.chart]
    right = [chart for chart in named if chart.version == pin.version]
    if not right:
        there = listed(sorted(chart.version for chart in named))
        has = f"{pin.chart} {there} only" if named else f"no chart {pin.chart}"
        findings.error(PATH, RULE, f"{folder.path} holds {has}; {pin.version} is needed", fix)
        return folder.path
    complete = [chart for chart in right if not chart.missing]
    if not complete:
        lacks = f"{right[0].path} lacks charts that it depends on ({listed(right[0].missing)}), Helm refuses it"
        findings.error(PATH, RULE, lacks, f"run: helm dependency build {right[0].path}")
    return (complete or right)[0].path
