"""EKS access entries and access policies, which moto does not have."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.eks.responses import EKSResponse

from local.aws_endpoint import eks_store as store
from local.aws_endpoint.eks_clusters import cluster_of, new_access_entry, parameters


def _entry(response: EKSResponse, params: dict[str, Any]) -> tuple[Any, store.Record]:
    cluster, principal = cluster_of(response, params), params["principalArn"]
    return cluster, store.found_in(
        store.extra(cluster, "access_entries"),
        principal,
        lambda: (
            "The specified principalArn could not be found. You must specify a valid principalArn; "
            f"no access entry for {principal} in cluster {cluster.name}"
        ),
    )


def create_access_entry(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    cluster, principal = cluster_of(response, params), params["principalArn"]
    entry = new_access_entry(cluster, principal, params)
    store.extra(cluster, "access_entries")[principal] = entry
    return ActionResult({"accessEntry": entry})


def describe_access_entry(response: EKSResponse) -> ActionResult:
    return ActionResult({"accessEntry": _entry(response, parameters(response))[1]})


def update_access_entry(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    _, entry = _entry(response, params)
    entry.update({key: params[key] for key in ("kubernetesGroups", "username") if params.get(key) is not None})
    entry["modifiedAt"] = store.now()
    return ActionResult({"accessEntry": entry})


def delete_access_entry(response: EKSResponse) -> ActionResult:
    cluster, entry = _entry(response, parameters(response))
    del store.extra(cluster, "access_entries")[entry["principalArn"]]
    return EmptyResult()


def list_access_entries(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    entries = store.extra(cluster_of(response, params), "access_entries")
    return ActionResult(store.page("accessEntries", sorted(entries), params))


def associate_access_policy(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    cluster, entry = _entry(response, params)
    policy, scope = params["policyArn"], params["accessScope"]
    associated = {
        "policyArn": policy,
        "accessScope": scope,
        "associatedAt": store.now(),
        "modifiedAt": store.now(),
    }
    entry.setdefault("localPolicies", {})[policy] = associated
    return ActionResult(
        {
            "clusterName": cluster.name,
            "principalArn": entry["principalArn"],
            "associatedAccessPolicy": associated,
        }
    )


def disassociate_access_policy(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    _, entry = _entry(response, params)
    store.found_in(
        entry.get("localPolicies", {}), params["policyArn"], lambda: f"{params['policyArn']} is not associated"
    )
    del entry["localPolicies"][params["policyArn"]]
    return EmptyResult()


def list_associated_access_policies(response: EKSResponse) -> ActionResult:
    params = parameters(response)
    cluster, entry = _entry(response, params)
    listed = store.page("associatedAccessPolicies", list(entry.get("localPolicies", {}).values()), params)
    return ActionResult({"clusterName": cluster.name, "principalArn": entry["principalArn"], **listed})
