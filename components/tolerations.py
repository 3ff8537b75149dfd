"""Tolerations of the taints our node pools carry."""

from __future__ import annotations

from collections.abc import Sequence

from planning.model import TaintPlan


def tolerations(taints: Sequence[TaintPlan]) -> list[dict[str, str]]:
    """One toleration per taint key and effect, whatever its value."""
    return [
        {"key": key, "operator": "Exists", "effect": effect}
        for key, effect in dict.fromkeys((taint.key, taint.effect) for taint in taints)
    ]
