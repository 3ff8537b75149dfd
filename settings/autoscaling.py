"""How many replicas a model has, and what moves them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from settings.findings import WrongValue
from settings.names import Query, TimeZone
from settings.types import Cron, Section, described, kind_defaults_to


class MetricKind(StrEnum):
    """What replicas can follow; docs/scaling.md says what each is good for."""

    DEMAND = "demand"
    QUEUE_DEPTH = "queueDepth"
    IN_FLIGHT = "inFlight"
    RUNNING = "running"
    KV_CACHE_USAGE = "kvCacheUsage"
    TIME_TO_FIRST_TOKEN = "timeToFirstToken"
    TOKENS_PER_SECOND = "tokensPerSecond"
    GPU_UTILIZATION = "gpuUtilization"


class ValueType(StrEnum):
    """How an HPA reads a number: divided by the replicas, or as it is."""

    AVERAGE_VALUE = "AverageValue"
    VALUE = "Value"


# Names people bring from vLLM's metrics, from older versions of it and from guides, by the kind that is meant.
MEANT: dict[str, MetricKind] = {
    "num_requests_waiting": MetricKind.QUEUE_DEPTH,
    "num_requests_waiting_by_reason": MetricKind.QUEUE_DEPTH,
    "queue_depth": MetricKind.QUEUE_DEPTH,
    "num_requests_running": MetricKind.RUNNING,
    "num_requests_swapped": MetricKind.QUEUE_DEPTH,
    "gpu_cache_usage_perc": MetricKind.KV_CACHE_USAGE,
    "cpu_cache_usage_perc": MetricKind.KV_CACHE_USAGE,
    "kv_cache_usage_perc": MetricKind.KV_CACHE_USAGE,
    "time_to_first_token_seconds": MetricKind.TIME_TO_FIRST_TOKEN,
    "request_latency_seconds": MetricKind.TIME_TO_FIRST_TOKEN,
    "e2e_request_latency_seconds": MetricKind.TIME_TO_FIRST_TOKEN,
    "generation_tokens_total": MetricKind.TOKENS_PER_SECOND,
    "tokens_per_second": MetricKind.TOKENS_PER_SECOND,
    "avg_generation_throughput_toks_per_s": MetricKind.TOKENS_PER_SECOND,
    "gpu_utilization_percent": MetricKind.GPU_UTILIZATION,
    "dcgm_fi_dev_gpu_util": MetricKind.GPU_UTILIZATION,
    "cpu": MetricKind.IN_FLIGHT,  # vLLM's CPU stays at 5 to 15 % whatever the load
}


def _metric_kind(written: Any) -> Any:
    """A series' name is met with the kind that is meant; everything else is the enum's business."""
    if not isinstance(written, str):  # a mapping cannot be looked up
        return written
    bare = written.lower().removeprefix("vllm:").removeprefix("vllm_")
    if written not in set(MetricKind) and bare in MEANT:
        raise WrongValue(
            f"{written} is not a kind of metric",
            "use a kind, not the name of a Prometheus series (that changes with vLLM's version); did you mean "
            f"{MEANT[bare]}?",
        )
    return written


class ScalingRule(Section):
    """How fast replicas move in one direction: `pods` or `percent` per period, whichever is more."""

    window_seconds: int = described("stabilization window, s", ge=0, le=3600)
    pods: int = described("most pods per period", ge=1, le=100)
    percent: int | None = described("or most percent of the replicas per period", default=None, ge=1, le=1000)
    period_seconds: int = described("period, s", ge=1, le=1800)


class Metric(Section):
    """One number that replicas follow. With several, the one that asks for most replicas decides."""

    kind: Annotated[MetricKind, BeforeValidator(_metric_kind)] = described("what is measured")
    target: float | None = described(
        "per replica (timeToFirstToken: seconds); default: from the plan's capacity", default=None, ge=0.001, le=1e9
    )
    value_type: ValueType | None = described("as the metric's row says; any other is refused", default=None)
    quantile: float = described("of timeToFirstToken", default=0.95, ge=0.5, le=0.999)


class Schedule(Section):
    """At least so many replicas between two moments that come again."""

    time_zone: TimeZone = described("IANA time zone", default="UTC")
    start: Cron = described("when it begins, cron")
    end: Cron = described("when it ends, cron")
    min_replicas: int = described("fewest replicas meanwhile", ge=1, le=1000)


class Wake(Section):
    """What wakes a model at zero replicas: requests that a router in front of it counts while it has no pods."""

    query: Query = described(
        "PromQL of one number: requests that wait for the model at a gateway or router", min_length=1, max_length=2000
    )
    target: float | None = described(
        "how many of them one replica takes; default: what it holds at once", default=None, ge=0.001, le=1e9
    )


class _Bounds(Section):
    """Fewest and most replicas."""

    min_replicas: int = described("fewest replicas", default=1, ge=0, le=1000)
    max_replicas: int = described("most replicas", default=2, ge=1, le=1000)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise WrongValue(
                f"minReplicas {self.min_replicas} is more than maxReplicas {self.max_replicas}",
                f"write maxReplicas: {self.min_replicas} or more",
            )
        return self


class _Moving(_Bounds):
    """Replicas that follow metrics."""

    metrics: tuple[Metric, ...] = described(
        "what replicas follow; default: demand, from the plan's capacity", default=(), max_length=8
    )
    scale_up: ScalingRule | None = described("upwards; default: the policy's", default=None)
    scale_down: ScalingRule | None = described("downwards; default: a window longer than the cold start", default=None)
    schedules: tuple[Schedule, ...] = described("more replicas at known times", default=(), max_length=20)
    learn_load: bool = described(
        "demand: what one replica carries is corrected by the live engine's step times, from half to twice its plan",
        default=True,
    )


class HpaScaling(_Moving):
    """A HorizontalPodAutoscaler; its metrics come through prometheus-adapter."""

    kind: Literal["hpa"] = "hpa"


class KedaScaling(_Moving):
    """A KEDA ScaledObject, which can also go to zero and follow schedules of any time zone."""

    kind: Literal["keda"]
    wake: Wake | None = described("needed for minReplicas: 0", default=None)
    polling_interval_seconds: int = described("how often KEDA looks, s", default=15, ge=1, le=600)
    idle_seconds: int | None = described(
        "how long without a request before the last replica goes, s; default: longer than the cold start",
        default=None,
        ge=1,
        le=86_400,
    )


class BackendScaling(_Bounds):
    """The autoscaler of the model's backend: it follows requests in flight, and no metric of Prometheus."""

    kind: Literal["backend"]
    target_in_flight: float | None = described(
        "requests in flight that one replica carries; default: from the plan's capacity", default=None, ge=1, le=4096
    )
    scale_up_delay_seconds: int = described(
        "how long it has to be asked before one comes, s", default=30, ge=0, le=3600
    )
    scale_down_delay_seconds: int | None = described(
        "how long it is not needed before one goes, s; default: longer than the cold start",
        default=None,
        ge=0,
        le=86_400,
    )


class NoScaling(_Bounds):
    """A fixed number of replicas; only you change it."""

    kind: Literal["none"]
    min_replicas: int = described("replicas", default=1, ge=1, le=1000)
    max_replicas: int = described("the same number", default=1, ge=1, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _one_number(cls, written: Any) -> Any:
        """Who writes one bound means both."""
        if not isinstance(written, dict):
            return written
        low, high = (
            next((written[key] for key in keys if key in written), None)
            for keys in (("minReplicas", "min_replicas"), ("maxReplicas", "max_replicas"))
        )
        return {"minReplicas": 1 if high is None else high, "maxReplicas": 1 if low is None else low} | written


Autoscaling = Annotated[
    HpaScaling | KedaScaling | BackendScaling | NoScaling, Field(discriminator="kind"), kind_defaults_to("hpa")
]
