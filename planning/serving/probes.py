"""HTTP probes on /health, which vLLM answers only after the model is loaded (vLLM docs, deployment/k8s)."""

from __future__ import annotations

import math

from planning.model import ProbePlan

STARTUP_PERIOD_SECONDS = 10
# The probe kills a pod that would have come up: be generous, a dead container is restarted without it.
STARTUP_MARGIN = 1.5
SHORTEST_STARTUP_SECONDS = 300
# The first completion after CUDA graphs and kernels were made; on a bad day. Estimate.
WARM_UP_SECONDS = 30


def startup(load_seconds_high: float, warm_up: bool = False) -> ProbePlan:
    """Room for a load on a bad day and half as long again, at least five minutes; `warm_up`: it is a completion."""
    load = load_seconds_high + (WARM_UP_SECONDS if warm_up else 0)
    span = max(SHORTEST_STARTUP_SECONDS, load * STARTUP_MARGIN)
    timeout = WARM_UP_SECONDS if warm_up else 5
    return ProbePlan(STARTUP_PERIOD_SECONDS, timeout, math.ceil(span / STARTUP_PERIOD_SECONDS))


def readiness() -> ProbePlan:
    """Out of the Service after three misses, 15 s."""
    return ProbePlan(5, 3, 3)


def liveness() -> ProbePlan:
    """Restarted after two minutes of silence: a busy API server may answer late, and a restart costs a cold start."""
    return ProbePlan(20, 10, 6)


def span_seconds(probe: ProbePlan) -> int:
    """How long a probe fails before it acts, s."""
    return probe.period_seconds * probe.failure_threshold
