"""EKS add-ons, which moto does not have. All become ACTIVE at once."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.eks.responses import EKSResponse

from local.aws_endpoint import eks_store as store
from local.aws_endpoint import facts
from local.aws_endpoint.eks_clusters import cluster_of, parameters
from local.aws_endpoint.eks_identity import new_association


def _addon(response: EKSResponse, params: dict[str, Any]) -> tuple[Any, store.Record]:
    cluster, name = cluster_of(response, params), params["addonName"]
    return cluster, store.found_in(
        store.extra(cluster, "addons"), name, lambda: f"No addon: {name} found in cluster: {cluster.name}"
    )


def create_addon(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    cluster, name = cluster_of(response, params), params["addonName"]
    if params.get("serviceAccountRoleArn"):
        store.check_role_arn(params["serviceAccountRoleArn"])
    namespace = (params.get("namespaceConfig") or {}).get("namespace") or facts.ADDONS[name][1]
    addon = {
        "addonName": name,
        "clusterName": cluster.name,
        "status": "ACTIVE",
        "addonVersion": params.get("addonVersion") or facts.addon_version(name, cluster.version),
        "health": {"issues": []},
        "addonArn": store.arn(cluster, "addon", name, store.new_id()),
        "createdAt": store.now(),
        "modifiedAt": store.now(),
        "serviceAccountRoleArn": params.get("serviceAccountRoleArn"),
        "tags": dict(params.get("tags") or {}),
        "configurationValues": params.get("configurationValues"),
        "podIdentityAssociations": [],
        "namespaceConfig": {"namespace": namespace},
    }
    _associate(cluster, addon, params.get("podIdentityAssociations") or [])
    store.extra(cluster, "addons")[name] = addon
    return ActionResult({"addon": addon})


def _associate(cluster: Any, addon: store.Record, pairs: list[dict[str, Any]]) -> None:
    """Replaces the pod identity associations that the add-on owns."""
    associations = store.extra(cluster, "pod_identity")
    for old in addon["podIdentityAssociations"]:
        associations.pop(old.rsplit("/", 1)[-1], None)
    namespace = addon["namespaceConfig"]["namespace"]
    made = [new_association(cluster, {"namespace": namespace, **one}, addon["addonArn"]) for one in pairs]
    addon["podIdentityAssociations"] = [one["associationArn"] for one in made]


def describe_addon(response: EKSResponse) -> ActionResult:
    return ActionResult({"addon": _addon(response, parameters(response))[1]})


def update_addon(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    cluster, addon = _addon(response, params)
    name = addon["addonName"]
    changed = {
        key: params[key]
        for key in ("addonVersion", "serviceAccountRoleArn", "configurationValues")
        if params.get(key) is not None
    }
    addon.update(changed, modifiedAt=store.now())
    if params.get("podIdentityAssociations") is not None:
        _associate(cluster, addon, params["podIdentityAssociations"])
    return ActionResult({"update": store.record_update(cluster, "AddonUpdate", changed, {"addonName": name})})


def delete_addon(response: EKSResponse) -> ActionResult:
    cluster, addon = _addon(response, parameters(response))
    _associate(cluster, addon, [])
    del store.extra(cluster, "addons")[addon["addonName"]]
    return ActionResult({"addon": {**addon, "status": "DELETING"}})


def list_addons(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    return ActionResult(store.page("addons", sorted(store.extra(cluster_of(response, params), "addons")), params))


def describe_addon_versions(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    versions = [params["kubernetesVersion"]] if params.get("kubernetesVersion") else list(facts.CLUSTER_VERSIONS)
    names = [params["addonName"]] if params.get("addonName") else list(facts.ADDONS)
    addons = []
    for name in (name for name in names if name in facts.ADDONS):
        offered: dict[str, list[dict[str, Any]]] = {}
        for version in (version for version in versions if version in facts.CLUSTER_VERSIONS):
            default = facts.addon_version(name, version)
            for build in facts.addon_versions(name, version):
                offered.setdefault(build, []).append(
                    {"clusterVersion": version, "platformVersions": ["*"], "defaultVersion": build == default}
                )
        addons.append(
            {
                "addonName": name,
                "owner": "aws",
                "publisher": "eks",
                "defaultNamespace": facts.ADDONS[name][1],
                "addonVersions": [
                    {
                        "addonVersion": version,
                        "architecture": ["amd64", "arm64"],
                        "computeTypes": ["ec2"],
                        "compatibilities": fits,
                        "requiresConfiguration": False,
                        "requiresIamPermissions": False,
                    }
                    for version, fits in offered.items()
                ],
            }
        )
    return ActionResult({"addons": addons})
