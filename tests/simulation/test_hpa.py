"""The HPA's algorithm on the controller's own cases, told in our form.

Numbers from kubernetes v1.36.2, pkg/controller/podautoscaler: replica_calculator_test.go and horizontal_test.go; the
name of the controller's test stands beside each.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulation.hpa import (
    DEFAULT_UP,
    Hpa,
    HpaMetric,
    HpaSpec,
    NoMetric,
    Phase,
    PodState,
    Policy,
    Reading,
    Rules,
    cpu_proposal,
    external_proposal,
    pods_proposal,
    value_proposal,
)

SPEC = HpaSpec(1, 1000, (HpaMetric("qps", "pods", 1),))
NOW = 10_000.0


def pods(count: int, **others: object) -> list[PodState]:
    return [PodState(f"pod-{number}", started_seconds=0.0, ready_changed_seconds=0.0) for number in range(count)]


def levels(*values: int) -> dict[str, int]:
    return {f"pod-{number}": value for number, value in enumerate(values)}


PODS_CASES = [
    ("ScaleUpCM", 3, levels(20000, 10000, 30000), 15000, 4),
    ("ScaleUpCMUnreadyHotCpuNoLessScale", 3, levels(50000, 10000, 30000), 15000, 6),
    ("ScaleUpCMUnreadyHotCpuScaleWouldScaleDown", 3, levels(50000, 15000, 30000), 15000, 7),
    ("ScaleUpCMExternal (pod metric)", 1, levels(8600), 4400, 2),
    ("ScaleDownCM", 5, levels(12000, 12000, 12000, 12000, 12000), 20000, 3),
    ("ToleranceCM", 3, levels(20000, 21000, 21000), 20000, 3),
    ("PlainMetricMissingMetricsNoChangeEq", 5, levels(20000, 19000, 21000), 20000, 5),
]


@pytest.mark.parametrize(("name", "current", "values", "target", "wanted"), PODS_CASES)
def test_pods_metrics(name: str, current: int, values: dict[str, int], target: int, wanted: int) -> None:
    assert pods_proposal(current, values, target, pods(current), SPEC) == wanted


def test_a_surge_pod_without_metric_does_not_shrink_a_rollout() -> None:
    """TestReplicaCalcDuringRollingUpdateWithMaxSurgeCM."""
    assert pods_proposal(2, levels(10000, 10000), 17000, pods(3), SPEC) == 2


def test_pods_without_metrics_hold_back_both_directions() -> None:
    assert pods_proposal(3, levels(10, 10), 20, pods(3), SPEC) == 2  # (10 + 10 + 20) / 3 = 13 of 20
    assert pods_proposal(3, levels(30, 30), 20, pods(3), SPEC) == 3  # (30 + 30 + 0) / 3 = 20 of 20
    with pytest.raises(NoMetric):
        pods_proposal(3, {}, 20, pods(3), SPEC)


def test_pending_pods_count_as_idle_only_when_growing() -> None:
    some = [*pods(2), PodState("pod-2", Phase.PENDING, ready=False)]
    assert pods_proposal(3, levels(40, 40), 20, some, SPEC) == 4
    assert pods_proposal(3, levels(10, 10), 20, some, SPEC) == 1


def test_terminating_and_failed_pods_are_ignored() -> None:
    some = [*pods(2), PodState("pod-2", Phase.TERMINATING), PodState("pod-3", Phase.FAILED)]
    assert pods_proposal(2, levels(40, 40, 900, 900), 20, some, SPEC) == 4


EXTERNAL_CASES = [
    ("ScaleUpPerPodCMExternal", 3, 8600, 2150, 4),
    ("ScaleDownPerPodCMExternal", 5, 8600, 2867, 3),
    ("TolerancePerPodCMExternal", 3, 8600, 2900, 3),
    ("ScaleDownPerPodCMObject", 5, 6000, 2000, 3),
    ("TolerancePerPodCMObject", 4, 20166, 5000, 4),
]


@pytest.mark.parametrize(("name", "current", "value", "target", "wanted"), EXTERNAL_CASES)
def test_average_values_of_one_number(name: str, current: int, value: int, target: int, wanted: int) -> None:
    assert external_proposal(current, value, target, SPEC) == wanted


def test_values_of_one_number_multiply_the_ready_pods() -> None:
    one_ready = [replace(pod, ready=number == 1) for number, pod in enumerate(pods(3))]
    assert value_proposal(3, 8600, 4400, one_ready, SPEC) == 2  # ScaleUpCMExternalIgnoresUnreadyPods
    assert value_proposal(3, 50000, 10000, one_ready, SPEC) == 5  # ScaleUpCMObjectIgnoresUnreadyPods
    assert value_proposal(5, 12000, 20000, pods(5), SPEC) == 3  # ScaleDownCMObject
    assert value_proposal(5, 8600, 14334, pods(5), SPEC) == 3  # ScaleDownCMExternal
    assert value_proposal(3, 20666, 20000, pods(3), SPEC) == 3  # ToleranceCMObject
    assert value_proposal(3, 8600, 8888, pods(3), SPEC) == 3  # ToleranceCMExternal


def hot(pod: PodState) -> PodState:
    return replace(pod, started_seconds=NOW - 5, ready_changed_seconds=NOW - 5)


def never_ready(pod: PodState) -> PodState:
    return replace(pod, ready=False, started_seconds=NOW - 5, ready_changed_seconds=NOW - 5)


CPU_CASES = [
    ("ScaleUp", [], [], levels(600, 1000, 1400), 30, 5),
    ("ScaleUpUnreadyLessScale", [0], [], levels(600, 1000, 1400), 30, 4),
    ("ScaleUpHotCpuLessScale", [], [0], levels(600, 1000, 1400), 30, 4),
    ("ScaleUpUnreadyNoScale", [1, 2], [], levels(800, 1000, 1400), 30, 3),
    ("ScaleHotCpuNoScale", [0], [1, 2], levels(800, 1000, 1400), 30, 3),
]


@pytest.mark.parametrize(("name", "unready", "heated", "usage", "target", "wanted"), CPU_CASES)
def test_cpu(name: str, unready: list[int], heated: list[int], usage: dict[str, int], target: int, wanted: int) -> None:
    some = pods(3)
    some = [never_ready(pod) if n in unready else hot(pod) if n in heated else pod for n, pod in enumerate(some)]
    if name == "ScaleHotCpuNoScale":
        some = [hot(pods(3)[0]), never_ready(pods(3)[1]), hot(pods(3)[2])]
        some[0] = replace(some[0], started_seconds=0.0, ready_changed_seconds=0.0)
    requests = levels(2000, 2000, 2000)
    assert cpu_proposal(3, usage, requests, target, some, NOW, SPEC) == wanted


def test_cpu_of_missing_pods_is_their_request_when_shrinking() -> None:
    """TestReplicaCalcMissingMetricsScaleDownTargetOver100 and MissingMetricsUnreadyScaleDown."""
    requests = {"pod-0": 2000, "pod-1": 2000, "pod-2": 4000, "pod-3": 4000}
    assert cpu_proposal(4, levels(400, 200, 200), requests, 300, pods(4), NOW, SPEC) == 2
    with pytest.raises(NoMetric):
        cpu_proposal(1, {"older": 100}, levels(1000), 100, pods(1), NOW, SPEC)


def by_rules(*, pods_limit: tuple[int, int] | None = None, percent: tuple[int, int] | None = None) -> Rules:
    policies = []
    if pods_limit:
        policies.append(Policy("Pods", *pods_limit))
    if percent:
        policies.append(Policy("Percent", *percent))
    return Rules(0, tuple(policies))


NO_DOWN = Rules(0, (Policy("Percent", 100, 15),))
RULE_CASES = [
    ("within range", 5, 7, 3, 8, None, None, 7),
    ("below minimum", 3, 1, 2, 8, None, None, 2),
    ("above maximum", 20, 1000, 1, 10, None, None, 10),
    ("one pod a minute", 3, 1000, 1, 2000, by_rules(pods_limit=(1, 60)), None, 4),
    ("twenty pods down", 1000, 3, 3, 2000, None, by_rules(pods_limit=(20, 60)), 980),
    ("default doubles", 10, 50, 1, 1000, None, None, 20),
    ("pods above percent", 10, 500, 1, 1000, by_rules(pods_limit=(100, 60), percent=(100, 60)), None, 110),
    ("percent above pods", 10, 500, 1, 1000, by_rules(pods_limit=(2, 60), percent=(100, 60)), None, 20),
    ("large pod policy", 10, 50, 1, 1000, by_rules(pods_limit=(100, 60)), None, 50),
    ("large percent policy", 10, 50, 1, 1000, by_rules(percent=(10000, 60)), None, 50),
    ("thirty pods", 10, 50, 1, 1000, by_rules(pods_limit=(30, 60)), None, 40),
    ("two hundred percent", 10, 50, 1, 1000, by_rules(percent=(200, 60)), None, 30),
    ("down: pods above percent", 100, 2, 1, 1000, None, by_rules(pods_limit=(20, 60), percent=(1, 60)), 80),
]


@pytest.mark.parametrize(("name", "current", "desired", "fewest", "most", "up", "down", "wanted"), RULE_CASES)
def test_policies_and_bounds(
    name: str, current: int, desired: int, fewest: int, most: int, up: Rules | None, down: Rules | None, wanted: int
) -> None:
    """TestScalingWithRules, cases without scale events."""
    hpa = Hpa(replace(SPEC, min_replicas=fewest, max_replicas=most, up=up or DEFAULT_UP, down=down or NO_DOWN))
    if current > most:
        assert hpa.sync(NOW, current, pods(current), {"qps": Reading(by_pod=levels(desired))}) == wanted
    else:
        assert hpa.normalize(NOW, current, desired) == wanted


STABLE_CASES = [
    ("no history, down", [], 100, 5, 0, 0, 5),
    ("down window", [(4, 120), (5, 60)], 100, 3, 0, 180, 5),
    ("up window", [(4, 120), (5, 60)], 1, 7, 300, 0, 4),
    ("no down window", [(1, 120), (2, 60)], 100, 3, 300, 0, 3),
    ("no up window", [(4, 120), (5, 60)], 1, 3, 0, 300, 3),
    ("too old, down", [(10, 600), (9, 540)], 100, 3, 0, 0, 3),
    ("too old, up", [(10, 600), (9, 540)], 1, 100, 0, 0, 100),
    ("some too old, down", [(10, 600), (4, 60), (5, 120), (9, 540)], 100, 3, 0, 180, 5),
    ("some too old, up", [(10, 6000), (6, 60), (5, 120), (9, 180)], 1, 100, 300, 0, 5),
]


@pytest.mark.parametrize(("name", "history", "current", "desired", "up", "down", "wanted"), STABLE_CASES)
def test_stabilization_windows(
    name: str, history: list[tuple[int, int]], current: int, desired: int, up: int, down: int, wanted: int
) -> None:
    """TestNormalizeDesiredReplicasWithBehavior."""
    free = (Policy("Pods", 10_000, 15), Policy("Percent", 100, 15))
    hpa = Hpa(replace(SPEC, min_replicas=0, up=Rules(up, free), down=Rules(down, free)))
    hpa.recommendations = [(NOW - ago, count) for count, ago in history]
    assert hpa.normalize(NOW, current, desired) == wanted


def test_events_of_the_period_count_against_a_policy() -> None:
    hpa = Hpa(replace(SPEC, up=by_rules(pods_limit=(4, 60)), down=NO_DOWN))
    readings = {"qps": Reading(by_pod=levels(1000))}
    assert hpa.sync(NOW, 1, pods(1), readings) == 5
    assert hpa.sync(NOW + 15, 5, pods(1), readings) == 5
    assert hpa.sync(NOW + 61, 5, pods(1), readings) == 9


def test_a_failing_metric_stops_shrinking_but_not_growing() -> None:
    spec = replace(SPEC, metrics=(HpaMetric("a", "external", 1000), HpaMetric("b", "external", 1000)), down=NO_DOWN)
    assert Hpa(spec).sync(NOW, 4, pods(4), {"a": Reading(value=1000)}) == 4
    assert Hpa(spec).sync(NOW, 4, pods(4), {"a": Reading(value=6000)}) == 6
    assert Hpa(spec).sync(NOW, 4, pods(4), {"a": Reading(value=1000), "b": Reading(value=2000)}) == 2
    assert Hpa(spec).sync(NOW, 4, pods(4), {}) == 4


def test_an_hpa_leaves_zero_alone() -> None:
    assert Hpa(SPEC).sync(NOW, 0, [], {"qps": Reading(by_pod=levels(1))}) == 0
