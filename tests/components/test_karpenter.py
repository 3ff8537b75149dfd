"""Karpenter: releases, rights, queue, pools; who comes before whom, and who goes before whom."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.cluster.karpenter import policies
from components.cluster.karpenter.controller import karpenter_values
from components.cluster.karpenter.gpu_pool import GpuPoolArgs
from components.cluster.karpenter.interruptions import ANNOUNCEMENTS
from components.cluster.karpenter.manifests import ec2_node_class, node_overlay, node_pool
from tests.components.plans import KARPENTER, KARPENTER_NODES, MIRROR
from tests.components.rendered import of_karpenter
from tests.components.samples import GPU_NODES, once
from tests.components.test_aws_life import ADDRESS, REGION, account, late_kubernetes, up
from tests.engine import Engine
from tests.golden import as_yaml, assert_matches
from tests.moto_engine import moto_account
from tests.program import CANARIES, example, run_program

GOLDENS = Path(__file__).parent / "goldens"
PLACE = policies.AccountPlace("aws", "eu-central-1", "main", spot=True)
NODE_ROLE = "arn:aws:iam::111122223333:role/node-role"
PROFILE = "arn:aws:iam::111122223333:instance-profile/karpenter"
QUEUE = "arn:aws:sqs:eu-central-1:111122223333:karpenter"
RULES = ("arn:aws:events:eu-central-1:111122223333:rule/a", "arn:aws:events:eu-central-1:111122223333:rule/b")
RELEASE = "kubernetes:helm.sh/v3:Release"
DOCUMENTS = {
    "karpenter_launching": policies.launching(PLACE),
    "karpenter_looking": policies.looking(PLACE),
    "karpenter_passing": policies.passing(PLACE, NODE_ROLE, PROFILE, QUEUE),
    "karpenter_queue": policies.queue_policy(QUEUE, RULES),
}
# Actions that know no resource, as AWS' service authorization reference has them, or whose resource nobody can name.
UNBOUND = ("ec2:Describe", "pricing:GetProducts", "iam:ListInstanceProfiles")


def recorded() -> Engine:
    secrets = {"grafanaPassword": CANARIES["grafanaPassword"]}
    return once("karpenter", lambda: run_program(example("karpenter"), "karpenter", secrets=secrets))


def statements(name: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(DOCUMENTS[name])["Statement"]
    return statements


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_iam_documents_are_as_reviewed(name: str) -> None:
    assert_matches(GOLDENS / "iam" / f"{name}.json", json.dumps(json.loads(DOCUMENTS[name]), indent=2) + "\n")


def test_values_are_as_their_golden() -> None:
    assert_matches(GOLDENS / "karpenter.values.yaml", as_yaml(karpenter_values(KARPENTER, "karpenter-queue")))


def test_overlays_are_an_alpha_feature_and_on_for_pools_that_need_them_only() -> None:
    gates = karpenter_values(KARPENTER, "queue")["settings"]["featureGates"]
    assert "nodeOverlay" not in gates
    told = karpenter_values(replace(KARPENTER, overlays=True), "queue")["settings"]["featureGates"]
    assert told == {**gates, "nodeOverlay": True}
    assert node_overlay(KARPENTER_NODES) is None


@pytest.mark.parametrize("what", sorted(of_karpenter()))
def test_what_karpenter_reads_is_as_its_golden(what: str) -> None:
    assert_matches(GOLDENS / f"{what}.yaml", as_yaml(of_karpenter()[what]))


def test_from_a_mirror_comes_the_controllers_image_too() -> None:
    image = karpenter_values(replace(KARPENTER, mirror=MIRROR), "queue")["controller"]["image"]
    assert image == {"repository": f"{MIRROR}/public.ecr.aws/karpenter/controller"}


def test_every_right_names_resources_or_holds_under_a_condition_that_does() -> None:
    for name in ("karpenter_launching", "karpenter_looking", "karpenter_passing"):
        for statement in statements(name):
            if statement["Resource"] == ["*"]:
                assert all(action.startswith(UNBOUND) for action in statement["Action"]), statement["Sid"]
            assert "*" not in [action.split(":")[1] for action in statement["Action"]], statement["Sid"]


def test_it_ends_and_changes_only_what_is_this_clusters() -> None:
    owned = "aws:ResourceTag/kubernetes.io/cluster/main"
    for statement in statements("karpenter_launching"):
        if {"ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"} & set(statement["Action"]):
            assert statement["Condition"]["StringEquals"] == {owned: "owned"}
            assert statement["Condition"]["StringLike"] == {"aws:ResourceTag/karpenter.sh/nodepool": "*"}


def test_it_makes_no_roles_and_no_profiles_and_passes_one_role_to_ec2_only() -> None:
    every = [action for name in DOCUMENTS for statement in statements(name) for action in statement["Action"]]
    made = {action for action in every if action.startswith("iam:") and "Get" not in action and "List" not in action}
    assert made == {"iam:PassRole", "iam:CreateServiceLinkedRole"}
    (passed,) = (statement for statement in statements("karpenter_passing") if "iam:PassRole" in statement["Action"])
    assert (passed["Resource"], passed["Condition"]) == (
        [NODE_ROLE],
        {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com"]}},
    )


def test_the_role_of_spot_is_asked_for_only_where_a_pool_may_be_spot() -> None:
    assert "spot.amazonaws.com" in DOCUMENTS["karpenter_launching"]
    assert "CreateServiceLinkedRole" not in policies.launching(replace(PLACE, spot=False))


def test_all_rights_together_are_short_enough_for_one_role() -> None:
    names = ("karpenter_launching", "karpenter_looking", "karpenter_passing")
    assert sum(len("".join(DOCUMENTS[name].split())) for name in names) < 10_240  # IAM: inline policies of a role


def test_every_announcement_has_a_rule_that_writes_into_the_queue_and_may() -> None:
    engine = recorded()
    patterns = [json.loads(each.inputs["eventPattern"]) for each in engine.all("aws:cloudwatch/eventRule:EventRule")]
    assert sorted((p["source"][0], p["detail-type"][0]) for p in patterns) == sorted(ANNOUNCEMENTS.values())
    targets = engine.all("aws:cloudwatch/eventTarget:EventTarget")
    assert len(targets) == len(ANNOUNCEMENTS)
    policy = json.loads(engine.only("aws:sqs/queuePolicy:QueuePolicy").inputs["policy"])
    (let_in,) = (each for each in policy["Statement"] if each["Effect"] == "Allow")
    let_in_rules = [
        arn.rsplit("/", 1)[-1].rsplit("-", 1)[0] for arn in let_in["Condition"]["ArnEquals"]["aws:SourceArn"]
    ]
    assert sorted(let_in_rules) == sorted(f"karpenter-interruptions-{what}-rule" for what in ANNOUNCEMENTS)
    for target in targets:
        assert target.inputs["arn"] == let_in["Resource"]
        assert "karpenter-interruptions-queue" in target.dependency_names
        assert "karpenter-interruptions-queue-policy" in target.depends_on


def test_the_controller_reads_the_queue_that_was_made_with_an_identity_that_it_has_before_it_starts() -> None:
    engine = recorded()
    release = engine.named("karpenter-release")
    assert release.inputs["values"]["settings"]["interruptionQueue"].startswith("karpenter-interruptions-queue-")
    identities = engine.all("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    (own,) = (identity for identity in identities if identity.inputs["serviceAccount"] == "karpenter")
    assert release.inputs["values"]["serviceAccount"]["name"] == "karpenter"
    assert own.inputs["namespace"] == release.inputs["namespace"] == "kube-system"
    rights = {"karpenter-launching", "karpenter-looking", "karpenter-passing"}
    assert rights <= own.depends_on
    assert {"karpenter-identity", "karpenter-crd-release", *rights} <= release.depends_on
    assert release.inputs["skipCrds"] is True


def test_the_class_names_what_the_stack_made() -> None:
    engine = recorded()
    spec = engine.only("EC2NodeClass").inputs["spec"]
    profile = engine.only("aws:iam/instanceProfile:InstanceProfile")
    assert spec["instanceProfile"].startswith("karpenter-node-profile-")
    assert profile.inputs["role"].startswith("node-role-role")
    of_class = engine.only("EC2NodeClass").dependency_names
    private = {each.name for each in engine.all("aws:ec2/subnet:Subnet") if "private" in each.name}
    assert private | {"cluster-cluster", "karpenter-node-profile"} <= of_class
    assert len(spec["subnetSelectorTerms"]) == len(private)
    assert all(term["id"].startswith("subnet-") for term in spec["subnetSelectorTerms"])
    assert [term["id"][:3] for term in spec["securityGroupSelectorTerms"]] == ["sg-"]


def test_a_busy_gpu_is_never_consolidated_and_an_empty_node_is_never_kept() -> None:
    disruption = node_pool(KARPENTER_NODES)["spec"]["disruption"]
    assert disruption["consolidationPolicy"] == "WhenEmpty"
    budgets = {budget["reasons"][0]: budget["nodes"] for budget in disruption["budgets"]}
    assert budgets == {"Underutilized": "0", "Drifted": "1", "Empty": "100%"}


def test_a_pool_is_bounded_by_nodes_and_by_gpus() -> None:
    four_gpus = replace(KARPENTER_NODES, gpus_per_node=4, max_nodes=3)
    assert node_pool(four_gpus)["spec"]["limits"] == {"nodes": "3", "nvidia.com/gpu": "12"}


def test_a_pool_that_anybody_could_land_on_and_a_managed_one_are_no_pools_of_karpenters() -> None:
    args: Any = {"network": None, "security_group_id": "", "instance_profile": "", "tags": {}, "after": ()}
    with pytest.raises(ValueError, match="taint"):
        GpuPoolArgs(replace(KARPENTER_NODES, taints=()), **args)
    with pytest.raises(ValueError, match="managed node group"):
        node_pool(GPU_NODES)
    with pytest.raises(ValueError, match="managed node group"):
        ec2_node_class(GPU_NODES, [], "sg", "profile", {})


def test_the_wait_for_a_pool_to_go_is_longer_than_its_nodes_may_take() -> None:
    pool = recorded().only("NodePool")
    grace = int(pool.inputs["spec"]["template"]["spec"]["terminationGracePeriod"].removesuffix("s"))
    assert grace >= 75 + 15  # the example's drain
    assert int(pool.custom_timeouts["delete"].removesuffix("s")) > grace


# Each goes when all those to its left are gone (issue: finalizers that nobody is left to take away).
LEAVING = (
    "qwen-deployment",
    "l4-node-pool",
    "l4-node-class",
    "karpenter-release",
    "karpenter-crd-release",
)
AFTER_THE_CONTROLLER = (
    *("karpenter-identity", "karpenter-launching", "karpenter-looking", "karpenter-passing", "karpenter-role"),
    *("karpenter-interruptions-queue", "karpenter-node-profile", "node-role-role"),
    *("system-nodes", "cluster-cluster", "network-vpc"),
)


@pytest.mark.parametrize("order", ["late", "any"])
def test_pool_nodes_class_controller_groups_cluster_network_go_in_this_order_by_dependencies(order: str) -> None:
    chosen = random.Random(order)
    choose: Callable[[Sequence[str]], str] = late_kubernetes if order == "late" else chosen.choice
    with moto_account(REGION, account()):
        open_to_runner = {"endpointAccess": "publicAndPrivate", "publicAccessCidrs": [f"{ADDRESS}/32"]}
        engine = up({**example("karpenter"), "cluster": open_to_runner, "region": REGION}, "karpenter")
        assert {made.name: engine.drift(made) for made in engine.made if engine.drift(made)} == {}
        gone = engine.destroy(choose)
    for first, then in itertools.pairwise(LEAVING):
        assert engine.named(then).urn in engine.comes_after(engine.named(first).urn), f"{first} must go before {then}"
    before = engine.comes_after(engine.named("karpenter-release").urn)
    for name in AFTER_THE_CONTROLLER:
        assert engine.named(name).urn in before, f"the controller must go before {name}"
    places = [gone.index(name) for name in LEAVING]
    assert places == sorted(places)
    assert len(gone) == len(engine.made) + len(engine.inside)
