"""What a stack has once, whatever its models: tags, control plane, network, the nodes of the system's own pods."""

from __future__ import annotations

from dataclasses import dataclass

from planning.cluster.control_plane import plan_cluster
from planning.cluster.entry_limits import proxy_grace_seconds
from planning.cluster.network import plan_network
from planning.cluster.tags import plan_tags
from planning.compose.request import Request
from planning.findings import Findings
from planning.model import (
    CreateClusterPlan,
    CreateNetworkPlan,
    ExistingClusterPlan,
    ExistingNetworkPlan,
    NodeGroupPlan,
    Tags,
)
from planning.nodes.system_group import plan_system_nodes
from settings.shared_files import on_file_system


@dataclass(frozen=True)
class Foundation:
    """Made, or found in the account, before any GPU node."""

    tags: Tags
    cluster: CreateClusterPlan | ExistingClusterPlan
    network: CreateNetworkPlan | ExistingNetworkPlan
    system_nodes: NodeGroupPlan


def plan_foundation(request: Request, findings: Findings) -> Foundation:
    """Tags first: the cluster carries them."""
    settings = request.settings
    tags = plan_tags(settings.tags, request.stack, findings)
    shared_files = any(map(on_file_system, settings.models))
    return Foundation(
        tags=tags,
        cluster=plan_cluster(settings.cluster, request.stack, settings.region, tags, findings, shared_files),
        network=plan_network(settings, request.production, findings),
        system_nodes=plan_system_nodes(
            settings.system_nodes, settings.cluster, findings, proxy_grace_seconds(settings.gateway)
        ),
    )
