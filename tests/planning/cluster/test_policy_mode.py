"""Strict network policies: what the CNI is told, and what would ignore it."""

from __future__ import annotations

from typing import Any

import pytest

from planning.cluster.policy_mode import vpc_cni_configuration
from planning.model import CreateClusterPlan
from settings.read import read
from tests.planning.stacks import errors, planned, refusal

STRICT = {"networkPolicyMode": "strict"}


def cni(**cluster: Any) -> dict[str, Any]:
    cluster_plan = planned(cluster=cluster).cluster
    assert isinstance(cluster_plan, CreateClusterPlan)
    return next(addon.configuration for addon in cluster_plan.addons if addon.name == "vpc-cni")


def test_the_standard_mode_says_nothing_of_it() -> None:
    assert cni() == {"enableNetworkPolicy": "true"}
    assert cni(networkPolicyMode="standard") == {"enableNetworkPolicy": "true"}
    assert not planned().cluster.strict_policies


def test_the_strict_mode_is_in_the_add_ons_environment() -> None:
    assert cni(**STRICT) == vpc_cni_configuration(strict=True)
    assert cni(**STRICT)["env"] == {"NETWORK_POLICY_ENFORCING_MODE": "strict"}
    assert planned(cluster=STRICT).cluster.strict_policies


@pytest.mark.parametrize(
    ("pin", "known"), [("v1.17.1-eksbuild.1", True), ("v1.21.1-eksbuild.1", True), ("v1.17.0-eksbuild.9", False)]
)
def test_a_pinned_cni_has_to_know_the_mode(pin: str, known: bool) -> None:
    sections = {"cluster": {**STRICT, "addons": {"vpc-cni": pin}}}
    if known:
        assert planned(**sections).cluster.strict_policies
    else:
        assert pin in errors(refusal(**sections))["cluster.networkPolicyMode"]


def test_the_mode_of_somebody_elses_cluster_is_not_ours_to_say() -> None:
    network = {"kind": "existing", "vpcId": "vpc-0abc", "privateSubnetIds": ["subnet-0a", "subnet-0b"]}
    loaded = read({"cluster": {"kind": "existing", "name": "main", **STRICT}, "network": network}, "dev")
    (told,) = [problem.message for problem in loaded.problems if problem.path == "cluster.networkPolicyMode"]
    assert "only create has" in told
