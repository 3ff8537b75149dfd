"""Metrics as a scaler sees them, KEDA around zero, and the default policy's two faces."""

from __future__ import annotations

import pytest

from planning.model.demand import DEMAND_RULE, EXPECTED_RULE, LOAD_RULE, Capacity
from planning.scaling.policy import decide
from simulation.hpa import HpaMetric, HpaSpec, Reading
from simulation.metrics import Metrics, PodSample
from simulation.policies import policy
from simulation.scalers import KedaScaler, Scene
from simulation.signals import DemandRule, averaged, per_pod, slope, summed
from simulation.supply import Pod, State

CAPACITY = Capacity(concurrency=40.0, prompt_tokens_per_second=20_000.0, output_tokens_per_second=1000.0)


def sample(running: int = 0, waiting: int = 0, prompt: int = 0, output: int = 0) -> PodSample:
    return PodSample(running, waiting, 0.1, prompt, output, 0.0)


def scene(metrics: Metrics, now: float, replicas: int = 1) -> Scene:
    pods = [Pod(f"pod-{n}", 0.0, State.READY, ready_seconds=0.0, bound_seconds=0.0) for n in range(replicas)]
    return Scene(now, replicas, pods, metrics)


def test_nothing_is_read_where_no_pod_is_up_unless_the_query_says_or_zero() -> None:
    metrics = Metrics()
    metrics.scrape(15, {})
    here = scene(metrics, 20, 0)
    assert summed(lambda pod: pod.waiting)(here) == Reading()
    assert summed(lambda pod: pod.waiting, or_zero=True)(here) == Reading(value=0)
    assert per_pod(lambda pod: pod.waiting)(here) == Reading()
    assert DemandRule(decide(CAPACITY, 240, 1, 9).demand)(here) == Reading()


def test_samples_go_stale_after_five_minutes() -> None:
    metrics = Metrics()
    metrics.scrape(15, {"pod-0": sample(waiting=3)})
    assert per_pod(lambda pod: pod.waiting)(scene(metrics, 314)).by_pod == {"pod-0": 3000}
    assert per_pod(lambda pod: pod.waiting)(scene(metrics, 316)).by_pod is None


def test_a_rate_needs_two_scrapes_of_a_pod() -> None:
    metrics = Metrics()
    rate = averaged(lambda total: total.output_rate, 60)
    metrics.scrape(15, {"pod-0": sample(output=900)})
    assert rate(scene(metrics, 16)).value == 0
    metrics.scrape(30, {"pod-0": sample(output=1200), "pod-1": sample(output=500)})
    metrics.scrape(45, {"pod-0": sample(output=1200), "pod-1": sample(output=1100)})
    assert rate(scene(metrics, 46)).value == pytest.approx((0 + 20 + 40) / 3 * 1000, abs=1)


def keda() -> KedaScaler:
    spec = HpaSpec(1, 5, (HpaMetric("waiting", "external", 5000),))
    queries = {"waiting": summed(lambda pod: pod.waiting, or_zero=True)}
    return KedaScaler("keda", spec, queries, 1, 0, {"waiting": 1000}, polling_seconds=30, cooldown_seconds=300)


def test_keda_goes_to_zero_after_the_cooldown_and_not_before() -> None:
    scaler, metrics = keda(), Metrics()
    counts = {}
    for now in range(15, 400, 15):
        metrics.scrape(now, {"pod-0": sample(waiting=0)})
        counts[now] = scaler.sync(scene(metrics, now))
    assert counts[285] == 1
    assert counts[315] == 0


def test_keda_wakes_above_the_activation_threshold_only() -> None:
    scaler = keda()
    scaler.queries = {"waiting": lambda _: Reading(value=1000)}
    assert scaler.sync(scene(Metrics(), 30, 0)) == 0
    scaler.queries = {"waiting": lambda _: Reading(value=1001)}
    assert scaler.sync(scene(Metrics(), 45, 0)) == 0  # not polled yet
    assert scaler.sync(scene(Metrics(), 60, 0)) == 1


