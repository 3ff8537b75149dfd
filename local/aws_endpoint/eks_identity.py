"""EKS pod identity associations, which moto does not have."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.eks.responses import EKSResponse

from local.aws_endpoint import eks_store as store
from local.aws_endpoint.eks_clusters import cluster_of, parameters


def new_association(cluster: Any, params: dict[str, Any], owner: str | None = None) -> store.Record:
    associations = store.extra(cluster, "pod_identity")
    place = (params["namespace"], params["serviceAccount"])
    if any((old["namespace"], old["serviceAccount"]) == place for old in associations.values()):
        raise store.in_use(f"Association already exists: {'/'.join(place)}")
    key = "a-" + store.new_id().replace("-", "")[:17]
    record = {
        "clusterName": cluster.name,
        "namespace": params["namespace"],
        "serviceAccount": params["serviceAccount"],
        "roleArn": params["roleArn"],
        "associationArn": store.arn(cluster, "podidentityassociation", key),
        "associationId": key,
        "tags": dict(params.get("tags") or {}),
        "createdAt": store.now(),
        "modifiedAt": store.now(),
        "ownerArn": owner,
        "disableSessionTags": bool(params.get("disableSessionTags")),
        "targetRoleArn": params.get("targetRoleArn"),
    }
    associations[key] = record
    return record


def _association(response: EKSResponse, params: dict[str, Any]) -> tuple[Any, store.Record]:
    cluster, key = cluster_of(response, params), params["associationId"]
    return cluster, store.found_in(
        store.extra(cluster, "pod_identity"), key, lambda: f"No association found with ID: {key}"
    )


def create_pod_identity_association(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    return ActionResult({"association": new_association(cluster_of(response, params), params)})


def describe_pod_identity_association(response: EKSResponse) -> ActionResult:
    return ActionResult({"association": _association(response, parameters(response))[1]})


def update_pod_identity_association(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    _, record = _association(response, params)
    keys = ("roleArn", "disableSessionTags", "targetRoleArn")
    record.update({key: params[key] for key in keys if params.get(key) is not None}, modifiedAt=store.now())
    return ActionResult({"association": record})


def delete_pod_identity_association(response: EKSResponse) -> ActionResult:
    cluster, record = _association(response, parameters(response))
    del store.extra(cluster, "pod_identity")[record["associationId"]]
    return ActionResult({"association": record})


def list_pod_identity_associations(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    records = [
        record
        for record in store.extra(cluster_of(response, params), "pod_identity").values()
        if all(record[key] == params[key] for key in ("namespace", "serviceAccount") if params.get(key))
    ]
    return ActionResult({"associations": records})
