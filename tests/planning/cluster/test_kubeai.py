"""What KubeAI is told of a model's load: one whole number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planning.cluster.kubeai import UNREAD_TARGET, target_requests
from tests.components.plans import IN_FLIGHT, MODEL


@pytest.mark.parametrize(
    ("targets", "told"), [((44.8,), 44), ((44.8, 12.2), 12), ((0.4,), 1), ((250.0,), 250), ((), UNREAD_TARGET)]
)
def test_the_lowest_target_counts_down_to_a_whole_number_and_never_to_none(
    targets: tuple[float, ...], told: int
) -> None:
    metrics = tuple(replace(IN_FLIGHT, target=target) for target in targets)
    assert target_requests(replace(MODEL.autoscaling, metrics=metrics)) == told