def test_deriv_and_stddev_are_prometheus() -> None:
    assert slope([0, 15, 30], [1.0, 2.5, 4.0]) == pytest.approx(0.1)
    assert slope([0], [1.0]) == 0
    metrics = Metrics()
    for at, value in ((0, 9.0), (15, 1.0), (30, 3.0)):
        metrics.load.add(at, value)
    assert metrics.load.deviation(10, 30) == pytest.approx(1.0)
    assert metrics.load.deviation(100, 200) == 0
    assert metrics.load.mean(10, 30) == pytest.approx(2.0)
    assert metrics.load.mean(100, 200) == 0


def test_the_rendered_rules_carry_the_numbers_the_simulator_uses() -> None:
    demand = decide(CAPACITY, 240, 1, 9).demand
    rules = demand.rules('namespace="models"')
    assert list(rules) == [LOAD_RULE, EXPECTED_RULE, DEMAND_RULE], "each reads the one before"
    assert 'vllm:prompt_tokens_total{namespace="models"}' in rules[LOAD_RULE]
    assert "/ 20000.0" in rules[LOAD_RULE]
    assert "/ 1000.0" in rules[LOAD_RULE]
    assert "/ 40.0" in rules[LOAD_RULE]
    assert f"* {demand.lead_seconds}" in rules[EXPECTED_RULE]
    assert f"/ {demand.utilization:g}" in rules[DEMAND_RULE]
    assert all(rule.count("(") == rule.count(")") for rule in rules.values())


def test_the_load_is_what_says_more_of_tokens_and_requests_in_flight() -> None:
    demand = decide(CAPACITY, 240, 1, 9).demand
    assert demand.load(10_000, 500, 10) == pytest.approx(1.0)
    assert demand.load(10_000, 500, 80) == pytest.approx(2.0)


def test_the_down_window_outlasts_a_cold_start_and_stays_within_the_api() -> None:
    assert decide(CAPACITY, 240, 1, 9).down.window_seconds >= 240
    assert decide(CAPACITY, 100_000, 1, 9).down.window_seconds == 3600


def test_an_unknown_policy_names_the_nearest() -> None:
    with pytest.raises(LookupError, match="did you mean hpa-queue"):
        policy("hpa-queu")


def test_a_steady_load_asks_for_load_over_utilization_and_room() -> None:
    demand = decide(CAPACITY, 240, 1, 9).demand
    rule, metrics = DemandRule(demand), Metrics()
    prompt = output = 0
    for now in range(15, 1500, 15):
        prompt, output = prompt + 15 * 20_000, output + 15 * 1000
        metrics.scrape(now, {"pod-0": sample(running=10, prompt=prompt, output=output)})
        reading = rule(scene(metrics, now))
    settled = demand.replicas(2.0)
    assert reading.value is not None
    assert int(settled * 1000) <= reading.value <= settled * 1000 * 1.6


def test_a_load_that_falls_for_a_moment_is_carried_as_it_usually_is() -> None:
    demand = decide(CAPACITY, 240, 1, 99).demand
    rule, metrics = DemandRule(demand), Metrics()
    for now in range(15, 3600, 15):
        metrics.scrape(now, {"pod-0": sample(running=80 if now < 3400 else 8, prompt=0, output=0)})
        reading = rule(scene(metrics, now))
    assert reading.value is not None
    assert reading.value > 1000 * demand.replicas(1.5)


def test_two_samples_of_a_new_model_are_no_trend() -> None:
    """A first minute that rises from nothing would ask for a fleet: by two samples, any slope is as good as another."""
    demand = decide(CAPACITY, 600, 1, 99).demand
    rule, metrics = DemandRule(demand), Metrics()
    wanted = []
    for now in range(15, 300, 15):
        metrics.scrape(now, {"pod-0": sample(running=4 * min(now // 15, 3), prompt=0, output=0)})
        wanted.append(rule(scene(metrics, now)).value or 0)
    assert max(wanted) <= 1000 * (demand.replicas(12 / CAPACITY.concurrency) + 0.5)
