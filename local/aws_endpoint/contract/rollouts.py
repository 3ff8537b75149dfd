"""What EKS does by itself with the nodes of a group (rolling.py plays it)."""

from __future__ import annotations

from local.aws_endpoint.contract import rolling
from local.aws_endpoint.contract.rule import ContractRule
from local.aws_endpoint.contract.sources import api, guide, issue

_CREATE = ("eks:CreateNodegroup",)
_UPDATE = ("eks:UpdateNodegroupConfig",)
_VERSION = ("eks:UpdateNodegroupVersion",)

RULES = (
    ContractRule(
        id="nodes-launch",
        operations=_CREATE,
        condition="the first nodes need more vCPUs than the account's quota leaves: the group ends in CREATE_FAILED "
        "with "
        "AsgInstanceLaunchFailures, VcpuLimitExceeded",
        source="https://github.com/klothoplatform/klotho/pull/311",
        effect=rolling.launch,
    ),
    ContractRule(
        id="nodes-join",
        operations=_CREATE,
        condition="a subnet has no route to AWS (no NAT or internet gateway that works): the nodes cannot join, and "
        "the "
        "group ends in CREATE_FAILED with NodeCreationFailure",
        source=guide("troubleshooting"),
        effect=rolling.join,
    ),
    ContractRule(
        id="nodes-update-surge",
        operations=_VERSION,
        condition="strategy DEFAULT starts twice as many nodes as the group has zones (or maxUnavailable, if more) "
        "before "
        "it ends an old one, and fails with NodeCreationFailure where the quota has no room for them; "
        "MINIMAL ends first",
        source=guide("managed-node-update-behavior"),
        effect=rolling.update,
    ),
    ContractRule(
        id="nodes-update-eviction",
        operations=_VERSION,
        condition="a pod that has not left its node after 15 minutes fails the update with PodEvictionFailure",
        source=f"{guide('managed-node-update-behavior')}; {issue('aws/containers-roadmap', 1282)}",
        effect=rolling.evict,
    ),
    ContractRule(
        id="nodes-delete-patience",
        operations=("eks:DeleteNodegroup",),
        condition="pods get 5 minutes to leave; what runs then is ended",
        source=guide("delete-managed-node-group"),
        effect=rolling.delete,
    ),
    ContractRule(
        id="nodes-shrink",
        operations=_UPDATE,
        condition="a desired size below the one of the moment ends that many nodes, whatever runs on them",
        source=api("UpdateNodegroupConfig"),
        effect=rolling.shrink,
    ),
)
