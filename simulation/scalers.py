"""Who decides the number of replicas: nothing, an HPA, KEDA, a schedule."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Protocol

from simulation.hpa import SYNC_SECONDS, Hpa, HpaSpec, Phase, PodState, Reading
from simulation.metrics import Metrics
from simulation.supply import Pod, State


@dataclass(frozen=True)
class Scene:
    """What a scaler can see at a sync: `current` replicas asked for, the pods, Prometheus."""

    now_seconds: float
    current: int
    pods: Sequence[Pod]
    metrics: Metrics


Query = Callable[[Scene], Reading]


class Scaler(Protocol):
    """Answers the replicas wanted at each sync."""

    @property
    def name(self) -> str:
        """Of the policy."""
        ...

    @property
    def start_replicas(self) -> int:
        """Ready when the trace begins."""
        ...

    @property
    def sync_seconds(self) -> float:
        """Time between decisions."""
        ...

    def sync(self, scene: Scene) -> int:
        """The replicas wanted."""
        ...


@dataclass
class Fixed:
    """Always as many."""

    name: str
    start_replicas: int
    sync_seconds: float = 60.0

    def sync(self, scene: Scene) -> int:
        """As many as at the start."""
        return self.start_replicas


@dataclass
class Scheduled:
    """Replicas by time: `from_seconds` ascending, `replicas` from each of them on; the day repeats if asked to."""

    name: str
    from_seconds: Sequence[float]
    replicas: Sequence[int]
    repeat_seconds: float | None = None
    sync_seconds: float = 15.0

    @property
    def start_replicas(self) -> int:
        """What holds at the start."""
        return self.replicas[0]

    def sync(self, scene: Scene) -> int:
        """What the schedule says."""
        now = scene.now_seconds % self.repeat_seconds if self.repeat_seconds else scene.now_seconds
        return self.replicas[max(0, bisect_right(self.from_seconds, now) - 1)]


@dataclass
class HpaScaler:
    """A HorizontalPodAutoscaler over queries; `floor` raises its minimum by time of day (a cron that patches it)."""

    name: str
    spec: HpaSpec
    queries: Mapping[str, Query]
    start_replicas: int
    sync_seconds: float = SYNC_SECONDS
    cpu_request_milli: int = 0
    before: Query | None = None

    def __post_init__(self) -> None:
        self._hpa = Hpa(self.spec)

    def sync(self, scene: Scene) -> int:
        """One reconciliation of the controller."""
        if self.before is not None:
            self.before(scene)
        readings = {name: query(scene) for name, query in self.queries.items()}
        pods = [_pod_state(pod, scene.now_seconds) for pod in scene.pods]
        requests = dict.fromkeys((pod.name for pod in pods), self.cpu_request_milli)
        return self._hpa.sync(scene.now_seconds, scene.current, pods, readings, requests)


@dataclass
class KedaScaler:
    """A ScaledObject: KEDA wakes the target from zero and puts it back, an HPA over external metrics does the rest.

    KEDA polls its triggers every `polling_seconds`; a trigger is active above its activation threshold. Without an
    active trigger for `cooldown_seconds` and with `minReplicaCount: 0` it scales to zero (pkg/scaling/executor).
    """

    name: str
    spec: HpaSpec
    queries: Mapping[str, Query]
    start_replicas: int
    min_replicas: int
    activation_milli: Mapping[str, int] = field(default_factory=dict)
    polling_seconds: float = 30.0
    cooldown_seconds: float = 300.0
    sync_seconds: float = SYNC_SECONDS

    def __post_init__(self) -> None:
        self._hpa = Hpa(self.spec)
        self._polled = -self.polling_seconds
        self._last_active = 0.0

    def sync(self, scene: Scene) -> int:
        """KEDA's poll where one is due, then the HPA's reconciliation."""
        readings = {name: query(scene) for name, query in self.queries.items()}
        current = scene.current
        if scene.now_seconds - self._polled >= self.polling_seconds:
            self._polled = scene.now_seconds
            current = self._poll(scene.now_seconds, current, readings)
        if current == 0 or current != scene.current:
            return current
        pods = [_pod_state(pod, scene.now_seconds) for pod in scene.pods]
        return self._hpa.sync(scene.now_seconds, current, pods, readings)

    def _poll(self, now: float, current: int, readings: Mapping[str, Reading]) -> int:
        active = any((reading.value or 0) > self.activation_milli.get(name, 0) for name, reading in readings.items())
        if active:
            self._last_active = now
            return max(1, self.min_replicas) if current == 0 else current
        if current and self.min_replicas == 0 and now - self._last_active >= self.cooldown_seconds:
            return 0
        return max(current, self.min_replicas)


def milli(value: float) -> int:
    """A metric's value in thousandths, cut: prometheus-adapter and KEDA both convert `value * 1000` to an integer.

    sigs.k8s.io/prometheus-adapter v0.12.0 pkg/custom-provider/provider.go (NaN is 0) and external-provider;
    kedacore/keda v2 pkg/scalers/scaler.go, GenerateMetricInMili and GetMetricTargetMili.
    """
    return 0 if isnan(value) else int(value * 1000)


def _pod_state(pod: Pod, now: float) -> PodState:
    """A pod waits for its node in Pending; while the server loads it runs, unready and without metrics."""
    if pod.state is State.DRAINING:
        return PodState(pod.name, Phase.TERMINATING)
    if pod.bound_seconds > now:
        return PodState(pod.name, Phase.PENDING, ready=False)
    ready = pod.state is State.READY
    changed = pod.ready_seconds if ready else pod.bound_seconds
    return PodState(pod.name, Phase.RUNNING, ready, pod.bound_seconds, changed)
