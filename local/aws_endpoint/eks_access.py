"""EKS access entries and access policies, which moto does not have."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.eks.responses import EKSResponse

from local.aws_endpoint import eks_store as store
from local.aws_endpoint.eks_clusters import cluster_of, new_access_entry, parameters


def _entry(response: EKSResponse, given: dict[str, Any]) -> tuple[Any, store.Record]:
    cluster, principal = cluster_of(response, given), given["principalArn"]
    return cluster, store.found_in(
        store.extra(cluster, "access_entries"),
        principal,
        lambda: (
            "The specified principalArn could not be found. You must specify a valid principalArn; "
            f"no access entry for {principal} in cluster {cluster.name}"
        ),
    )


def create_access_entry(response: EKSResponse) -> ActionResult:
    given = parameters(response)
    cluster, principal = cluster_of(response, given), given["principalArn"]
    entry = new_access_entry(cluster, principal, given)
    store.extra(cluster, "access_entries")[principal] = entry
    return ActionResult({"accessEntry": entry})


def describe_access_entry(response: EKSResponse) -> ActionResult:
    return ActionResult({"accessEntry": _entry(response, parameters(response))[1]})


def update_access_entry(response: EKSResponse) -> ActionResult:
    given = parameters(response)
    _, entry = _entry(response, given)
    entry.update({key: given[key] for key in ("kubernetesGroups", "username") if given.get(key) is not None})
    entry["modifiedAt"] = store.now()
    return ActionResult({"accessEntry": entry})


def delete_access_entry(response: EKSResponse) -> ActionResult:
    cluster, entry = _entry(response, parameters(response))
    del store.extra(cluster, "access_entries")[entry["principalArn"]]
    return EmptyResult()


def list_access_entries(response: EKSResponse) -> ActionResult:
    given = parameters(response)
    entries = store.extra(cluster_of(response, given), "access_entries")
    return ActionResult(store.page("accessEntries", sorted(entries), given))


def associate_access_policy(response: EKSResponse) -> ActionResult:
    given = parameters(response)
    cluster, entry = _entry(response, given)
    policy, scope = given["policyArn"], given["accessScope"]
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
    given = parameters(response)
    _, entry = _entry(response, given)
    store.found_in(
        entry.get("localPolicies", {}), given["policyArn"], lambda: f"{given['policyArn']} is not associated"
    )
    del entry["localPolicies"][given["policyArn"]]
    return EmptyResult()


def list_associated_access_policies(response: EKSResponse) -> ActionResult:
    given = parameters(response)
    cluster, entry = _entry(response, given)
    listed = store.page("associatedAccessPolicies", list(entry.get("localPolicies", {}).values()), given)
    return ActionResult({"clusterName": cluster.name, "principalArn": entry["principalArn"], **listed})
