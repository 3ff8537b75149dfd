"""Reports of checkov 3.3.30 and kube-score 1.20.0, cut down to a few checks, and the table of explanations."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from policies.scanned import (
    Explanation,
    ScanFailed,
    ScanFinding,
    checkov_findings,
    explained,
    explanations,
    kube_score_findings,
    stale,
)
from settings.backends import Backend
from tests.conftest import REPO

FAILED: dict[str, Any] = {
    "check_id": "CKV_K8S_11",
    "check_name": "CPU limits should be set",
    "resource": "Deployment.models.qwen-2.5",
}
FAILED["file_path"] = "/dev.yaml"
PULL = ScanFinding("Deployment/qwen", "kube-score", "container-image-pull-policy", "vllm", "not Always")


def checkov(failed: list[dict[str, Any]], errors: list[str] | None = None) -> dict[str, Any]:
    results = {"failed_checks": failed, "parsing_errors": errors or []}
    return {"check_type": "kubernetes", "results": results, "summary": {"failed": len(failed)}}


def check(id_: str, grade: int, comments: list[dict[str, str]] | None, *, skipped: bool = False) -> dict[str, Any]:
    return {"check": {"id": id_, "name": id_.title()}, "grade": grade, "skipped": skipped, "comments": comments}


def kube_score(*checks: dict[str, Any]) -> str:
    made = {"type_meta": {"kind": "Deployment"}, "object_meta": {"name": "qwen", "namespace": "models"}}
    return json.dumps([{**made, "object_name": "Deployment/apps/v1/models/qwen", "checks": list(checks)}])


def test_a_failed_check_of_checkov_names_its_object_without_the_namespace() -> None:
    (finding,) = checkov_findings(json.dumps(checkov([FAILED, {**FAILED, "file_path": "/prod.yaml"}])), "dev.yaml")
    assert finding == ScanFinding(
        "Deployment/qwen-2.5", "checkov", "CKV_K8S_11", "", "CPU limits should be set", namespace="models"
    )


def test_checkov_may_report_several_frameworks() -> None:
    other = {"check_type": "secrets", "results": {"failed_checks": [{**FAILED, "check_id": "X"}]}}
    assert [finding.check for finding in checkov_findings(json.dumps([other, checkov([FAILED])]), "dev.yaml")] == [
        "CKV_K8S_11"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "made no report: (nothing)"),
        ("Traceback", "made no report: Traceback"),
        ('{"passed": 0, "failed": 0}', "looked at nothing"),
        (json.dumps(checkov([], ["/dev.yaml"])), "could not read /dev.yaml"),
    ],
)
def test_a_scanner_that_did_not_scan_is_not_taken_for_one_that_found_nothing(text: str, said: str) -> None:
    with pytest.raises(ScanFailed, match=said.replace("(", r"\(").replace(")", r"\)")):
        checkov_findings(text, "dev.yaml")


def test_kube_score_that_saw_no_object_is_refused() -> None:
    for text in ("", "[]", "null"):
        with pytest.raises(ScanFailed):
            kube_score_findings(text)


def test_each_critical_comment_of_kube_score_is_one_finding_and_a_warning_does_not_count() -> None:
    pull = [{"path": name, "summary": "not Always"} for name in ("download", "vllm")]
    findings = kube_score_findings(
        kube_score(
            check("container-image-pull-policy", 1, pull),
            check("label-values", 5, None),
            check("container-ports-check", 1, [{"path": "", "summary": "Skipped"}], skipped=True),
            check("stable-version", 10, None),
        )
    )
    assert [(finding.check, finding.where, finding.counts) for finding in findings] == [
        ("container-image-pull-policy", "download", True),
        ("container-image-pull-policy", "vllm", True),
        ("label-values", "", False),
    ]


def test_an_explanation_speaks_of_its_tool_check_and_objects_only() -> None:
    row = Explanation("kube-score", PULL.check, "Deployment/*", "", "a digest", "x", "2026-11-21")
    assert explained(PULL, [row]) is row
    for other in ({"tool": "checkov"}, {"check": "pod-probes-identical"}, {"object": "Job/*"}):
        assert explained(PULL, [Explanation(**{**vars(row), **other})]) is None


def test_an_explanation_with_a_namespace_speaks_of_objects_in_it_only() -> None:
    row = Explanation("kube-score", "x", "keda/Deployment/*", "", "a placeholder", "x", "2026-11-21")
    (found,) = kube_score_findings(kube_score(check("x", 1, None)))
    assert explained(found, [row]) is None
    assert explained(replace(found, namespace="keda"), [row]) is row


def test_an_explanation_of_a_backend_speaks_of_models_that_it_serves_only() -> None:
    row = Explanation("kube-score", PULL.check, "Deployment/*", "ray", "KubeRay's", "x", "2026-11-21")
    assert explained(PULL, [row]) is None
    assert explained(replace(PULL, backend="kserve"), [row]) is None
    assert explained(replace(PULL, backend="ray"), [row]) is row


def test_an_explanation_of_nothing_is_stale() -> None:
    rows = [
        Explanation("kube-score", PULL.check, "Deployment/*", "", "", "", ""),
        Explanation("kube-score", PULL.check, "Job/*", "", "", "", ""),
    ]
    assert stale([PULL], rows) == [rows[1]]


def test_no_explanation_stands_behind_a_wider_one_that_is_taken_before_it() -> None:
    rows = explanations()
    for number, row in enumerate(rows):
        *namespace, kind, name = row.object.split("/")
        finding = ScanFinding(f"{kind}/{name}", row.tool, row.check, "", "", True, "".join(namespace), row.backend)
        assert explained(finding, rows[: number + 1]) is row, row


def test_the_table_is_dated_says_why_and_points_at_files_that_exist() -> None:
    rows = explanations()
    keys = [(row.tool, row.check, row.object, row.backend) for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        assert row.tool in ("checkov", "kube-score")
        assert row.backend in ("", *Backend)
        assert len(row.explanation) > 20
        assert date.fromisoformat(row.date)
        assert row.source.startswith("https://") or (REPO / Path(row.source)).is_file()
