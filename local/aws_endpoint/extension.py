"""Closes the gaps of moto that an EKS program meets; for a server and for tests in process (`mock_aws`).

Call `install_extension` before the first request: moto reads its table of paths when a service is first used.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any, Final

from moto.eks import models as eks_models
from moto.eks import urls as eks_urls
from moto.eks.responses import EKSResponse
from moto.iam.models import IAMBackend
from moto.ssm.models import SimpleSystemManagerBackend

from local.aws_endpoint import (
    ami_parameters,
    anomalies,
    budgets,
    certificates,
    chats,
    eks_access,
    eks_addons,
    eks_clusters,
    eks_identity,
    eks_misc,
    eks_node_groups,
    eks_store,
    file_systems,
    fleets,
    images,
    instance_events,
    managed_policies,
    other_gaps,
    pod_identity,
    price_list,
    pull_through,
    quotas,
    switches,
)
from local.aws_endpoint.contract import gate

_IN_CLUSTER: Final = "{0}/clusters/(?P<name>[^/]+)"
# Order matters: an ARN holds slashes, so the greedy path of access entries comes after its longer ones.
_PATHS: Final = (
    f"{_IN_CLUSTER}/addons$",
    f"{_IN_CLUSTER}/addons/(?P<addonName>[^/]+)/update$",
    f"{_IN_CLUSTER}/addons/(?P<addonName>[^/]+)$",
    f"{_IN_CLUSTER}/access-entries$",
    f"{_IN_CLUSTER}/access-entries/(?P<principalArn>.+)/access-policies/(?P<policyArn>.+)$",
    f"{_IN_CLUSTER}/access-entries/(?P<principalArn>.+)/access-policies$",
    f"{_IN_CLUSTER}/access-entries/(?P<principalArn>.+)$",
    f"{_IN_CLUSTER}/pod-identity-associations$",
    f"{_IN_CLUSTER}/pod-identity-associations/(?P<associationId>[^/]+)$",
    f"{_IN_CLUSTER}/updates$",
    f"{_IN_CLUSTER}/updates/(?P<updateId>[^/]+)$",
    f"{_IN_CLUSTER}/node-groups/(?P<nodegroupName>[^/]+)/update-version$",
    "{0}/addons/supported-versions$",
    "{0}/cluster-versions$",
)
_WRAPPED: Final = {
    "create_cluster": eks_clusters.create_cluster,
    "delete_cluster": eks_clusters.delete_cluster,
    "create_nodegroup": eks_node_groups.create_nodegroup,
    "update_nodegroup_config": eks_node_groups.update_nodegroup_config,
}
_REPLACED: Final = {
    "update_cluster_config": eks_clusters.update_cluster_config,
    "update_cluster_version": eks_clusters.update_cluster_version,
    "update_nodegroup_version": eks_node_groups.update_nodegroup_version,
}
_MARK: Final = "local_extension_installed"


def install_extension(cluster_endpoint: str | None = None, cluster_ca_file: Path | None = None) -> None:
    """Adds the missing operations to moto in this process; once is enough, again changes only the control plane.

    `cluster_endpoint` (https://127.0.0.1:PORT) and `cluster_ca_file` (PEM) are given to every cluster that is
    created afterwards. Loads AWS's managed IAM policies, so that a misspelt one is NoSuchEntity.
    """
    eks_clusters.CONTROL_PLANE.endpoint = cluster_endpoint
    eks_clusters.CONTROL_PLANE.ca_file = cluster_ca_file
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 1,300 images that are not read here, 0.6 s
    if getattr(EKSResponse, _MARK, False):
        return
    for path in _PATHS:
        eks_urls.url_paths[path] = eks_urls.response.dispatch
    for name, wrap in _WRAPPED.items():
        setattr(EKSResponse, name, wrap(getattr(EKSResponse, name)))
    for name, function in {**_REPLACED, **_operations()}.items():
        setattr(EKSResponse, name, function)
    eks_models.validate_role_arn = eks_store.check_role_arn
    ami_parameters.install(SimpleSystemManagerBackend)
    managed_policies.install(IAMBackend)
    other_gaps.install()
    budgets.install()
    anomalies.install()
    quotas.install()
    for module in (
        certificates,
        chats,
        file_systems,
        images,
        fleets,
        instance_events,
        pod_identity,
        price_list,
        pull_through,
        switches,
    ):
        module.install()
    gate.install()
    setattr(EKSResponse, _MARK, True)


def _operations() -> dict[str, Any]:
    """The public functions of the operation modules, each named after its EKS operation."""
    return {
        name: function
        for module in (eks_addons, eks_access, eks_identity, eks_misc)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith(("_", "new_"))
    }
