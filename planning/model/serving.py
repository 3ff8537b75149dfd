"""What is served, and how. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.cloud import GPU_TAINT, TaintPlan
from planning.model.services import MetricRule


@dataclass(frozen=True)
class PodResources:
    """What the vLLM container asks for, as Kubernetes quantities. No CPU limit: it would throttle tokenizing."""

    cpu_request: str
    memory: str
    ephemeral_storage: str
    shared_memory: str
    gpus: int


@dataclass(frozen=True)
class ProbePlan:
    """An HTTP probe on /health."""

    period_seconds: int
    timeout_seconds: int
    failure_threshold: int


@dataclass(frozen=True)
class DrainPlan:
    """preStop sleep + vLLM's own shutdown time-out + margin = grace period."""

    pre_stop_seconds: int
    shutdown_timeout_seconds: int
    grace_period_seconds: int


@dataclass(frozen=True)
class TokenPlan:
    """Where the Hugging Face token is. `config_key` set: we make the Secret `secret_name` from that config secret."""

    secret_name: str
    secret_key: str
    config_key: str | None


@dataclass(frozen=True)
class CachePlan:
    """Where weights are kept. `kind` emptyDir: an init container downloads; persistentVolume: one Job downloads."""

    kind: str
    size_gib: int
    storage_class: str | None = None
    access_mode: str | None = None


@dataclass(frozen=True)
class ScalingRulePlan:
    """One direction of the HPA's behaviour."""

    window_seconds: int
    pods: int
    period_seconds: int


@dataclass(frozen=True)
class AutoscalingPlan:
    """HPA on a per-pod metric, AverageValue."""

    min_replicas: int
    max_replicas: int
    metric: MetricRule
    average_value: int
    scale_up: ScalingRulePlan
    scale_down: ScalingRulePlan


@dataclass(frozen=True)
class MemoryPlan:
    """What one GPU's memory holds, bytes per GPU, tokens per replica; see docs for the method."""

    weights_bytes_per_gpu: int
    activation_bytes: int
    reserve_bytes: int
    kv_cache_bytes_per_gpu: int
    kv_cache_tokens: int
    max_concurrency: float
    longest_model_len: int


@dataclass(frozen=True)
class ColdStartTerm:
    """One named part of the time from decision to Ready, with its source."""

    name: str
    low_seconds: float
    high_seconds: float
    source: str


@dataclass(frozen=True)
class ServedModel:
    """What is served, and how: all a backend needs to render it.

    `max_unavailable` is the disruption budget's. `max_surge`: pods a rollout may start beside the running ones; 0
    where the pool has no GPU left for them. `taints` of the pool's nodes are tolerated.
    """

    name: str
    namespace: str
    model_id: str
    revision: str
    served_name: str
    image: str
    vllm_version: str
    args: tuple[str, ...]
    env: dict[str, str]
    pool: str
    node_selector: dict[str, str]
    resources: PodResources
    download_resources: PodResources
    startup_probe: ProbePlan
    readiness_probe: ProbePlan
    liveness_probe: ProbePlan
    drain: DrainPlan
    token: TokenPlan | None
    cache: CachePlan
    autoscaling: AutoscalingPlan
    max_unavailable: int
    client_namespaces: tuple[str, ...]
    monitoring_namespace: str | None
    scrape_interval_seconds: int
    rollout_timeout_seconds: int
    download_timeout_seconds: int
    memory: MemoryPlan | None
    cold_start: tuple[ColdStartTerm, ...]
    port: int = 8000
    max_surge: int = 0
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)
