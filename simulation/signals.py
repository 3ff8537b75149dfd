"""What scalers ask Prometheus, read from the simulated one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from planning.model.demand import Demand
from simulation.histogram import Histogram
from simulation.hpa import Reading
from simulation.metrics import Metrics, PodSample, Total
from simulation.scalers import Query, Scene, milli

CPU_IDLE_MILLI = 60
CPU_BUSY_MILLI = 500  # with a request of 4 CPUs: 5 to 15 %, as kunwar.page and spheron report of vLLM


def per_pod(value: Callable[[PodSample], float]) -> Query:
    """A pods metric: each pod's last sample; nothing where no pod is up."""

    def read(scene: Scene) -> Reading:
        samples = scene.metrics.fresh_pods(scene.now_seconds)
        known = {pod.name for pod in scene.pods}
        readings = {name: milli(value(sample)) for name, sample in samples.items() if name in known}
        return Reading(by_pod=readings or None)

    return read


def summed(value: Callable[[PodSample], float], or_zero: bool = False) -> Query:
    """The sum of the pods' last samples; where no pod is up nothing, or 0 with `or vector(0)`."""

    def read(scene: Scene) -> Reading:
        samples = scene.metrics.fresh_pods(scene.now_seconds)
        if not samples:
            return Reading(value=0 if or_zero else None)
        return Reading(value=milli(sum(value(sample) for sample in samples.values())))

    return read


def pod_rates(seconds: float) -> Query:
    """Each pod's generated tokens per second over a window."""

    def read(scene: Scene) -> Reading:
        rates = scene.metrics.output_rates(scene.now_seconds, seconds)
        return Reading(by_pod={name: milli(rate) for name, rate in rates.items()} or None)

    return read


def summed_rates(seconds: float) -> Query:
    """Their sum; nothing where no pod has one."""

    def read(scene: Scene) -> Reading:
        rates = scene.metrics.output_rates(scene.now_seconds, seconds)
        return Reading(value=milli(sum(rates.values()))) if rates else Reading()

    return read


def quantile(of: Callable[[Metrics], Histogram], share: float, seconds: float) -> Query:
    """A latency's quantile over a window; 0 where pods are up and nothing ended, nothing where none is up."""

    def read(scene: Scene) -> Reading:
        if not scene.metrics.fresh_pods(scene.now_seconds):
            return Reading()
        return Reading(value=milli(of(scene.metrics).quantile(share, scene.now_seconds, seconds)))

    return read


@dataclass
class Recorded:
    """A query that Prometheus evaluates every so many seconds; asked in between, it says what it said last."""

    query: Query
    every_seconds: float
    _at: float = float("-inf")
    _last: Reading = field(default_factory=Reading)

    def __call__(self, scene: Scene) -> Reading:
        """The value of the last evaluation."""
        if scene.now_seconds - self._at >= self.every_seconds:
            self._at, self._last = scene.now_seconds, self.query(scene)
        return self._last


def averaged(value: Callable[[Total], float], seconds: float) -> Query:
    """The mean over the scrapes of a window."""

    def read(scene: Scene) -> Reading:
        recent = scene.metrics.window(scene.now_seconds, seconds)
        return Reading(value=milli(mean([value(total) for total in recent])) if recent else None)

    return read


def cpu(scene: Scene) -> Reading:
    """CPU of the vLLM containers, milli-CPU: hardly anything, however busy the GPU is."""
    samples = scene.metrics.fresh_pods(scene.now_seconds)
    readings = {name: CPU_IDLE_MILLI + (CPU_BUSY_MILLI if sample.running else 0) for name, sample in samples.items()}
    return Reading(by_pod=readings or None)


def busy_percent(scene: Scene) -> Reading:
    """DCGM's GPU utilization, each pod's in percent, summed: the share of time in which some kernel runs."""
    recent = scene.metrics.window(scene.now_seconds, 300.0)
    return Reading(value=milli(100 * recent[-1].busy)) if recent else Reading()


def mean(values: Sequence[float]) -> float:
    """Of one or more."""
    return sum(values) / len(values)


@dataclass
class DemandRule:
    """The default policy's recording rules, evaluated at every sync; see `planning.scaling.policy.Demand.rules`."""

    demand: Demand

    def __call__(self, scene: Scene) -> Reading:
        """Replicas wanted, as the external metric gives it to the HPA."""
        load = self._load(scene)
        if load is None:
            return Reading()
        now, demand = scene.now_seconds, self.demand
        scene.metrics.record(now, load)
        spread = scene.metrics.recorded_deviation(now - demand.spread_seconds, now) if demand.spread_factor else 0.0
        usual = scene.metrics.recorded_mean(now - demand.usual_seconds, now)
        expected = demand.expected(load, usual, self._rise(scene))
        return Reading(value=milli(demand.replicas(expected, spread)))

    def _load(self, scene: Scene) -> float | None:
        recent = scene.metrics.window(scene.now_seconds, self.demand.rate_seconds)
        if not recent:
            return None
        return self.demand.load(
            mean([total.prompt_rate for total in recent]),
            mean([total.output_rate for total in recent]),
            mean([total.in_flight for total in recent]),
        )

    def _rise(self, scene: Scene) -> float:
        now, demand = scene.now_seconds, self.demand
        times, values = scene.metrics.recorded(now - demand.trend_seconds, now)
        return max(0.0, slope(times, values)) * demand.lead_seconds * demand.trust(len(times))


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """PromQL's deriv(): least squares per second; 0 for fewer than two points."""
    if len(times) < 2:
        return 0.0
    middle_time, middle = mean(times), mean(values)
    away = [at - middle_time for at in times]
    spread = sum([one * one for one in away])
    both = sum([one * (value - middle) for one, value in zip(away, values, strict=True)])
    return both / spread if spread else 0.0
