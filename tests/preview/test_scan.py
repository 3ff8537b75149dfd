"""`make scan`: which objects are scanned, how many replicas they have, and when the command fails."""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planning.model import StackPlan
from planning.plan import plan
from policies.scanned import Explanation, ScanFinding
from preview import scan
from preview.scan_objects import SHARED, ScannedStack, scanned_stack
from preview.scan_table import show
from settings.read import read
from tests.conftest import REPO
from tests.planning.stacks import REACHED

MODELS = [
    {"name": name, "source": "Qwen/Qwen2.5-7B-Instruct", "revision": "a09a35458c702b33eeacc393d103063234e8bc28"}
    for name in ("qwen", "other")
]
LEVEL = {"pod-security.kubernetes.io/enforce": "restricted"}
WHY = Explanation("checkov", "CKV_K8S_11", "Deployment/*", "", "tokenizing", "x", "2026-11-21")


@pytest.fixture(scope="module")
def planned() -> StackPlan:
    pool = {"name": "l4", "instanceTypes": ["g6.2xlarge"], "minNodes": 2, "maxNodes": 2}
    loaded = read({"cluster": REACHED, "nodePools": [pool], "models": MODELS}, "dev")
    assert loaded.settings is not None
    return plan(loaded.settings, "dev")


def registered(component: str, type_: str, kind: str, name: str, **inputs: Any) -> dict[str, Any]:
    parent = f"urn:pulumi:dev::vllm-on-eks::{component}" if component else ""
    metadata = {"name": name, "namespace": "models", **inputs.pop("metadata", {})}
    return {
        "type": f"kubernetes:{type_}:{kind}",
        "parent": parent,
        "inputs": {"apiVersion": type_, "kind": kind, "metadata": metadata, **inputs},
    }


QWEN = "vllm-on-eks:index:VllmModel::qwen"
RESOURCES = [
    registered("vllm-on-eks:index:ClusterServices$vllm-on-eks:index:ModelNamespace::models", "core/v1", "Namespace",
               "models", metadata={"labels": LEVEL}),
    registered(QWEN, "apps/v1", "Deployment", "qwen", spec={"template": {}}),
    registered("vllm-on-eks:index:VllmAutoscaler::qwen", "autoscaling/v2", "HorizontalPodAutoscaler", "qwen",
               spec={"minReplicas": 1, "maxReplicas": 1, "scaleTargetRef": {"name": "qwen"}}),
    registered("vllm-on-eks:index:VllmModel::other", "apps/v1", "Deployment", "other", spec={"replicas": 1}),
    registered("vllm-on-eks:index:GpuOperator::gpu-operator", "helm.sh/v3", "Release", "gpu-operator"),
    {"type": "aws:eks/cluster:Cluster", "parent": "", "inputs": {}},
]  # fmt: skip


def made(planned: StackPlan) -> ScannedStack:
    return scanned_stack("dev", planned, deepcopy(RESOURCES))


def test_the_programs_own_objects_are_scanned_and_belong_to_their_model(planned: StackPlan) -> None:
    stack = made(planned)
    assert stack.owners == {
        "Namespace/models": SHARED,
        "Deployment/qwen": "qwen",
        "HorizontalPodAutoscaler/qwen": "qwen",
        "Deployment/other": "other",
    }
    assert stack.pod_security == {"qwen": "restricted", "other": "restricted"}
    assert stack.kubernetes_version == planned.cluster.version  # type: ignore[union-attr]


def test_a_companion_is_counted_by_itself_and_each_finding_knows_its_backend(planned: StackPlan) -> None:
    labels = {"labels": {"app.kubernetes.io/component": "endpoint-picker"}}
    pods = {"template": {"metadata": labels}}
    picker = registered(QWEN, "apps/v1", "Deployment", "qwen-picker", metadata=labels, spec=pods)
    stack = scanned_stack("dev", planned, deepcopy([*RESOURCES, picker]))
    assert stack.groups() == ["qwen", "qwen endpoint-picker", "other", SHARED]
    assert stack.pod_security["qwen endpoint-picker"] == "restricted"
    assert stack.placed(cpu("qwen-picker")).backend == stack.placed(cpu()).backend == "deployment"
    assert stack.placed(replace(cpu(), object="Namespace/models")).backend == ""
    many = [replace(cpu("qwen-picker"), where=str(number)) for number in range(9)]
    assert told(stack, many, [WHY]), "explained, and the goals are of what serves"
    assert not told(stack, [replace(each, object="Deployment/qwen") for each in many], [WHY])


