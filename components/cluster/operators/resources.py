"""What an operator's container asks for, as its chart's values take it."""

from __future__ import annotations

from typing import Any

from planning.model import OperatorPlan


def operator_resources(plan: OperatorPlan) -> dict[str, Any]:
    """Requests and limits as planned; raises ValueError for an operator whose chart has its own."""
    asked = plan.resources
    if asked is None:
        raise ValueError(f"{plan.name}: the plan does not say what its pod asks for")
    cpu = {"cpu": asked.cpu_limit} if asked.cpu_limit else {}
    return {
        "requests": {"cpu": asked.cpu_request, "memory": asked.memory_request},
        "limits": {**cpu, "memory": asked.memory_limit},
    }
