"""The stack files that faults are provoked on can work, and differ where kills need work to fall into."""

from __future__ import annotations

import pytest

from local.faults.ground import STACK, stack_file
from planning.decide import decide
from planning.model import StackPlan
from settings.read import read


def planned(state: str) -> StackPlan:
    config = stack_file(state)["config"]
    return decide(read({key.removeprefix("vllm-on-eks:"): value for key, value in config.items()}, STACK))


@pytest.mark.parametrize("state", ["one", "two", "full"])
def test_each_file_makes_a_plan_with_a_spare_gpu_for_a_rollout(state: str) -> None:
    plan = planned(state)
    (pool,) = plan.gpu_pools
    assert pool.min_nodes > len(plan.models)


def test_two_has_another_model_and_other_tags_and_full_has_monitoring() -> None:
    one, two, full = planned("one"), planned("two"), planned("full")
    assert [model.name for model in two.models] == ["qwen", "second"]
    assert one.tags != two.tags
    assert one.monitoring is None
    assert full.monitoring is not None