def test_there_are_two_replicas_where_they_are_said_and_nowhere_else(planned: StackPlan) -> None:
    objects = {f"{object_['kind']}/{object_['metadata']['name']}": object_ for object_ in made(planned).objects}
    scaling = objects["HorizontalPodAutoscaler/qwen"]["spec"]
    assert (scaling["minReplicas"], scaling["maxReplicas"]) == (2, 2)
    assert "replicas" not in objects["Deployment/qwen"]["spec"], "its autoscaler owns them"
    assert objects["Deployment/other"]["spec"]["replicas"] == 2


def told(stack: ScannedStack, scan_findings: list[ScanFinding], table: list[Explanation]) -> bool:
    return show([stack], {"dev": scan_findings}, table)


def cpu(name: str = "qwen", check: str = "CKV_K8S_11") -> ScanFinding:
    return ScanFinding(f"Deployment/{name}", "checkov", check, "", "CPU limits should be set")


def test_explained_findings_within_the_goals_are_fine(planned: StackPlan, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(made(planned), [cpu(), cpu("other")], [WHY])
    output = capsys.readouterr().out
    assert "dev qwen: checkov 1 (at most 3), kube-score 0 (at most 4), Pod Security restricted" in output
    assert output.count("tokenizing") == 1, "one row for both models"
    assert "stale" not in output


def test_a_finding_without_explanation_fails(planned: StackPlan, capsys: pytest.CaptureFixture[str]) -> None:
    assert not told(made(planned), [cpu(check="CKV_K8S_99")], [WHY])
    output = capsys.readouterr().out
    assert "NOT EXPLAINED" in output
    assert "1 finding is not explained" in output
    assert "stale here: checkov CKV_K8S_11" in output


def test_explanations_do_not_lift_the_goals(planned: StackPlan, capsys: pytest.CaptureFixture[str]) -> None:
    many = [ScanFinding("Deployment/qwen", "checkov", "CKV_K8S_11", str(at), "x") for at in range(4)]
    assert not told(made(planned), many, [WHY])
    assert "dev qwen: checkov 4 (at most 3), kube-score 0 (at most 4), Pod Security restricted  MISSES THE GOAL" in (
        capsys.readouterr().out
    )


def test_a_namespace_that_is_not_restricted_fails(planned: StackPlan) -> None:
    resources = deepcopy(RESOURCES)
    resources[0]["inputs"]["metadata"]["labels"] = {}
    assert not told(scanned_stack("dev", planned, resources), [], [])


def scanner(folder: Path, name: str, report: Any) -> str:
    """A program that prints a report and ends as scanners do when they found something."""
    program = folder / name
    program.write_text(f"#!{sys.executable}\nimport sys\nprint({json.dumps(report)!r})\nsys.exit(1)\n")
    program.chmod(0o755)
    return str(program)


def test_the_command_runs_both_scanners_on_what_was_rendered(
    planned: StackPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scan, "_rendered", lambda _root, _stack: made(planned))
    failed = {"check_id": "CKV_K8S_11", "check_name": "CPU", "resource": "Deployment.models.qwen",
              "file_path": "/dev.yaml"}  # fmt: skip
    checkov = {"check_type": "kubernetes", "results": {"failed_checks": [failed], "parsing_errors": []}}
    scored = [{"type_meta": {"kind": "Deployment"}, "object_meta": {"name": "qwen"}, "checks": []}]
    programs = ["--checkov", scanner(tmp_path, "c", checkov), "--kube-score", scanner(tmp_path, "k", scored)]
    assert scan.main(["dev", *programs]) == scan.FINE
    assert "CKV_K8S_11" in capsys.readouterr().out


def test_a_scanner_that_says_nothing_is_wrong_input_and_not_a_clean_result(
    planned: StackPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scan, "_rendered", lambda _root, _stack: made(planned))
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\necho broken >&2\n")
    silent.chmod(0o755)
    assert scan.main(["dev", "--checkov", str(silent), "--kube-score", str(silent)]) == scan.WRONG_INPUT
    assert "silent made no report: broken" in capsys.readouterr().err
    assert scan.main(["dev", "--checkov", "/nowhere/checkov"]) == scan.WRONG_INPUT
    assert "there is no /nowhere/checkov" in capsys.readouterr().err


def test_an_example_is_scanned_as_its_reader_has_it_and_all_are_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scan.prepared_stack(REPO, "kserve").file.stack == "kserve"
    assert not (REPO / "Pulumi.kserve.yaml").exists()
    names = scan.stack_names(REPO, ["dev", "all", "dev"])
    assert names[0] == "dev"
    assert names[1:] == sorted(file.name.split(".")[1] for file in (REPO / "examples").glob("Pulumi.*.yaml"))


def test_a_stack_that_does_not_exist_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = scanner(tmp_path, "p", {})
    assert scan.main(["nosuch", "--checkov", program, "--kube-score", program]) == scan.WRONG_INPUT
    assert "nosuch" in capsys.readouterr().err
