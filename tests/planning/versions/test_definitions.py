"""Definitions (CRDs) of every pinned chart move with its version, by a way that our values switch on."""

from __future__ import annotations

from typing import Any

import pytest

from components.cluster.external_secrets import external_secrets_values
from components.cluster.gpu_operator import gpu_operator_values
from components.cluster.keda import keda_values
from components.cluster.operators.argo_rollouts import argo_rollouts_values
from components.cluster.operators.cert_manager import cert_manager_values
from components.cluster.prometheus_stack import UPGRADE_TAGS, prometheus_stack_values
from components.helm import release_arguments
from planning.facts import rows
from planning.model import ChartRef
from planning.versions import pins
from planning.versions.definitions import definitions, definitions_of
from tests.components.plans import ARGO_ROLLOUTS, CERT_MANAGER, EXTERNAL_SECRETS, GPU_OPERATOR, KEDA, MONITORING
from tests.reference_data import chart_values

OURS = {
    "kube-prometheus-stack": prometheus_stack_values(MONITORING),
    "gpu-operator": gpu_operator_values(GPU_OPERATOR),
    "keda": keda_values(KEDA),
    "cert-manager": cert_manager_values(CERT_MANAGER),
    "external-secrets": external_secrets_values(EXTERNAL_SECRETS),
    "argo-rollouts": argo_rollouts_values(ARGO_ROLLOUTS),
}


def looked_up(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def test_every_pinned_chart_has_a_row_and_no_other() -> None:
    assert set(definitions()) == set(pins.CHARTS)


@pytest.mark.parametrize("chart", [name for name, definition in definitions().items() if definition.value])
def test_the_way_is_switched_on_by_our_values_or_by_the_charts_default(chart: str) -> None:
    path = definitions()[chart].value
    default = looked_up(chart_values(chart), path)
    assert default is not None, f"{chart} has no value {'.'.join(path)}"
    ours = looked_up(OURS[chart], path)
    assert (default if ours is None else ours) is True


@pytest.mark.parametrize("chart", [name for name, definition in definitions().items() if definition.where == "folder"])
def test_no_folder_of_definitions_is_left_to_helm_which_would_never_change_them(chart: str) -> None:
    given = release_arguments(ChartRef(chart, "1.0.0", "https://charts.example.com"), chart, 600)
    row = definitions()[chart]
    # Where the chart has no way, a person is told the command, which the preview prints.
    by_hand = row.by == "hand" and "kubectl apply --server-side" in row.words
    assert row.by == "hook" or by_hand or given["skip_crds"] is True


@pytest.mark.parametrize("chart", sorted(definitions()))
def test_new_objects_are_not_held_against_old_definitions(chart: str) -> None:
    given = release_arguments(ChartRef(chart, "1.0.0", "https://charts.example.com"), chart, 600)
    assert given.get("disable_openapi_validation", False) is (definitions()[chart].by in ("hook", "hand"))


def test_the_jobs_images_are_pinned_and_listed_for_a_mirror() -> None:
    """The chart's own are `latest` and the cluster's version, which on EKS is no tag of kubectl's."""
    listed = {row["image"].rpartition("/")[2]: row["tag"] for row in rows("chart_images.csv")}
    tags = {name: listed[name] for name in ("busybox", "kubectl")}
    assert tags == UPGRADE_TAGS == {"busybox": pins.BUSYBOX.tag, "kubectl": pins.KUBECTL.tag}
    images = looked_up(OURS["kube-prometheus-stack"], ("crds", "upgradeJob", "image"))
    assert {name: image["tag"] for name, image in images.items()} == tags


@pytest.mark.parametrize(
    ("reference", "chart"),
    [
        ("keda", "keda"),
        ("oci://registry.example.com/mirror/charts/keda", "keda"),
        ("/srv/charts/kube-prometheus-stack-88.5.3.tgz", "kube-prometheus-stack"),
        ("./charts/gpu-operator/", "gpu-operator"),
        ("oci://public.ecr.aws/karpenter/karpenter-crd", "karpenter-crd"),
        ("/srv/karpenter-1.14.1.tgz", "karpenter"),
        ("karpenter-crd-1.14.1.tgz", "karpenter-crd"),
        ("kedalike", None),
        ("", None),
    ],
)
def test_a_chart_is_known_however_a_release_names_it(reference: str, chart: str | None) -> None:
    names = definitions_of(reference)
    assert (names.chart if names else None) == chart
