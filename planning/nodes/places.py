"""Where a pool's nodes stand: zones of a network of ours, subnets of one that exists."""

from __future__ import annotations

from planning.findings import Findings, listed
from planning.model import CreateNetworkPlan, ExistingNetworkPlan
from settings.pools import ManagedPool, NodePool


def check_zones(
    pool: NodePool, index: int, network: CreateNetworkPlan | ExistingNetworkPlan, findings: Findings
) -> None:
    """A pool's zones must be zones of the network, and its subnets the network's."""
    if isinstance(pool, ManagedPool) and pool.subnet_ids:
        _check_subnets(pool, f"nodePools[{index}].subnetIds", network, findings)
    path = f"nodePools[{index}].zones"
    if not pool.zones:
        return
    if isinstance(network, ExistingNetworkPlan):
        instead = (
            "write subnetIds, those of network.privateSubnetIds that stand in them"
            if isinstance(pool, ManagedPool)
            else "list only the wanted subnets under network.privateSubnetIds"
        )
        findings.error(
            path,
            "zones-unknown",
            "network.kind is existing: the zones of its subnets are not known here",
            f"remove zones and {instead}",
        )
        return
    for position, zone in enumerate(pool.zones):
        if zone not in network.zones:
            findings.error(
                f"{path}[{position}]",
                "zones-unknown",
                f"{zone} is not a zone of the network",
                f"write one of {listed(network.zones)}",
            )


def _check_subnets(
    pool: ManagedPool, path: str, network: CreateNetworkPlan | ExistingNetworkPlan, findings: Findings
) -> None:
    if not isinstance(network, ExistingNetworkPlan):
        instead = f"write zones, of {listed(network.zones)}"
        findings.error(path, "subnets-unknown", "the subnets of this stack's own network have no ids yet", instead)
        return
    for position, subnet in enumerate(pool.subnet_ids):
        if subnet not in network.private_subnet_ids:
            findings.error(
                f"{path}[{position}]",
                "subnets-unknown",
                f"{subnet} is not in network.privateSubnetIds ({listed(network.private_subnet_ids)})",
                "write one of those, or list it there, too",
            )
