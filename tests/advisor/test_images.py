"""`planning images`: what a stack pulls, sub-charts included, and where its pods look for it behind a mirror."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.cluster.gpu_operator import gpu_operator_values
from components.cluster.operators.collector import IMAGE as COLLECTOR_IMAGE
from components.cluster.operators.open_cost import open_cost_values
from components.cluster.prometheus_stack import prometheus_stack_values
from components.serving.backends.production_stack import router_values
from planning.__main__ import main
from planning.facts import rows
from planning.versions import pins
from planning.versions.images import place_behind, stack_charts, stack_images
from planning.versions.mirroring import as_json, as_text
from planning.versions.pins import PROXY_IMAGE
from tests.components.plans import GPU_OPERATOR, MODEL, MONITORING, OPEN_COST, ROUTER
from tests.planning.stacks import model, planned, pool
from tests.reference_data import chart_values

MIRROR = "registry.example/mirror"


def names(**sections: Any) -> set[str]:
    return {use.image.rpartition("/")[2].partition(":")[0] for use in stack_images(planned(**sections))}


def test_a_stack_without_a_part_does_not_pull_its_images() -> None:
    whole = names()
    assert {"vllm-openai", "cuda", "grafana", "k8s-sidecar", "gpu-operator", "dcgm-exporter"} <= whole
    assert {"grafana", "k8s-sidecar"}.isdisjoint(names(monitoring={"grafana": {"enabled": False}}))
    assert "k8s-mig-manager" not in whole
    assert "keda" not in whole


def test_keda_and_mig_bring_theirs() -> None:
    cut = [pool(instanceTypes=["p4d.24xlarge"], diskGib=600, gpuSharing={"kind": "mig", "profile": "3g.20gb"})]
    assert "k8s-mig-manager" in names(nodePools=cut)
    woken = model(autoscaling={"kind": "keda", "maxReplicas": 1})
    assert {"keda", "keda-metrics-apiserver", "keda-admission-webhooks"} <= names(models=[woken])


def test_the_charts_name_those_that_are_packed_into_them() -> None:
    charts = {use.chart: use for use in stack_charts(planned())}
    assert dict(charts["kube-prometheus-stack"].inside).keys() == {
        "kube-state-metrics", "prometheus-node-exporter", "grafana",
    }  # fmt: skip
    assert dict(charts["gpu-operator"].inside) == {"node-feature-discovery": "0.19.0"}


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ("docker.io/vllm/vllm-openai:v0.33.0", "registry.example/mirror/vllm/vllm-openai:v0.33.0"),
        ("quay.io/prometheus/prometheus:v3", "registry.example/mirror/quay.io/prometheus/prometheus:v3"),
        ("docker.io/vllm/vllm-openai:v1@sha256:12", "registry.example/mirror/vllm/vllm-openai:v1"),
        ("registry.example/mirror/own:v1", "registry.example/mirror/own:v1"),
    ],
)
def test_an_image_stands_behind_the_mirror_where_pods_ask_for_it(image: str, place: str) -> None:
    assert place_behind(image, MIRROR) == place


def test_every_image_that_is_copied_is_one_that_the_mirrored_stack_names() -> None:
    """What our own pods ask for with the mirror set is what the commands put there."""
    with_mirror = planned(registry={"mirror": MIRROR})
    places = {place_behind(use.image, MIRROR) for use in stack_images(planned())}
    own = {model.image for model in with_mirror.models} | {t.image for t in with_mirror.gpu_operator.smoke_tests}  # type: ignore[union-attr]
    assert own <= places


def test_the_commands_copy_every_image_and_every_chart() -> None:
    document = as_json(planned(), MIRROR)
    text = "\n".join(as_text(document))
    assert all(use.image in text for use in stack_images(planned()))
    assert text.count("crane copy ") == len(document["images"])
    assert text.count(f"oci://{MIRROR}/charts") == len(document["charts"]) == text.count("helm pull ")
    assert "helm registry login registry.example" in text
    assert all(image["copy"] is None for image in as_json(planned(), None)["images"])


def test_a_chart_of_an_oci_registry_is_pulled_by_its_whole_address() -> None:
    pool = {"name": "l4", "kind": "karpenter", "instanceTypes": ["g6.xlarge"], "amiReleaseVersion": "1.35.4-20260505"}
    document = as_json(planned(nodePools=[pool]), MIRROR)
    assert "public.ecr.aws/karpenter/controller:1.14.1" in {image["image"] for image in document["images"]}
    commands = {chart["chart"]: chart["copy"] for chart in document["charts"]}
    for chart in ("karpenter", "karpenter-crd"):
        assert commands[chart] == [
            f"helm pull oci://public.ecr.aws/karpenter/{chart} --version 1.14.1",
            f"helm push {chart}-1.14.1.tgz oci://{MIRROR}/charts",
        ]


def test_the_command_reads_a_stack_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["images", "--stack", "dev", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {chart["chart"] for chart in document["charts"]} >= {"gpu-operator", "kube-prometheus-stack"}
    assert main(["images", "--stack", "nowhere"]) == 2


def _written(values: Any) -> set[tuple[str, str]]:
    """(image, tag) of every image in a chart's values; tag empty where the chart takes its own version."""
    if isinstance(values, list):
        return {pair for value in values for pair in _written(value)}
    if not isinstance(values, dict):
        return set()
    pairs = {pair for value in values.values() for pair in _written(value)}
    repository = values.get("repository")
    if isinstance(repository, str) and repository:
        registry = f"{values['registry']}/" if values.get("registry") else ""
        image = f"/{values['image']}" if isinstance(values.get("image"), str) else ""
        tag, _, _ = str(values.get("tag") or values.get("version") or "").partition("@")  # a copy keeps the digest
        pairs.add((_with_host(f"{registry}{repository}{image}"), tag))
    return pairs | _written_otherwise(values)


