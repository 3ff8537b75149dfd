"""What EKS does by itself with the nodes of a group (rolling.py plays it)."""

from __future__ import annotations

from local.aws_endpoint.contract import rolling
from local.aws_endpoint.contract.rule import Effects

EFFECTS: Effects = {
    "nodes-launch": rolling.launch,
    "nodes-join": rolling.join,
    "nodes-update-surge": rolling.update,
    "nodes-update-eviction": rolling.evict,
    "nodes-delete-patience": rolling.delete,
    "nodes-shrink": rolling.shrink,
}
