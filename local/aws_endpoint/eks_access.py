"""EKS access entries and access policies, which moto does not have."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.eks.responses import EKSResponse

from local.aws_endpoint import eks_store as store
from local.aws_endpoint import facts
from local.aws_endpoint.eks_clusters import cluster_of, new_access_entry, parameters


def _access_cluster(response: EKSResponse, given: dict[str, Any]) -> Any:
    cluster = cluster_of(response, given)
    if cluster.access_config["authenticationMode"] == "CONFIG_MAP":
        raise store.invalid(
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform "
            "this operation."
        )
    return cluster


def _entry(response: EKSResponse, given: dict[str, Any]) -> tuple[Any, store.Record]:
    cluster, principal = _access_cluster(response, given), given["principalArn"]
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
    cluster, principal = _access_cluster(response, given), given["principalArn"]
    if given.get("type") and given["type"] not in facts.ACCESS_ENTRY_TYPES:
        raise store.invalid(f"Invalid access entry type {given['type']}; one of {facts.ACCESS_ENTRY_TYPES}")
    if (given.get("type") or "STANDARD") != "STANDARD" and given.get("kubernetesGroups"):
        raise store.invalid(f"kubernetesGroups cannot be given for an access entry of type {given['type']}")
    if any(group.startswith("system:") for group in given.get("kubernetesGroups") or []):
        raise store.invalid("The kubernetes group name is invalid, it cannot start with system:")
    if principal in store.extra(cluster, "access_entries"):
        raise store.in_use("The specified access entry resource is already in use on this cluster.")
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
    entries = store.extra(_access_cluster(response, parameters(response)), "access_entries")
    return ActionResult({"accessEntries": sorted(entries)})


def associate_access_policy(response: EKSResponse) -> ActionResult:
    given = parameters(response)
    cluster, entry = _entry(response, given)
    policy, scope = given["policyArn"], given["accessScope"]
    name = policy.rsplit("/", 1)[-1]
    if not policy.startswith("arn:aws:eks::aws:cluster-access-policy/") or name not in facts.ACCESS_POLICIES:
        raise store.invalid(f"The policyArn {policy} is not an EKS access policy: {facts.ACCESS_POLICIES}")
    if entry["type"] != "STANDARD":
        raise store.invalid(f"Access policies cannot be associated with entries of type {entry['type']}")
    if (scope.get("type") == "namespace") != bool(scope.get("namespaces")):
        raise store.invalid("The access scope needs namespaces for type namespace, and none for type cluster")
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
    cluster, entry = _entry(response, parameters(response))
    return ActionResult(
        {
            "clusterName": cluster.name,
            "principalArn": entry["principalArn"],
            "associatedAccessPolicies": list(entry.get("localPolicies", {}).values()),
        }
    )
