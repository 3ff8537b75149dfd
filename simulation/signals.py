"""What scalers ask Prometheus, read from the simulated one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

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
        now, demand, seen = scene.now_seconds, self.demand, scene.metrics
        recent = seen.window(now, demand.rate_seconds)
        if not recent:
            return Reading()
        prompts, outputs = (
            mean([total.prompt_rate for total in recent]),
            mean([total.output_rate for total in recent]),
        )
        load = demand.load(prompts, outputs, mean([total.in_flight for total in recent]))
        seen.load.add(now, load)
        learned = self._learned(seen, now, recent, (prompts, outputs))
        spread = seen.load.deviation(now - demand.spread_seconds, now) if demand.spread_factor else 0.0
        usual = seen.load.mean(now - demand.usual_seconds, now)
        expected = demand.expected(load, usual, self._rise(seen, now)) * learned
        return Reading(value=milli(demand.replicas(expected, spread * learned)))

    def _learned(self, seen: Metrics, now: float, recent: Sequence[Total], tokens: tuple[float, float]) -> float:
        """By what the load counts, from the engines' step times; 1 where nothing is learned yet."""
        demand, learning = self.demand, self.demand.learning
        if learning is None:
            return 1.0
        seen.at_work.add(now, recent[-1].at_work)
        seen.planned_work.add(now, learning.times.work(mean([total.step_rate for total in recent]), *tokens))
        since = now - learning.window_seconds
        at_work, planned = seen.at_work.total(since, now), seen.planned_work.total(since, now)
        if not learning.is_enough(seen.at_work.count(since, now), at_work, demand.scrape_seconds):
            return 1.0
        return learning.factor(at_work / planned if planned else inf)

    def _rise(self, seen: Metrics, now: float) -> float:
        demand = self.demand
        times, values = seen.load.points(now - demand.trend_seconds, now)
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
