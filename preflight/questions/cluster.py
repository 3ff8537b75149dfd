"""The cluster by its name: one that is there already, or what an earlier one left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planning.findings import listed
from planning.model import CreateClusterPlan, ExistingClusterPlan, ExistingNetworkPlan, StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict
from settings.spelling import did_you_mean

_ABSENT = ("ResourceNotFoundException",)
GROUPS = "cluster.nodeSecurityGroupIds"


def described(plan: StackPlan, aws: AwsAccount) -> Mapping[str, Any] | None:
    """The cluster of the plan's name, or None."""
    response = aws.call("eks", "describe_cluster", absent=_ABSENT, name=plan.cluster.name)
    return response["cluster"] if response else None


def _free(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    """A cluster of ours: the name is free, or the cluster is this stack's."""
    name, cluster = plan.cluster.name, described(plan, aws)
    if cluster is not None:
        tags = cluster.get("tags") or {}
        if all(tags.get(key) == plan.tags[key] for key in ("project", "stack")):
            yield Answer("cluster", "cluster.name", Verdict.OK, f"{name} is this stack's, {cluster['status']}")
            return
        said = f"{name} exists, and its tags are not this stack's"
        fix = "write another name, or cluster.kind: existing"
        yield Answer("cluster", "cluster.name", Verdict.ERROR, said, fix=fix)
        return
    group = f"/aws/eks/{name}/cluster"
    left = aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=group)
    if any(subnet["logGroupName"] == group and not _is_ours(subnet, plan, aws) for subnet in left):
        said = (
            f"log group {group} is there without its cluster: EKS makes it again for a deleted cluster's last lines, "
            "and `up` then finds it taken"
        )
        fix = f"run: aws logs delete-log-group --log-group-name {group} --region {plan.region}"
        yield Answer("cluster", "cluster.name", Verdict.ERROR, said, fix=fix)
    else:
        yield Answer("cluster", "cluster.name", Verdict.OK, f"{name} is free")


def _is_ours(group: Mapping[str, Any], plan: StackPlan, aws: AwsAccount) -> bool:
    """Made by an `up` of this stack that did not get as far as its cluster: EKS' own has no tags."""
    arn = str(group["arn"]).removesuffix(":*")
    tags = aws.call("logs", "list_tags_for_resource", resourceArn=arn)["tags"]
    return all(tags.get(key) == plan.tags[key] for key in ("project", "stack"))