def _with_host(image: str) -> str:
    return image if "." in image.partition("/")[0] else f"docker.io/{image}"


def _written_otherwise(values: dict[str, Any]) -> set[tuple[str, str]]:
    """An image as one text; and cert-manager's, whose parts have a name below one registry for all of them."""
    image_names = set()
    for key in ("image", "rbacProxyImage"):
        if isinstance(values.get(key), str) and "/" in values[key]:
            name, _, tag = values[key].partition(":")
            image_names.add((_with_host(name), tag or str(values.get("tag", ""))))
    if "imageNamespace" in values:
        place = f"{values['imageRegistry']}/{values['imageNamespace']}"
        parts = [values, *(value for value in values.values() if isinstance(value, dict))]
        images = [part["image"] for part in parts if isinstance(part.get("image"), dict)]
        image_names |= {(f"{place}/{image['name']}", "") for image in images}
    return image_names


# Definitions only.
WITHOUT_PODS = {"karpenter-crd", "kserve-crd"}
# Ours is chosen by the cluster's version; Karpenter writes tag and digest when it publishes, its source has older ones.
# vllm-stack says latest; its release workflow pushes v<chart version>, too.
# The Job that brings definitions has `latest` and the cluster's version (planning/versions/pins.py).
OTHER_TAGS = (
    "lws/lws",  # main in the chart's source; our values say it
    *("cluster-autoscaler", "karpenter/controller", "lmstack-router"),
    *("docker.io/busybox", "registry.k8s.io/kubectl"),
)


@pytest.mark.parametrize("chart", sorted(set(pins.CHARTS) - WITHOUT_PODS))
def test_the_table_says_what_the_charts_values_say(chart: str) -> None:
    written = dict(_written(chart_values(chart)))
    of_chart = [row for row in rows("chart_images.csv") if row["chart"] == chart and not row["sub_chart"]]
    assert of_chart
    for row in of_chart:
        if row["image"] == "docker.io/envoyproxy/envoy":  # built into the controller; our values say it
            assert f"{row['image']}:{row['tag']}" == PROXY_IMAGE
            continue
        if row["image"] == f"docker.io/{COLLECTOR_IMAGE}":  # the chart names none; our values say it
            continue
        assert row["image"] in written
        assert written[row["image"]] in ("", row["tag"]) or row["image"].endswith(OTHER_TAGS)


OUR_VALUES: dict[str, Any] = {
    "argo-rollouts": {},
    "gpu-operator": gpu_operator_values(GPU_OPERATOR),
    "kube-prometheus-stack": prometheus_stack_values(MONITORING),
    "kserve-resources": {},
    "opencost": open_cost_values(OPEN_COST),
    "vllm-stack": router_values(MODEL, ROUTER),
}


def _at(values: Any, path: str) -> Any:
    for part in path.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


OFF = {(row["chart"], row["image"]): row for row in rows("chart_images_off.csv")}


@pytest.mark.parametrize("chart", sorted(set(pins.CHARTS) - WITHOUT_PODS))
def test_every_image_in_a_charts_values_is_listed_or_switched_off_with_a_reason(chart: str) -> None:
    listed = {row["image"] for row in rows("chart_images.csv") if row["chart"] == chart}
    written = {image for image, _ in _written(chart_values(chart))}
    assert written - listed == {image for name, image in OFF if name == chart}


@pytest.mark.parametrize("row", OFF.values(), ids=lambda row: f"{row['chart']}-{row['image']}")
def test_what_is_not_listed_is_off_where_the_table_says_so(row: dict[str, str]) -> None:
    if not row["off"]:
        assert row["why"]
        return
    ours, theirs = _at(OUR_VALUES[row["chart"]], row["off"]), _at(chart_values(row["chart"]), row["off"])
    assert (theirs if ours is None else ours) is False


def test_the_table_is_of_the_pinned_charts() -> None:
    assert {row["chart"] for row in rows("chart_images.csv")} == set(pins.CHARTS) - WITHOUT_PODS
