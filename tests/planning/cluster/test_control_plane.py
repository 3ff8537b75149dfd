from __future__ import annotations

import pytest

from planning.cluster.control_plane import SUPPORT, access_policy_arn, addons, in_extended_support
from planning.model import Severity
from settings.cluster import AccessPolicy
from tests.planning.stacks import errors, planned, refusal, rules


def test_network_policies_are_enforced() -> None:
    cni = next(addon for addon in addons("us-east-1", {}, "1.35") if addon.name == "vpc-cni")
    assert cni.configuration == {"enableNetworkPolicy": "true"}
    assert not cni.after_nodes


def test_the_ebs_driver_has_its_role_by_pod_identity() -> None:
    driver = next(
        addon
        for addon in addons("cn-north-1", {"stack": "dev", "odd=key": "x", "odd": "a=b"}, "1.35")
        if addon.name == "aws-ebs-csi-driver"
    )
    assert driver.pod_identity_policy_arn == "arn:aws-cn:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
    assert driver.service_account == "ebs-csi-controller-sa"
    assert driver.configuration == {"controller": {"extraVolumeTags": {"stack": "dev"}}}


@pytest.mark.parametrize("policy", [each for each in AccessPolicy if each is not AccessPolicy.NONE])
def test_every_access_policy_has_an_arn(policy: AccessPolicy) -> None:
    arn = access_policy_arn(policy, "us-east-1")
    assert arn.startswith("arn:aws:eks::aws:cluster-access-policy/AmazonEKS")


def test_the_logs_of_who_did_what_by_default() -> None:
    cluster = planned().cluster
    assert cluster.log_types == ("api", "audit", "authenticator")
    assert cluster.name == "vllm-on-eks-dev"


def test_extended_support_is_told_and_priced() -> None:
    assert in_extended_support("1.33")
    assert not in_extended_support("1.35")
    plan = planned(cluster={"version": "1.33"})
    assert "kubernetes-version" in rules(plan.findings, Severity.WARNING)
    control_plane = next(line for line in plan.cost.lines if line.what == "EKS control plane")
    assert control_plane.max_usd_per_hour == 0.60


def test_a_version_that_left_eks_or_that_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from planning.cluster.control_plane import SupportWindow

    for unknown, near in (("1.39", "'1.35'"), ("1.99", "'1.35'"), ("1.27", "'1.31'")):
        assert near in errors(refusal(cluster={"version": unknown}))["cluster.version"]
    monkeypatch.setitem(SUPPORT, "1.29", SupportWindow("2025-03-23", "2026-03-23"))
    assert "1.29 left EKS on 2026-03-23" in errors(refusal(cluster={"version": "1.29"}))["cluster.version"]


def test_a_principal_has_one_entry_and_cluster_admin_no_namespaces() -> None:
    arn = "arn:aws:iam::123456789012:role/ops"
    refused = errors(
        refusal(
            cluster={
                "accessEntries": [
                    {"principalArn": arn, "policy": "clusterAdmin", "namespaces": ["models"]},
                    {"principalArn": arn},
                ]
            }
        )
    )
    assert "policy: admin" in refused["cluster.accessEntries[0].policy"]
    assert "cluster.accessEntries[0]" in refused["cluster.accessEntries[1].principalArn"]


def test_a_stack_whose_name_makes_no_cluster_name_must_name_it() -> None:
    findings = refusal("dev.eu")
    assert "write cluster: {name: ...}" in errors(findings)["cluster.name"]


def test_the_default_version_is_in_standard_support_for_months() -> None:
    version = planned().cluster.version
    assert not in_extended_support(version)
    assert not in_extended_support(version, "2027-03-01"), "a new stack would soon pay six times as much"


KEY = "arn:{partition}:kms:{region}:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_arns_lie_in_the_stacks_partition_and_a_key_in_its_region() -> None:
    entry = {"principalArn": "arn:aws-cn:iam::123456789012:role/ops"}
    assert "partition" in errors(refusal(cluster={"accessEntries": [entry]}))["cluster.accessEntries[0].principalArn"]
    elsewhere = KEY.format(partition="aws", region="eu-west-1")
    assert "must be in the cluster's region" in errors(refusal(cluster={"kmsKeyArn": elsewhere}))["cluster.kmsKeyArn"]
    assert planned(cluster={"kmsKeyArn": KEY.format(partition="aws", region="us-east-1")})


@pytest.mark.parametrize(
    ("region", "near"), [("us-esat-1", "us-east-1"), ("eu-central-9", "eu-central-"), ("xx-x-1", "")]
)
def test_a_region_that_aws_does_not_have_is_refused_with_the_nearest(region: str, near: str) -> None:
    assert near in errors(refusal(region=region))["region"]
