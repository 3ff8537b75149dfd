"""The add-ons whose pods need nodes, after what their pods need to talk."""

from __future__ import annotations

import pulumi

from components.aws.eks_addons import EksAddons, EksAddonsArgs
from components.aws.eks_cluster import ClusterOutputs
from components.cluster.system_policies import SystemPolicies, SystemPoliciesArgs
from planning.model import CreateClusterPlan, ExistingClusterPlan, Tags


def late_addons(
    plan: CreateClusterPlan | ExistingClusterPlan,
    cluster: ClusterOutputs,
    cluster_name: pulumi.Output[str],
    tags: Tags,
    opts: pulumi.ResourceOptions,
) -> EksAddons:
    """`cluster_name`: of nodes that are there. In a cluster with strict network policies theirs comes first."""
    if plan.strict_policies:
        before = SystemPolicies("system-policies", SystemPoliciesArgs(cluster, cluster_name))
        cluster_name = before.cluster_name
    return EksAddons("addons", EksAddonsArgs(cluster_name, plan.addons_after_nodes, tags), opts)
