"""KubeAI's autoscaler: the mean of requests in flight over a window (internal/modelautoscaler, modelclient)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from local.engine.operators.kubeai.pod import System


@dataclass
class _Followed:
    window: deque[float]
    fewer: int = 0


@dataclass
class Autoscaler:
    """One look after another; asked for a Model's replicas, it says those to write, or None."""

    system: System
    _followed: dict[str, _Followed] = field(default_factory=dict)

    def look(self, name: str, spec: dict[str, Any], in_flight: int) -> int | None:
        """One interval: replicas to write, None where they stay."""
        if spec.get("autoscalingDisabled"):
            return None
        intervals = max(1, math.ceil(self.system.window_seconds / self.system.interval_seconds))
        followed = self._followed.setdefault(name, _Followed(deque([0.0] * intervals, maxlen=intervals)))
        followed.window.append(float(in_flight))
        mean = sum(followed.window) / len(followed.window)
        wanted = _within(math.ceil(mean / spec["targetRequests"]), spec)
        replicas = int(spec.get("replicas") or 0)
        if replicas > wanted:
            if followed.fewer < math.ceil(spec["scaleDownDelaySeconds"] / self.system.interval_seconds):
                followed.fewer += 1
                return None
        else:
            followed.fewer = 0
        return wanted if wanted != replicas else None


def _within(replicas: int, spec: dict[str, Any]) -> int:
    """enforceReplicaBounds."""
    most = spec.get("maxReplicas")
    return max(int(spec.get("minReplicas", 0)), replicas if most is None else min(replicas, int(most)))
