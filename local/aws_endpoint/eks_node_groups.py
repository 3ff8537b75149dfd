"""EKS node groups: what moto's operations drop or do not check, and UpdateNodegroupVersion, which it lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.eks.responses import EKSResponse

from local.aws_endpoint import eks_node_updates, facts
from local.aws_endpoint import eks_store as store
from local.aws_endpoint.eks_clusters import admit, parameters


def create_nodegroup(original: Callable[[EKSResponse], ActionResult]) -> Callable[[EKSResponse], ActionResult]:
    def wrapped(response: EKSResponse) -> ActionResult:
        params = parameters(response)
        cluster = response.eks_backend.describe_cluster(params["clusterName"])
        version = params.get("version") or cluster.version
        original(response)
        group = cluster.nodegroups[params["nodegroupName"]]
        group.version = version
        group.ami_type = params.get("amiType") or "AL2023_x86_64_STANDARD"
        group.release_version = params.get("releaseVersion") or _newest(group.ami_type, version)
        group.update_config = params.get("updateConfig") or {"maxUnavailable": 1}
        group.node_repair_config = params.get("nodeRepairConfig") or {"enabled": False}
        group.remote_access = params.get("remoteAccess")  # moto makes up a key pair
        if params.get("launchTemplate"):
            group.disk_size = params.get("diskSize")
            group.instance_types = params.get("instanceTypes") or []
        if cluster.access_config["authenticationMode"] != "CONFIG_MAP":
            admit(cluster, params["nodeRole"], "EC2_LINUX")
        return ActionResult({"nodegroup": group})

    return wrapped


def update_nodegroup_version(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    backend = response.eks_backend
    cluster = backend.describe_cluster(params["clusterName"])
    group = backend.describe_nodegroup(params["clusterName"], params["nodegroupName"])
    given = params.get("launchTemplate")
    template = {**(group.launch_template or {}), **given} if given else group.launch_template
    version = params.get("version") or group.version
    release = params.get("releaseVersion") or (
        group.release_version if given and version == group.version else _newest(group.ami_type, version)
    )
    changed = {"version": version, "releaseVersion": release}
    if given:
        changed["launchTemplateVersion"] = str(template.get("version"))
    after = eks_node_updates.Launch(version, release, template)
    record = eks_node_updates.begin(cluster, group, after, changed, bool(params.get("force")))
    return ActionResult({"update": record})


def _newest(ami_type: str, version: str) -> str:
    if ami_type.startswith("BOTTLEROCKET"):
        return facts.BOTTLEROCKET_RELEASES[0]
    return facts.CLUSTER_VERSIONS[version].ami_release


def update_nodegroup_config(
    original: Callable[[EKSResponse], ActionResult],
) -> Callable[[EKSResponse], ActionResult]:
    """moto's own, remembered so that DescribeUpdate finds it."""

    def wrapped(response: EKSResponse) -> ActionResult:
        params = parameters(response)
        cluster = response.eks_backend.describe_cluster(params["clusterName"])
        update: Any = original(response).result
        record = {**update["update"], "params": [], "nodegroupName": params["nodegroupName"]}
        store.extra(cluster, "updates")[record["id"]] = record
        return ActionResult({"update": record})

    return wrapped
