"""Kubernetes version, AMI releases and add-on versions as EKS offers them today."""

from __future__ import annotations

from collections.abc import Iterator

from planning.findings import listed
from planning.model import CreateClusterPlan, NodeGroupPlan, StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict
from preflight.questions.places import groups_of

# EKS' AMI type -> path below /aws/service/eks/optimized-ami/<version>/ and the image's name
# (https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html, read 2026-11-27).
_FAMILIES = {"STANDARD": "standard", "NVIDIA": "nvidia"}


def ami_parameter(ami_type: str, version: str, release: str | None = None) -> str | None:
    """SSM's public parameter that holds the release of an AMI type: the newest, or the one of that date or version;
    None for AMI families that have other parameters."""
    family, _, rest = ami_type.partition("_")
    if family == "BOTTLEROCKET":
        return _bottlerocket_parameter(rest, version, release)
    arch, _, kind = rest.rpartition("_")
    if family != "AL2023" or kind not in _FAMILIES:
        return None
    arch = arch.lower().replace("arm_64", "arm64")
    base = f"/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{arch}/{_FAMILIES[kind]}"
    if release is None:
        return f"{base}/recommended/release_version"
    date = release.rpartition("-")[2]
    return f"{base}/amazon-eks-node-al2023-{arch}-{_FAMILIES[kind]}-{version}-v{date}/release_version"


def _bottlerocket_parameter(rest: str, version: str, release: str | None) -> str:
    """https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id-bottlerocket.html, read 2026-11-28."""
    nvidia = "-nvidia" if rest.endswith("_NVIDIA") else ""
    arch = rest.removesuffix("_NVIDIA").lower().replace("arm_64", "arm64")
    return f"/aws/service/bottlerocket/aws-k8s-{version}{nvidia}/{arch}/{release or 'latest'}/image_version"


def _kubernetes(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    version = _version(plan)
    offered = {
        cluster_version["clusterVersion"]: cluster_version
        for cluster_version in aws.call("eks", "describe_cluster_versions")["clusterVersions"]
    }
    if version not in offered:
        said = f"EKS does not offer {version} in {plan.region} (it offers {listed(sorted(offered))})"
        fix = "write one of them"
        yield Answer("kubernetes", "cluster.version", Verdict.ERROR, said, fix=fix)
        return
    until = offered[version].get("endOfStandardSupportDate")
    status = offered[version].get("versionStatus", "")
    support = f"{version}: {status.lower().replace('_', ' ')}" + (
        f", standard support until {until:%Y-%m-%d}" if until else ""
    )
    verdict = Verdict.WARNING if status == "EXTENDED_SUPPORT" else Verdict.OK
    yield Answer("kubernetes", "cluster.version", verdict, support)


def _releases(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    version = _version(plan)
    if version is None:
        return
    for path, group in groups_of(plan):
        yield from _release(f"{path}.amiReleaseVersion", group, version, plan.region, aws)


def _release(path: str, group: NodeGroupPlan, version: str, region: str, aws: AwsAccount) -> Iterator[Answer]:
    newest_name = ami_parameter(group.ami_type, version)
    if newest_name is None:
        return
    newest = _parameter(newest_name, aws)
    if newest is None:
        said = f"EKS has no {group.ami_type} image for Kubernetes {version} in {region}"
        fix = "write another cluster.version"
        yield Answer("ami", path, Verdict.ERROR, said, fix=fix)
        return
    pinned = group.ami_release_version
    if pinned is None:
        yield Answer("ami", path, Verdict.OK, f"{group.ami_type}: a new group gets {newest}")
        return
    name = ami_parameter(group.ami_type, version, pinned)
    parameter = _parameter(name, aws) if name else None
    if parameter is None or pinned not in (parameter, parameter.partition("-")[0] if group.bottlerocket else parameter):
        said = f"{pinned} is no release of {group.ami_type} for Kubernetes {version} in {region}"
        yield Answer("ami", path, Verdict.ERROR, said, fix=f"write amiReleaseVersion: {newest}, the newest")
    else:
        yield Answer("ami", path, Verdict.OK, f"{pinned} is there" + (f"; the newest is {newest}" * (newest != pinned)))


def _parameter(name: str, aws: AwsAccount) -> str | None:
    parameter = aws.call("ssm", "get_parameter", absent=("ParameterNotFound",), Name=name)
    return str(parameter["Parameter"]["Value"]) if parameter else None


def _addons(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    assert isinstance(plan.cluster, CreateClusterPlan)
    version = plan.cluster.version
    for addon in plan.cluster.addons:
        versions = aws.pages(
            "eks", "describe_addon_versions", "addons", addonName=addon.name, kubernetesVersion=version
        )
        offered = [addon_version["addonVersion"] for one in versions for addon_version in one["addonVersions"]]
        if not offered:
            said = f"EKS offers no {addon.name} for Kubernetes {version} in {plan.region}"
            fix = "write another cluster.version"
            yield Answer("addons", "cluster.version", Verdict.ERROR, said, fix=fix)
        elif addon.version is not None and addon.version not in offered:
            said = f"{addon.name} {addon.version} is not offered for Kubernetes {version} (offered: {listed(offered)})"
            yield Answer("addons", "cluster.addons", Verdict.ERROR, said, fix="write one of them")
        else:
            yield Answer("addons", "cluster", Verdict.OK, f"{addon.name} {addon.version or offered[0]} is offered")


def _version(plan: StackPlan) -> str | None:
    return plan.cluster.version if isinstance(plan.cluster, CreateClusterPlan) else None


def _addons_guess(plan: StackPlan) -> str | None:
    if not isinstance(plan.cluster, CreateClusterPlan):
        return None
    return f"EKS offers {listed(addon.name for addon in plan.cluster.addons)} for {plan.cluster.version}"


def _releases_guess(plan: StackPlan) -> str | None:
    version = _version(plan)
    pins = dict.fromkeys(group.ami_release_version for _, group in groups_of(plan) if group.ami_release_version)
    return version and f"EKS has images for {version} in {plan.region}" + (
        f", {listed(pins)} among them" if pins else ""
    )


QUESTIONS = (
    Question(
        "kubernetes",
        "cluster.version",
        lambda plan: (v := _version(plan)) and f"EKS offers Kubernetes {v}",
        _kubernetes,
    ),
    Question("ami", "nodePools[].amiReleaseVersion", _releases_guess, _releases),
    Question("addons", "cluster", _addons_guess, _addons),
)
