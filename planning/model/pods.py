"""What a server's pod asks for, and how it is probed and leaves. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PodResources:
    """What a container asks for, as Kubernetes quantities; of the server no CPU limit: it would throttle tokenizing."""

    cpu_request: str
    memory: str
    ephemeral_storage: str
    shared_memory: str | None
    """None: no volume of ours at /dev/shm."""
    gpus: int
    """Of `nvidia.com/gpu`, whole ones or shares."""
    cpu_limit: str | None = None
    """Of every container equal to the request, where the server's cores are to be its own (QoS class Guaranteed)."""


@dataclass(frozen=True)
class ProbePlan:
    """An HTTP probe on /health."""

    period_seconds: int
    timeout_seconds: int
    failure_threshold: int


@dataclass(frozen=True)
class DrainPlan:
    """preStop sleep + wait for the engine + vLLM's own shutdown time-out + margin = grace period."""

    pre_stop_seconds: int
    shutdown_timeout_seconds: int
    grace_period_seconds: int
    engine_wait_seconds: int = 0
    """At most, after the sleep and before SIGTERM, until the engine has taken what reached its server; 0: no wait."""
