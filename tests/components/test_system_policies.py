"""What lets the system's pods talk under strict network policies, and who waits for it."""

from __future__ import annotations

from components.cluster.cluster_autoscaler import RELEASE as AUTOSCALER
from components.cluster.karpenter.controller import RELEASE as KARPENTER
from components.cluster.system_policies import system_policy
from tests.components.samples import GOLDENS
from tests.engine import Engine
from tests.golden import as_yaml, assert_matches
from tests.program import run_program, sections_of

POLICY, ADDON = "kubernetes:networking.k8s.io/v1:NetworkPolicy", "aws:eks/addon:Addon"


def program(mode: str) -> Engine:
    sections = sections_of("dev")
    cluster = {**sections["cluster"], "networkPolicyMode": mode}
    return run_program({**sections, "cluster": cluster}, "dev", secrets={"grafanaPassword": "canary"})


def test_the_policy_is_as_its_golden() -> None:
    assert_matches(GOLDENS / "system-policy.yaml", as_yaml(system_policy()))


def test_releases_of_ours_in_the_namespace_stay_closed() -> None:
    (own,) = system_policy()["spec"]["podSelector"]["matchExpressions"]
    assert (own["operator"], own["values"]) == ("NotIn", [AUTOSCALER, KARPENTER])


def test_in_the_strict_mode_the_policy_is_there_before_coredns_and_after_the_access_entry() -> None:
    engine = program("strict")
    policy = engine.named("system-policies-policy")
    assert policy.inputs["metadata"]["namespace"] == "kube-system"
    late = [each for each in engine.all(ADDON) if each.inputs["addonName"] in ("coredns", "aws-ebs-csi-driver")]
    assert len(late) == 2
    assert all("system-policies-policy" in each.dependency_names for each in late)
    provider = engine.named("system-policies-kubernetes")
    assert any("access" in name for name in provider.dependency_names)
    assert not {"system-nodes", "addons-coredns"} & set(provider.dependency_names)


def test_in_the_standard_mode_there_is_none() -> None:
    names = {registration.name for registration in program("standard").registrations}
    assert not [name for name in names if name.startswith("system-policies")]
