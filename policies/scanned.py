"""What scanners of Kubernetes objects said, in one form, beside what we say to it.

The scanners are checkov and kube-score; `make scan` runs them (preview/scan.py). An explanation is a row of
explained_findings.csv: it stands for a check on objects of a name, and says why the finding remains.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

EXPLANATIONS = Path(__file__).resolve().parent / "explained_findings.csv"
# kube-score's grades: 1 critical, 5 warning, 7 almost OK, 10 OK (github.com/zegl/kube-score, scorecard/grade.go).
CRITICAL, WARNING = 1, 5
# What each model's objects may keep. Best peer as shipped, 2026-11: 7 and 6 (KServe's preset).
CHECKOV_GOAL, KUBE_SCORE_GOAL = 3, 4


class ScanFailed(Exception):
    """A scanner did not say what it found."""


@dataclass(frozen=True, order=True)
class ScanFinding:
    """One thing that a scanner wants otherwise. `object`: `Deployment/qwen`; `where`: the container, if one is named.

    `counts`: whether it is of the kind that the goals count (kube-score's warnings are not). `namespace`: the object's;
    empty of what has none. `backend`: what serves the model whose object it is; empty of what models share.
    """

    object: str
    tool: str
    check: str
    where: str
    message: str
    counts: bool = True
    namespace: str = ""
    backend: str = ""


@dataclass(frozen=True)
class Explanation:
    """Why a finding remains. `object` is a pattern, `Deployment/*`, or with a namespace `keda/Deployment/*`; `backend`:
    of models that it serves only, empty: of all; `date` the day it was last thought over."""

    tool: str
    check: str
    object: str
    backend: str
    explanation: str
    source: str
    date: str

    def covers(self, finding: ScanFinding) -> bool:
        """Whether it speaks of this finding."""
        if (self.tool, self.check) != (finding.tool, finding.check) or self.backend not in ("", finding.backend):
            return False
        whole = finding.object if self.object.count("/") == 1 else f"{finding.namespace}/{finding.object}"
        return fnmatchcase(whole, self.object)


def checkov_findings(text: str, file: str) -> list[ScanFinding]:
    """The failed checks on one file of the folder that `checkov --framework kubernetes -o json` looked at.

    Raises ScanFailed for what is no report, and for files that checkov could not read.
    """
    report = _json("checkov", text)
    if isinstance(report, list):
        report = next((report_part for report_part in report if report_part.get("check_type") == "kubernetes"), {})
    if "results" not in report:
        raise ScanFailed("checkov looked at nothing")
    if unread := report["results"].get("parsing_errors"):
        raise ScanFailed(f"checkov could not read {', '.join(unread)}")
    findings = []
    for failed in report["results"]["failed_checks"]:
        if failed["file_path"].lstrip("/") != file:
            continue
        kind, _, rest = failed["resource"].partition(".")
        namespace, _, name = rest.partition(".")
        findings.append(
            ScanFinding(f"{kind}/{name}", "checkov", failed["check_id"], "", failed["check_name"], namespace=namespace)
        )
    return sorted(findings)


def kube_score_findings(text: str) -> list[ScanFinding]:
    """Criticals and warnings in `kube-score score -o json`, one for each comment. Raises ScanFailed for no report."""
    report = _json("kube-score", text)
    if not isinstance(report, list) or not report:
        raise ScanFailed("kube-score looked at nothing")
    findings = []
    for scored in report:
        name = f"{scored['type_meta']['kind']}/{scored['object_meta']['name']}"
        namespace = scored["object_meta"].get("namespace", "")
        for check in scored["checks"]:
            if check["skipped"] or check["grade"] > WARNING:
                continue
            critical = check["grade"] <= CRITICAL
            for comment in check["comments"] or [{"path": "", "summary": check["check"]["name"]}]:
                summary = comment["summary"]
                findings.append(
                    ScanFinding(name, "kube-score", check["check"]["id"], comment["path"], summary, critical, namespace)
                )
    return sorted(findings)


def _json(tool: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise ScanFailed(f"{tool} made no report: {text.strip()[:300] or '(nothing)'}") from None


def explanations(path: Path = EXPLANATIONS) -> list[Explanation]:
    """The table of explanations."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Explanation(**row) for row in csv.DictReader(file)]


def explained(finding: ScanFinding, table: Sequence[Explanation]) -> Explanation | None:
    """The row that speaks of a finding."""
    return next((explanation for explanation in table if explanation.covers(finding)), None)


def stale(findings: Iterable[ScanFinding], table: Sequence[Explanation]) -> list[Explanation]:
    """Rows that speak of nothing that was found."""
    findings_seen = list(findings)
    return [explanation for explanation in table if not any(explanation.covers(one) for one in findings_seen)]
