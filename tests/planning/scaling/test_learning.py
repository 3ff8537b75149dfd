"""What of a model's load is learned: bounds, powers, and what forbids it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planning.model import Severity
from planning.model.demand import DEMAND_RULE, EXPECTED_RULE, LOAD_RULE
from planning.model.learning import AT_WORK_RULE, LEARNED_RULE, PLANNED_WORK_RULE, STEP_TIME_RULE, Learning
from planning.scaling import learning
from planning.scaling.policy import decide, tuning_for
from tests.planning.scaling.test_policy import capacity_of
from tests.planning.stacks import model, planned, pool, refusal

MOVES = {"minReplicas": 1, "maxReplicas": 2}
LEARNING_RULES = {AT_WORK_RULE, PLANNED_WORK_RULE, STEP_TIME_RULE, LEARNED_RULE}


def learned(card: str = "l40s") -> Learning:
    learns = decide(capacity_of(card), 240, 1, 9).demand.learning
    assert learns is not None
    return learns


def recorded(**changes: Any) -> list[str]:
    changes = {"autoscaling": MOVES, **changes}
    (served,) = planned(models=[model(**changes)], nodePools=[pool(minNodes=2)]).models
    return [recording.record for recording in served.autoscaling.recordings]


@pytest.mark.parametrize("card", ["l4", "a10g", "l40s", "h100"])
def test_no_replica_is_trusted_with_more_than_twice_or_less_than_half_its_plan(card: str) -> None:
    factors = [learned(card).factor(ratio) for ratio in (0.0, 0.01, 0.5, 0.8, 1.0, 1.2, 2.0, 100.0, float("inf"))]
    assert factors == sorted(factors)
    assert (factors[0], factors[-1]) == (0.5, 2.0)
    assert factors[4] == 1.0


def test_what_is_as_near_as_the_plans_own_sums_changes_nothing_and_what_lies_beyond_counts_from_there() -> None:
    learns = learned()
    assert [learns.factor(ratio) for ratio in (1 / 1.05, 0.97, 1.03, 1.05)] == [1.0] * 4
    assert learns.factor(1.0501) == pytest.approx(1.0, abs=1e-3)
    assert learns.factor(0.952) == pytest.approx(1.0, abs=1e-3)
    assert learns.factor(1.3) == pytest.approx((1.3 / 1.05) ** learns.slower_power)
    assert learns.factor(0.8) == pytest.approx((0.8 * 1.05) ** learns.quicker_power)


def test_steps_that_take_longer_cost_a_slow_replica_more_than_a_quick_one() -> None:
    powers = [learned(card).slower_power for card in ("l4", "l40s", "h100")]
    assert powers == sorted(powers, reverse=True)
    assert powers[-1] == learning.QUICK_POWER < powers[0] <= learning.SLOW_POWER


def test_a_replica_whose_steps_are_not_known_and_a_rule_that_does_not_learn_leave_the_plans_word() -> None:
    what = capacity_of("l40s")
    assert learning.learning(replace(what, step_times=None), 1.0) is None
    assert decide(what, 240, 1, 9, replace(tuning_for(), learns=False)).demand.learning is None


def test_the_rules_stand_between_the_load_and_what_is_expected_of_it() -> None:
    assert recorded() == [
        *(LOAD_RULE, AT_WORK_RULE, PLANNED_WORK_RULE, STEP_TIME_RULE, LEARNED_RULE, EXPECTED_RULE, DEMAND_RULE)
    ]


DRAFT = {"method": "ngram", "numSpeculativeTokens": 3}


@pytest.mark.parametrize(
    ("changes", "learns"),
    [
        ({}, True),
        ({"autoscaling": {**MOVES, "learnLoad": False}}, False),
        ({"autoscaling": {**MOVES, "kind": "keda", "learnLoad": False}}, False),
        ({"autoscaling": {**MOVES, "kind": "keda"}}, True),
        ({"extraArgs": ['--speculative-config={"method":"ngram"}']}, False),
        ({"extraArgs": ['-sc={"method":"ngram"}']}, False),
        ({"extraArgs": ["--max-num-batched-tokens=1024"]}, True),
    ],
)
def test_a_load_is_learned_unless_it_is_forbidden_or_steps_run_a_draft_model_too(
    changes: dict[str, Any], learns: bool
) -> None:
    assert (set(recorded(**changes)) >= LEARNING_RULES) is learns
    assert (LEARNING_RULES & set(recorded(**changes)) == set()) is not learns
    assert DEMAND_RULE in recorded(**changes)


@pytest.mark.parametrize("flag", ["--pipeline-parallel-size=2", "--data-parallel-size=2", "--api-server-count=4"])
def test_engines_whose_steps_overlap_or_count_twice_are_not_in_a_stack(flag: str) -> None:
    """The rules rest on it: whoever lets them in has to take them out of what is learned."""
    findings = refusal(models=[model(autoscaling=MOVES, extraArgs=[flag])], nodePools=[pool(minNodes=2)])
    assert "models[0].extraArgs[0]" in {finding.path for finding in findings if finding.severity is Severity.ERROR}


def test_stages_whose_steps_overlap_leave_the_plans_word() -> None:
    staged = model(autoscaling=MOVES, pipelineParallel=2)
    (served,) = planned(models=[staged], nodePools=[pool(instanceTypes=["g6.12xlarge"], minNodes=2)]).models
    made = {recording.record for recording in served.autoscaling.recordings}
    assert DEMAND_RULE in made
    assert not LEARNING_RULES & made


def test_a_model_that_follows_something_else_than_demand_learns_nothing() -> None:
    assert recorded(autoscaling={**MOVES, "metrics": [{"kind": "inFlight"}]}) == []