def _existing(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    name, cluster = plan.cluster.name, described(plan, aws)
    if cluster is None:
        names = aws.pages("eks", "list_clusters", "clusters")
        near = did_you_mean(name, names)
        fix = near or f"write one of {listed(names) or 'none: there are no clusters'}"
        yield Answer("cluster", "cluster.name", Verdict.ERROR, f"no cluster {name} in {plan.region}", fix=fix)
        return
    vpc = cluster["resourcesVpcConfig"].get("vpcId")
    if isinstance(plan.network, ExistingNetworkPlan) and vpc != plan.network.vpc_id:
        said = f"{name} is in {vpc}, and network.vpcId is {plan.network.vpc_id}"
        fix = f"write {vpc} and its private subnets"
        yield Answer("cluster", "network.vpcId", Verdict.ERROR, said, fix=fix)
    if isinstance(plan.cluster, ExistingClusterPlan) and plan.cluster.version not in (None, cluster["version"]):
        said = f"{plan.cluster.version}, and {name} is at {cluster['version']}"
        fix = f"write {cluster['version']!r}, or leave it out"
        yield Answer("cluster", "cluster.version", Verdict.ERROR, said, fix=fix)
    yield Answer("cluster", "cluster.name", Verdict.OK, f"{name}: Kubernetes {cluster['version']}, {cluster['status']}")


def _addons(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    name = plan.cluster.name
    if described(plan, aws) is None:
        return
    have = aws.pages("eks", "list_addons", "addons", clusterName=name)
    if plan.cluster_autoscaler is not None:
        yield _has(
            "nodeAutoscaling",
            "eks-pod-identity-agent",
            have,
            name,
            "without it the cluster-autoscaler has no AWS role",
            ("autoscaler-credentials",),
        )
    installed = plan.monitoring is not None and plan.monitoring.stack_chart is not None
    if installed or any(model.cache.kind == "persistentVolume" for model in plan.models):
        yield _has(
            "monitoring.storageClass", "aws-ebs-csi-driver", have, name, "without a driver no volume is made", ()
        )
    if plan.file_system is not None:
        why = "without it no pod mounts the file system"
        yield _has("models", "aws-efs-csi-driver", have, name, why, ())
    if plan.models:
        yield _policy_agent(have, name, aws)


def _has(path: str, addon: str, have: list[str], cluster: str, why: str, settles: tuple[str, ...]) -> Answer:
    if addon in have:
        return Answer("addons", path, Verdict.OK, f"{cluster} has the add-on {addon}", settles)
    command = f"aws eks create-addon --cluster-name {cluster} --addon-name {addon}"
    said = f"{cluster} has no EKS add-on {addon}, and {why}"
    fix = f"run: {command} (or check that it was installed otherwise)"
    return Answer("addons", path, Verdict.WARNING, said, settles, fix=fix)


def _policy_agent(have: list[str], cluster: str, aws: AwsAccount) -> Answer:
    settings = ""
    if "vpc-cni" in have:
        addon = aws.call("eks", "describe_addon", absent=_ABSENT, clusterName=cluster, addonName="vpc-cni")
        settings = str((addon or {}).get("addon", {}).get("configurationValues") or "")
    if "enableNetworkPolicy" in settings and "true" in settings.partition("enableNetworkPolicy")[2][:12]:
        return Answer(
            "policies", "cluster.kind", Verdict.OK, "network policies are enforced (vpc-cni)", ("existing-cluster",)
        )
    said = (
        f"vpc-cni of {cluster} does not enforce network policies (enableNetworkPolicy is not true): they are accepted "
        "and ignored"
    )
    fix = "set it, or make sure that another CNI enforces them"
    return Answer("policies", "cluster.kind", Verdict.WARNING, said, ("existing-cluster",), fix=fix)


def _groups(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    """Our nodes have the cluster's own security group, and those that the stack file names: nodes with none of these
    may not let them in."""
    cluster = described(plan, aws)
    if cluster is None:
        return
    assert isinstance(plan.cluster, ExistingClusterPlan)
    own = cluster["resourcesVpcConfig"].get("clusterSecurityGroupId")
    joined = {own, *plan.cluster.node_security_group_ids}
    wrong = tuple(_unusable(plan.cluster, str(own), cluster["resourcesVpcConfig"].get("vpcId"), aws))
    yield from wrong
    if wrong:
        return
    running = [{"Name": "instance-state-name", "Values": ["running", "pending"]}]
    tagged = [{"Name": f"tag:kubernetes.io/cluster/{plan.cluster.name}", "Values": ["owned"]}]
    reservations = aws.pages("ec2", "describe_instances", "Reservations", Filters=running + tagged)
    nodes = [node for reservation in reservations for node in reservation["Instances"]]
    apart = sorted(
        {
            group["GroupId"]
            for node in nodes
            for group in node["SecurityGroups"]
            if not joined & {security_group["GroupId"] for security_group in node["SecurityGroups"]}
        }
    )
    if apart:
        said = (
            f"nodes of {plan.cluster.name} are in {listed(apart)} and in none of {listed(sorted(joined))}, in which "
            "ours are: DNS and webhooks between them are blocked"
        )
        fix = f"write the group that lets its own members in, or let {own} and {listed(apart)} reach each other"
        yield Answer("groups", GROUPS, Verdict.ERROR, said, fix=fix)
    else:
        said = f"{len(nodes)} nodes share a security group of {listed(sorted(joined))}"
        yield Answer("groups", GROUPS, Verdict.OK, said)


def _unusable(cluster: ExistingClusterPlan, own: str, vpc: Any, aws: AwsAccount) -> Iterator[Answer]:
    """Groups that no node could join."""
    group_ids = cluster.node_security_group_ids
    if not group_ids:
        return
    filters = [{"Name": "group-id", "Values": list(group_ids)}]
    groups = {
        group["GroupId"]: group
        for group in aws.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters)
    }
    for index, group in enumerate(group_ids):
        path = f"{GROUPS}[{index}]"
        if group not in groups:
            said, fix = f"{group} does not exist", f"write one of {vpc}, or remove it"
        elif groups[group].get("VpcId") != vpc:
            said = f"{group} is of {groups[group].get('VpcId')}, and {cluster.name} is in {vpc}"
            fix = f"write one of {vpc}"
        elif group == own:
            said, fix = f"{group} is the cluster's own group, which every node joins", "remove it"
        else:
            continue
        yield Answer("groups", path, Verdict.ERROR, said, fix=fix)


def _of_created(plan: StackPlan) -> str | None:
    return f"no other cluster is called {plan.cluster.name}" if isinstance(plan.cluster, CreateClusterPlan) else None


def _of_existing(what: str) -> Any:
    def guess(plan: StackPlan) -> str | None:
        return what.format(name=plan.cluster.name) if isinstance(plan.cluster, ExistingClusterPlan) else None

    return guess


QUESTIONS = (
    Question("cluster", "cluster.name", _of_created, _free),
    Question("cluster", "cluster.name", _of_existing("there is a cluster {name} in the network's VPC"), _existing),
    Question("addons", "cluster", _of_existing("{name} has the add-ons that the stack needs"), _addons),
    Question("groups", "cluster", _of_existing("the nodes of {name} and ours reach each other"), _groups),
)
