"""The directory for Argo CD: the same each time, in an order that can be applied, and without any secret."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from planning.prepare import prepare
from preview.gitops import WAVE, main, rendered, write
from preview.recorder import record_program
from preview.report_model import ResourcePart
from tests.conftest import REPO
from tests.reference_data import custom_resource_validator

GIT = "https://git.example.com/platform.git"


@cache
def resources() -> tuple[ResourcePart, ...]:
    prepared = prepare(REPO, "dev", "2026-11-27")
    file = prepared.file
    recording = record_program(REPO, file.project, file.stack, prepared.config, prepared.secret_keys)
    return tuple(recording.resources)


def files() -> dict[str, str]:
    return rendered("dev", resources(), GIT, "clusters/dev")


def manifests(part: str = "") -> dict[str, dict[str, Any]]:
    return {name: yaml.safe_load(text) for name, text in files().items() if name.startswith(part) and ".yaml" in name}


def wave(manifest: dict[str, Any]) -> int:
    return int(manifest["metadata"]["annotations"][WAVE])


def test_it_is_the_same_in_whatever_order_resources_were_registered() -> None:
    assert rendered("dev", tuple(reversed(resources())), GIT, "clusters/dev") == files()


def test_applications_and_project_are_as_argo_cd_defines_them() -> None:
    made = [manifest for manifest in manifests().values() if manifest["apiVersion"].startswith("argoproj.io")]
    assert len(made) >= 5
    for each in made:
        validator = custom_resource_validator(each["apiVersion"], each["kind"])
        validator.validate({**each, "metadata": {}})
        assert each["metadata"]["namespace"] == "argocd"


def test_every_release_and_object_of_the_stack_is_there_or_said_to_stay() -> None:
    recorded = [
        resource for resource in resources() if resource["type"].startswith("kubernetes:") and not resource.get("read")
    ]
    left = files()["left-to-pulumi.txt"].splitlines()
    rendered_ones = len(manifests()) - len(("project.yaml", "applications/objects.yaml"))
    assert rendered_ones + len(left) == len(recorded)
    assert left == ["Secret monitoring/grafana-admin: a Secret: make it in the cluster, by External Secrets or by hand"]


def test_what_another_needs_is_in_an_earlier_wave() -> None:
    rendered = manifests()
    stack = rendered["applications/dev-kube-prometheus-stack.yaml"]
    assert wave(rendered["project.yaml"]) < wave(rendered["objects/namespace-monitoring.yaml"])
    assert wave(rendered["objects/namespace-monitoring.yaml"]) < wave(
        rendered["objects/monitoring-networkpolicy-within.yaml"]
    )
    assert wave(rendered["objects/monitoring-networkpolicy-within.yaml"]) < wave(stack), "no pod without its policies"
    assert wave(stack) < wave(rendered["objects/models-podmonitor-qwen.yaml"]), "kinds come with the release"
    assert wave(rendered["objects/models-serviceaccount-qwen.yaml"]) < wave(
        rendered["objects/models-deployment-qwen.yaml"]
    )


def test_a_release_keeps_its_chart_version_values_and_namespace() -> None:
    spec = manifests()["applications/dev-cluster-autoscaler.yaml"]["spec"]
    recorded = next(resource["inputs"] for resource in resources() if resource["name"] == "cluster-autoscaler-release")
    assert spec["source"] == {
        "repoURL": recorded["repositoryOpts"]["repo"],
        "chart": "cluster-autoscaler",
        "targetRevision": recorded["version"],
        "helm": {"releaseName": "cluster-autoscaler", "valuesObject": recorded["values"]},
    }
    assert spec["destination"]["namespace"] == "kube-system"
    project = manifests()["project.yaml"]["spec"]
    assert spec["source"]["repoURL"] in project["sourceRepos"]
    assert "kube-system" in {destination["namespace"] for destination in project["destinations"]}


def test_replicas_are_the_autoscalers_and_no_word_is_meant_for_pulumi() -> None:
    assert "replicas" not in manifests()["objects/models-deployment-qwen.yaml"]["spec"]
    assert manifests()["applications/objects.yaml"]["spec"]["ignoreDifferences"] == [
        {
            "group": "apps",
            "kind": "Deployment",
            "name": "qwen",
            "namespace": "models",
            "jsonPointers": ["/spec/replicas"],
        }
    ]
    assert "pulumi.com/" not in "".join(files().values())
    job = manifests()["objects/gpu-operator-job-gpu-smoke-test-l4.yaml"]
    assert "Replace=true" in job["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]


def test_replicas_that_nobody_else_writes_stay_argo_cds() -> None:
    """A model of a fixed size, beside one that scales: whoever changes its number by hand is overruled."""
    fixed = [{**resource, "ignoreChanges": []} for resource in resources()]
    for resource in fixed:
        if resource["name"] == "qwen-deployment":
            resource["inputs"] = {**resource["inputs"], "spec": {**resource["inputs"]["spec"], "replicas": 2}}
    made = rendered("dev", cast(list[ResourcePart], fixed), GIT, "clusters/dev")
    assert yaml.safe_load(made["objects/models-deployment-qwen.yaml"])["spec"]["replicas"] == 2
    assert "ignoreDifferences" not in yaml.safe_load(made["applications/objects.yaml"])["spec"]


def _resource(token: str, **inputs: Any) -> ResourcePart:
    urn = f"urn:{token}::{inputs.get('name') or inputs['metadata']['name']}"
    return cast("ResourcePart", {"urn": urn, "type": token, "name": "x", "parent": "", "inputs": inputs})


def test_what_holds_a_secret_or_what_only_an_update_knows_stays() -> None:
    given = [
        _resource("kubernetes:core/v1:ConfigMap", kind="ConfigMap", metadata={"name": "a"}, data={"k": "[secret]"}),
        _resource("kubernetes:core/v1:ConfigMap", kind="ConfigMap", metadata={"name": "b"}, data={"k": "[unknown]"}),
        _resource("kubernetes:core/v1:Secret", kind="Secret", metadata={"name": "c", "namespace": "n"}),
        _resource("aws:s3/bucket:Bucket", name="d"),
    ]
    made = rendered("dev", given, GIT, "dev")
    assert [name for name in made if name.startswith("objects/")] == []
    assert [line.partition(":")[0] for line in made["left-to-pulumi.txt"].splitlines()] == [
        "ConfigMap -/a", "ConfigMap -/b", "Secret n/c",
    ]  # fmt: skip


def test_a_chart_of_a_registry_is_named_without_its_scheme() -> None:
    resource = _resource(
        "kubernetes:helm.sh/v3:Release",
        name="envoy-gateway", namespace="gateway", chart="oci://docker.io/envoyproxy/gateway-helm", version="v1.9.0",
    )  # fmt: skip
    source = yaml.safe_load(rendered("dev", [resource], GIT, "dev")["applications/dev-envoy-gateway.yaml"])["spec"][
        "source"
    ]
    assert (source["repoURL"], source["chart"]) == ("docker.io/envoyproxy", "gateway-helm")


def test_a_second_run_takes_away_what_is_no_more(tmp_path: Path) -> None:
    write({"project.yaml": "a\n", "objects/old.yaml": "b\n"}, tmp_path)
    others = {"README.md", "values.yaml", "team/objects/theirs.yaml", "objects/more/theirs.yaml"}
    for name in others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("somebody's")
    write({"project.yaml": "c\n"}, tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"project.yaml", *others}


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "values.yaml").write_text("somebody's")
    assert main(["dev", "--out", str(tmp_path), "--repository", GIT]) == 2
    assert "it holds something else" in capsys.readouterr().err
    assert (tmp_path / "values.yaml").read_text() == "somebody's"


def test_a_project_of_somebody_elses_does_not_make_a_folder_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "project.yaml").write_text("somebody's")
    assert main(["dev", "--out", str(tmp_path), "--repository", GIT]) == 2
    assert "it holds something else" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["project.yaml"]


def test_a_stack_that_is_not_there_is_told_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["nothing", "--out", str(tmp_path), "--repository", GIT]) == 2
    assert "Pulumi.nothing.yaml" in capsys.readouterr().err
