"""Status of a pod whose container runs, as a kubelet writes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local.engine.pods import CONTAINER, PodView

CONTAINER_ID = "process://vllm"


def restarts_of(pod: PodView) -> int:
    """How often its container was started again so far."""
    return max((int(s.get("restartCount", 0)) for s in pod.status.get("containerStatuses") or []
                if s.get("name") == CONTAINER), default=0)  # fmt: skip


def running_status(
    pod: PodView,
    *,
    started: bool,
    ready: bool,
    restarts: int,
    since: str,
    last_state: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """A status patch: the container runs since `since` (RFC 3339); whether its probes passed; how it ended before."""
    stamp = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = {
        "name": CONTAINER,
        "image": pod.container.get("image", ""),
        "imageID": "",
        "containerID": CONTAINER_ID,
        "started": started,
        "ready": ready,
        "restartCount": restarts,
        "state": {"running": {"startedAt": since}},
        **({"lastState": dict(last_state)} if last_state else {}),
    }
    others = [s for s in pod.status.get("containerStatuses") or [] if s.get("name") != CONTAINER]
    all_ready = ready and all(other.get("ready") for other in others)
    why = {
        "reason": None if all_ready else "ContainersNotReady",
        "message": None if all_ready else f"containers with unready status: [{CONTAINER}]",
    }
    word = "True" if all_ready else "False"
    conditions = [
        {"type": kind, "status": word, "lastTransitionTime": stamp, **why} for kind in ("Ready", "ContainersReady")
    ]
    return {
        "metadata": {"uid": pod.uid},
        "status": {"phase": "Running", "containerStatuses": [*others, own], "conditions": conditions},
    }
