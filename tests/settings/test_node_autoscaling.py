from __future__ import annotations

import pytest
from pydantic import ValidationError

from settings.node_autoscaling import ClusterAutoscalerSettings, NoNodeAutoscaling
from settings.stack import StackSettings


def _read(value: object) -> object:
    return StackSettings.model_validate({"nodeAutoscaling": value}).node_autoscaling


def test_the_cluster_autoscaler_is_the_usual_one_and_kind_may_be_left_out() -> None:
    assert StackSettings().node_autoscaling == ClusterAutoscalerSettings()
    assert _read({"scaleDownAfterSeconds": 60}) == ClusterAutoscalerSettings(scale_down_after_seconds=60)
    assert _read({"kind": "none"}) == NoNodeAutoscaling(kind="none")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "karpenter"},
        {"kind": "none", "scaleDownAfterSeconds": 60},
        {"scaleDownAfterSeconds": 9},
        {"scaleDownAfterSeconds": 86_401},
    ],
)
def test_what_cannot_be_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        _read(wrong)
