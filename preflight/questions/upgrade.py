"""The version of a cluster that is there against the stack file's: EKS goes up one minor at a time, and never down."""

from __future__ import annotations

from collections.abc import Iterator

from planning.model import CreateClusterPlan, StackPlan
from planning.versions.skew import CONTROL_PLANE, KUBELET, distance_trouble, minor, newer_version, step_trouble
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict
from preflight.questions.cluster import described

PATH = "cluster.version"


def _upgrade(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    assert isinstance(plan.cluster, CreateClusterPlan)
    cluster, target_version = described(plan, aws), plan.cluster.version
    if cluster is None or cluster["version"] == target_version:
        yield Answer("upgrade", PATH, Verdict.OK, f"{target_version}: no change of the cluster's version")
        return
    name, have = plan.cluster.name, str(cluster["version"])
    if minor(have) > minor(target_version):
        said = (
            f"{target_version}, and {name} is at {have} (EKS upgrades it by itself when standard support ends) "
            "and never goes down"
        )
        fix = f"write version: {have!r}, and AMI releases and pinned add-ons of {have}"
        yield Answer("upgrade", PATH, Verdict.ERROR, said, fix=fix)
        return
    if step_trouble(CONTROL_PLANE, have, target_version):
        said = f"{target_version}, and {name} is at {have}: EKS goes up one minor at a time"
        yield Answer("upgrade", PATH, Verdict.ERROR, said, fix=f"write version: {newer_version(have)!r} first")
        return
    yield Answer("upgrade", PATH, Verdict.OK, f"{name} goes from {have} to {target_version}, its nodes after it")
    yield from _nodes(name, target_version, aws)


def _nodes(cluster: str, target_version: str, aws: AwsAccount) -> Iterator[Answer]:
    """Groups of the cluster, others' too: their kubelets must still be near enough to the new control plane."""
    for group in aws.pages("eks", "list_nodegroups", "nodegroups", clusterName=cluster):
        nodegroup = aws.call("eks", "describe_nodegroup", clusterName=cluster, nodegroupName=group)["nodegroup"]
        if trouble := distance_trouble(KUBELET, str(nodegroup.get("version", "")), target_version):
            said = f"node group {group}: {trouble}"
            yield Answer("upgrade", PATH, Verdict.ERROR, said, fix=f"update {group} first, or delete it")


def _guess(plan: StackPlan) -> str | None:
    if not isinstance(plan.cluster, CreateClusterPlan):
        return None
    return f"{plan.cluster.name}, if it is there, is at {plan.cluster.version} or one minor below"


QUESTIONS = (Question("upgrade", PATH, _guess, _upgrade),)
