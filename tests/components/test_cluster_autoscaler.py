"""The cluster-autoscaler's release, its role, and who comes before whom."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from components.cluster.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs, cluster_autoscaler_values
from planning.versions.autoscaler_tags import CLUSTER_AUTOSCALER_TAGS
from tests.components.plans import CLUSTER_AUTOSCALER, MIRROR
from tests.engine import Engine, record
from tests.golden import as_yaml, assert_matches

GOLDENS = Path(__file__).parent / "goldens"
TAGS = {"project": "vllm-on-eks", "stack": "dev"}


def recorded() -> Engine:
    def program() -> None:
        group = aws.sns.Topic("group")  # stands for a node group
        ClusterAutoscaler("scaler", ClusterAutoscalerArgs(CLUSTER_AUTOSCALER, "main", TAGS, (group,)))
        pulumi.export("done", True)

    return record(program)


def test_values_are_as_their_golden() -> None:
    assert_matches(GOLDENS / "cluster-autoscaler.values.yaml", as_yaml(cluster_autoscaler_values(CLUSTER_AUTOSCALER)))


def test_the_image_comes_from_the_mirror_with_the_minor_of_the_cluster() -> None:
    image = cluster_autoscaler_values(replace(CLUSTER_AUTOSCALER, mirror=MIRROR))["image"]
    assert image == {
        "repository": f"{MIRROR}/registry.k8s.io/autoscaling/cluster-autoscaler",
        "tag": CLUSTER_AUTOSCALER.image_tag,
    }


@pulumi.runtime.test
def test_the_image_follows_the_version_that_eks_tells_where_nobody_wrote_it() -> pulumi.Output[None]:
    unknown = replace(CLUSTER_AUTOSCALER, image_tag=None)
    tag = cluster_autoscaler_values(unknown, pulumi.Output.from_input("1.33"))["image"]["tag"]
    return tag.apply(lambda match: _is(match, CLUSTER_AUTOSCALER_TAGS["1.33"]))


def _is(expected: str, wanted: str) -> None:
    assert expected == wanted


def test_a_version_that_nobody_knows_is_no_guess() -> None:
    with pytest.raises(ValueError, match="follows its version"):
        cluster_autoscaler_values(replace(CLUSTER_AUTOSCALER, image_tag=None))


def test_without_monitoring_nothing_asks_for_its_kinds() -> None:
    values = cluster_autoscaler_values(replace(CLUSTER_AUTOSCALER, monitoring_namespace=None))
    assert values["serviceMonitor"] == {"enabled": False}


def test_the_release_is_named_and_pinned() -> None:
    release = recorded().only("kubernetes:helm.sh/v3:Release")
    values = [release.inputs[key] for key in ("name", "chart", "version", "namespace")]
    assert values == ["cluster-autoscaler", "cluster-autoscaler", "9.59.0", "kube-system"]


def test_its_service_account_has_its_role_before_its_pod_is_made() -> None:
    engine = recorded()
    association = engine.only("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    account = engine.only("kubernetes:helm.sh/v3:Release").inputs["values"]["rbac"]["serviceAccount"]["name"]
    assert association.inputs["serviceAccount"] == account
    assert (association.inputs["namespace"], association.inputs["clusterName"]) == ("kube-system", "main")
    assert association.inputs["roleArn"].startswith("arn:aws:iam::")
    assert "scaler-role" in association.dependency_names
    assert "scaler-policy" in association.depends_on
    release = engine.only("kubernetes:helm.sh/v3:Release")
    assert {"scaler-identity", "group"} <= release.depends_on


def test_it_changes_only_groups_of_its_own_cluster() -> None:
    policy = json.loads(recorded().only("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    changing = [s for s in policy["Statement"] if not all(":Describe" in a or ":Get" in a for a in s["Action"])]
    (only,) = changing
    assert sorted(only["Action"]) == [
        "autoscaling:SetDesiredCapacity",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
    ]
    assert only["Condition"] == {"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/main": "owned"}}


def test_what_stands_in_aws_is_tagged() -> None:
    engine = recorded()
    for type_ in ("aws:iam/role:Role", "aws:eks/podIdentityAssociation:PodIdentityAssociation"):
        assert TAGS.items() <= engine.only(type_).inputs["tags"].items()
