"""EKS updates, versions on offer, and tags of everything (moto tags clusters only)."""

from __future__ import annotations

from moto.core.responses import ActionResult, EmptyResult
from moto.eks.responses import EKSResponse

from local.aws_endpoint import eks_store as store
from local.aws_endpoint import facts
from local.aws_endpoint.eks_clusters import parameters


def describe_update(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    cluster = response.eks_backend.describe_cluster(params["name"])
    key = params["updateId"]
    updates = {id_: update for id_, update in store.extra(cluster, "updates").items() if _is_of(update, params)}
    update = store.found_in(updates, key, lambda: f"No update found for ID: {key}")
    return ActionResult({"update": update})


def list_updates(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    updates = store.extra(response.eks_backend.describe_cluster(params["name"]), "updates")
    ids = [id_ for id_, update in updates.items() if _is_of(update, params)]
    return ActionResult(store.page("updateIds", ids, params))


def _is_of(update: store.Record, params: store.Record) -> bool:
    """A node group's or an add-on's updates are asked for by its name, the cluster's own without
    (https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeUpdate.html)."""
    return all(update.get(name) == params.get(name) for name in ("nodegroupName", "addonName"))


def describe_cluster_versions(response: EKSResponse) -> ActionResult:
    wanted_versions = parameters(response).get("clusterVersions") or list(facts.CLUSTER_VERSIONS)
    today = store.now()
    versions = []
    for name in (name for name in wanted_versions if name in facts.CLUSTER_VERSIONS):
        fact = facts.CLUSTER_VERSIONS[name]
        status = "STANDARD_SUPPORT" if today < fact.standard_until else "EXTENDED_SUPPORT"
        status = status if today < fact.extended_until else "UNSUPPORTED"
        versions.append(
            {
                "clusterVersion": name,
                "clusterType": "eks",
                "defaultPlatformVersion": fact.platform_version,
                "defaultVersion": name == facts.DEFAULT_CLUSTER_VERSION,
                "releaseDate": fact.released,
                "endOfStandardSupportDate": fact.standard_until,
                "endOfExtendedSupportDate": fact.extended_until,
                "status": status.lower().replace("_", "-"),
                "versionStatus": status,
                "kubernetesPatchVersion": fact.ami_release.split("-")[0],
            }
        )
    return ActionResult({"clusterVersions": versions})


def _tags_of(response: EKSResponse, resource_arn: str) -> dict[str, str]:
    """The tags (to be changed in place) of any EKS resource; moto knows those of clusters only."""
    for cluster in response.eks_backend.clusters.values():
        if cluster.arn == resource_arn:
            tags: dict[str, str] = cluster.tags
            return tags
        for group in [*cluster.nodegroups.values(), *cluster.fargate_profiles.values()]:
            if resource_arn in (getattr(group, "arn", None), getattr(group, "fargate_profile_arn", None)):
                group_tags: dict[str, str] = group.tags
                return group_tags
        for kind, key in (
            ("addons", "addonArn"),
            ("access_entries", "accessEntryArn"),
            ("pod_identity", "associationArn"),
        ):
            for record in store.extra(cluster, kind).values():
                if record[key] == resource_arn:
                    record_tags: dict[str, str] = record.setdefault("tags", {})
                    return record_tags
    raise store.missing(f"Resource {resource_arn} was not found")


def tag_resource(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    _tags_of(response, params["resourceArn"]).update(params["tags"])
    return EmptyResult()


def untag_resource(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    tags = _tags_of(response, params["resourceArn"])
    for key in params["tagKeys"]:
        tags.pop(key, None)
    return EmptyResult()


def list_tags_for_resource(response: EKSResponse) -> ActionResult:
    return ActionResult({"tags": _tags_of(response, parameters(response)["resourceArn"])})
