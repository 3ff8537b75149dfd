"""How far versions may lie apart, and how far they may move at once."""

from __future__ import annotations

import pytest

from planning.versions.skew import distance_trouble, minor, newer_version, skews, step_trouble
from tests.planning.stacks import planned, refusal


@pytest.mark.parametrize(
    ("component", "version", "control_plane", "wrong"),
    [
        ("kubelet", "1.35", "1.35", None),
        ("kubelet", "1.32", "1.35", None),
        ("kubelet", "1.31", "1.35", "4 minors older"),
        ("kubelet", "1.36", "1.35", "is newer"),
        ("kube-proxy", "v1.36.0-eksbuild.2", "1.35", "is newer"),
        ("kube-proxy", "v1.31.7-eksbuild.1", "1.35", "at most 3 work"),
        ("kube-proxy", "v1.33.0-eksbuild.2", "1.35", None),
        ("coredns", "v1.12.4-eksbuild.1", "1.35", None),
        ("kubelet", "no version", "1.35", None),
    ],
)
def test_a_component_is_told_when_it_lies_too_far_away(
    component: str, version: str, control_plane: str, wrong: str | None
) -> None:
    trouble = distance_trouble(component, version, control_plane)
    assert trouble is None if wrong is None else wrong in str(trouble)


def test_the_control_plane_goes_up_one_minor_and_never_down() -> None:
    assert step_trouble("control plane", "1.34", "1.35") is None
    assert step_trouble("control plane", "1.35", "1.35") is None
    assert step_trouble("control plane", "1.33", "1.35") == (
        "control plane goes up 1 minor at a time, and 1.33 stands",
        "write 1.34 first",
    )
    assert step_trouble("control plane", "1.35", "1.34") == (
        "control plane never goes down, and 1.35 stands",
        "write 1.35",
    )
    assert newer_version("1.35") == "1.36"


def test_a_pinned_kube_proxy_of_another_kubernetes_is_refused() -> None:
    findings = refusal(cluster={"version": "1.35", "addons": {"kube-proxy": "v1.36.0-eksbuild.1"}})
    assert [(finding.path, finding.fix) for finding in findings if finding.rule == "version-skew"] == [
        ("cluster.addons.kube-proxy", "write a version of 1.35, or leave it out: EKS' own for the cluster's version "
                                      "follows it"),
    ]  # fmt: skip
    assert planned(cluster={"version": "1.35", "addons": {"kube-proxy": "v1.34.1-eksbuild.1"}}).cluster


def test_every_rule_has_its_source() -> None:
    assert all(skew.source.startswith("https://") for skew in skews().values())


@pytest.mark.parametrize("version", ["1.35", "v1.35.2-eksbuild.4", "1.35.4-20260505"])
def test_a_versions_minor_is_its_second_number(version: str) -> None:
    assert minor(version) == 35


def test_what_is_no_version_has_no_minor() -> None:
    with pytest.raises(ValueError, match="'latest' is no Kubernetes version"):
        minor("latest")
