"""KubeAI's autoscaler: the mean of requests in flight over a window (internal/modelautoscaler, modelclient)."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.engine.operators.kubeai.pod import System

STATE_KEY = "models"


@dataclass
class _Followed:
    window: deque[float]
    fewer: int = 0


@dataclass
class Autoscaler:
    """One look after another; asked for a Model's replicas, it says those to write, or None.

    `seeds`: means by Model, of the last one that looked: a window begins full of them (autoscaler.go, New).
    """

    system: System
    seeds: Mapping[str, float] = field(default_factory=dict)
    means: dict[str, float] = field(default_factory=dict)
    _followed: dict[str, _Followed] = field(default_factory=dict)

    def look(self, name: str, spec: dict[str, Any], in_flight: int) -> int | None:
        """One interval: replicas to write, None where they stay."""
        if spec.get("autoscalingDisabled"):
            return None
        followed = self._followed.setdefault(name, self._begun(name))
        followed.window.append(float(in_flight))
        mean = self.means[name] = sum(followed.window) / len(followed.window)
        desired = _within(math.ceil(mean / spec["targetRequests"]), spec)
        replicas = int(spec.get("replicas") or 0)
        if replicas > desired:
            if followed.fewer < math.ceil(spec["scaleDownDelaySeconds"] / self.system.interval_seconds):
                followed.fewer += 1
                return None
        else:
            followed.fewer = 0
        return desired if desired != replicas else None

    def _begun(self, name: str) -> _Followed:
        intervals = max(1, math.ceil(self.system.window_seconds / self.system.interval_seconds))
        return _Followed(deque([self.seeds.get(name, 0.0)] * intervals, maxlen=intervals))

    def state(self) -> str:
        """What it keeps in its ConfigMap after a round (state.go)."""
        models = {name: {"averageActiveRequests": mean} for name, mean in sorted(self.means.items())}
        return json.dumps({"models": models, "lastCalculationTime": datetime.now(UTC).isoformat()})


def seeds_of(state: Mapping[str, Any]) -> dict[str, float]:
    """Means out of its ConfigMap; none where nothing was kept yet. Raises ValueError where it is damaged."""
    kept = (state.get("data") or {}).get(STATE_KEY)
    models = (json.loads(kept).get("models") or {}) if kept else {}
    return {name: float(each["averageActiveRequests"]) for name, each in models.items()}


def _within(replicas: int, spec: dict[str, Any]) -> int:
    """enforceReplicaBounds."""
    most = spec.get("maxReplicas")
    return max(int(spec.get("minReplicas", 0)), replicas if most is None else min(replicas, int(most)))
