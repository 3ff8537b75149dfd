"""The Stages by which KWOK plays kubelet."""

from __future__ import annotations

from pathlib import Path

import yaml

from local.nodes.kwok import STAGES, kwok, stages
from tests.local.places import paths_in


def by_name(cold_start_seconds: float) -> dict[str, dict[str, object]]:
    return {stage["metadata"]["name"]: stage["spec"] for stage in stages(cold_start_seconds)}


def test_the_manifests_are_valid_yaml_of_stages() -> None:
    documents = list(yaml.safe_load_all(STAGES.read_text()))
    assert [document["kind"] for document in documents] == ["Stage"] * len(documents)
    assert {document["apiVersion"] for document in documents} == {"kwok.x-k8s.io/v1alpha1"}


def test_model_servers_have_their_own_cold_start_and_no_pod_has_two() -> None:
    stages = by_name(4.5)
    assert stages["model-server-ready"]["delay"] == {"durationMilliseconds": 4500}
    assert stages["pod-ready"]["delay"] == {"durationMilliseconds": 1000}
    assert stages["model-server-ready"]["next"] == stages["pod-ready"]["next"]
    label = "app.kubernetes.io/component"
    others = {"key": f'.metadata.labels["{label}"]', "operator": "NotIn", "values": ["model-server"]}
    assert stages["model-server-ready"]["selector"]["matchLabels"] == {label: "model-server"}  # type: ignore[index]
    assert others in stages["pod-ready"]["selector"]["matchExpressions"]  # type: ignore[index]
    assert others not in stages["model-server-ready"]["selector"]["matchExpressions"]  # type: ignore[index]


def test_a_leader_of_a_group_only_starts_since_its_engine_says_when_it_is_ready() -> None:
    stages = by_name(4.5)
    leader = stages["group-leader-started"]
    assert leader["selector"]["matchLabels"] == {  # type: ignore[index]
        "app.kubernetes.io/component": "model-server",
        "leaderworkerset.sigs.k8s.io/worker-index": "0",
    }
    template = leader["next"]["statusTemplate"]  # type: ignore[index]
    assert 'status: "False", type: Ready}' in template
    of_groups = {"key": '.metadata.labels["leaderworkerset.sigs.k8s.io/worker-index"]', "operator": "DoesNotExist"}
    assert of_groups in stages["model-server-ready"]["selector"]["matchExpressions"]  # type: ignore[index]


def test_jobs_complete_and_pods_go() -> None:
    assert {"pod-complete", "pod-delete", "node-initialize"} <= by_name(6).keys()


def test_another_cold_start_makes_kwok_start_anew(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    digests = [kwok(paths, {"kwok": 1}, seconds).digest() for seconds in (6, 6, 7)]
    assert digests[0] == digests[1]
    assert digests[1] != digests[2]


def test_an_image_of_a_registry_that_cannot_exist_is_never_pulled() -> None:
    stage = by_name(6)["pod-image-unpullable"]
    assert stage["weight"] == 1, "it wins over pod-ready and model-server-ready"
    status = stage["next"]["statusTemplate"]  # type: ignore[index]
    assert "ImagePullBackOff" in status
    assert "Now" not in status, "the same status again must be no change, or it fires forever"


def test_with_a_real_engine_kwok_only_starts_the_containers_of_servers() -> None:
    simulated, real = by_name(6), {s["metadata"]["name"]: s["spec"] for s in stages(6, real_engine=True)}
    assert real.keys() - simulated.keys() == {"model-server-started"}
    assert simulated.keys() - real.keys() == {"model-server-ready"}
    template = real["model-server-started"]["next"]["statusTemplate"]
    containers = template.split("{{ if .spec.initContainers }}")[0]
    for each in ("ready", "started"):
        assert f"{each}: false" in containers
        assert f"{each}: true" not in containers
    for kind in ("Ready", "ContainersReady"):
        assert f'status: "False", type: {kind}}}' in template
        assert f'status: "True", type: {kind}}}' not in template
    assert 'status: "True", type: Initialized}' in template
    assert real["pod-ready"] == simulated["pod-ready"], "other pods are as before"
