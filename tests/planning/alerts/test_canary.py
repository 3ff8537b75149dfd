"""Canaries: shares of pods as Argo Rollouts chooses them, what is measured, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from planning.alerts.canary import canary_pods
from planning.model import ServedModel
from tests.planning.stacks import errors, model, planned, pool, refusal, stack

CANARY: dict[str, Any] = {"kind": "canary"}


def canary(**sections: Any) -> dict[str, Any]:
    """A stack with one model that has a canary and a GPU to spare."""
    asked = model(**{"rollout": CANARY, **sections.pop("model", {})})
    return {"models": [asked], "nodePools": [pool(maxNodes=3)], **sections}


def served(**sections: Any) -> ServedModel:
    (found,) = planned(**canary(**sections)).models
    return found


@pytest.mark.parametrize(
    ("replicas", "weight", "surge", "pods"),
    [
        # argo-rollouts v1.9.0, docs/features/canary (replica shares without a traffic router) and canary_test.go
        (1, 20, True, (1, 2)),
        (1, 20, False, (1, 1)),
        (2, 50, True, (1, 2)),
        (3, 50, False, (2, 3)),
        (4, 25, True, (1, 4)),
        (4, 99, True, (4, 5)),
        (4, 99, False, (3, 4)),
        (5, 10, True, (1, 6)),
        (10, 1, True, (1, 11)),
        (10, 30, False, (3, 10)),
    ],
)
def test_shares_are_those_that_the_controller_chooses(
    replicas: int, weight: int, surge: bool, pods: tuple[int, int]
) -> None:
    assert canary_pods(replicas, weight, surge) == pods


def test_what_is_measured_comes_from_the_slo_at_the_new_pods_alone() -> None:
    slo = {"timeToFirstTokenSeconds": 1.0, "timePerOutputTokenSeconds": 0.05, "availability": 0.995}
    plan = served(model={"slo": slo}).canary
    assert plan is not None
    assert {metric.name: metric.at_most for metric in plan.metrics} == {
        "time-to-first-token": 1.0,
        "time-per-output-token": 0.05,
        "failed-share": 0.05,
    }
    assert all('job="models/chat",pod=~"chat-{{args.hash}}-.*"' in metric.query for metric in plan.metrics)
    assert all("%s" not in metric.query and "[2m]" in metric.query for metric in plan.metrics)
    own = {"timeToFirstTokenSeconds": 4, "timePerOutputTokenSeconds": 0.2, "failedShare": 0.2}
    plan = served(model={"slo": slo, "rollout": {**CANARY, **own}}).canary
    assert plan is not None
    assert [metric.at_most for metric in plan.metrics] == [4, 0.2, 0.2]
    strict = served(model={"slo": {"availability": 0.99999}}).canary
    assert strict is not None
    assert strict.metrics[-1].at_most == 0.01, "a hundredth: fewer cannot be told of a few hundred requests"


def test_a_step_is_looked_at_as_often_as_its_time_allows() -> None:
    steps = [{"weight": 20}, {"weight": 50, "seconds": 3600}]
    plan = served(model={"rollout": {**CANARY, "steps": steps}}).canary
    assert plan is not None
    assert (plan.interval_seconds, plan.delay_seconds) == (60, 120)
    assert [(step.weight, step.measurements, step.silent) for step in plan.steps] == [(20, 9, 4), (50, 59, 29)]
    assert plan.watched_seconds == 600 + 3600
    sections = canary(model={"rollout": {**CANARY, "steps": [{"weight": 50, "seconds": 60}]}})
    stack_plan = planned(**sections)
    short = stack_plan.models[0].canary
    assert short is not None
    assert (short.watched_seconds, short.steps[0].seconds) == (70, 70), "60 s to the first of two measurements"
    (told,) = [each for each in stack_plan.findings if each.rule == "canary-short"]
    assert (told.path, told.fix) == ("models[0].rollout.steps[0].seconds", "write 70 or more")
    assert (short.interval_seconds, short.delay_seconds, short.steps[0].measurements) == (10, 60, 2)


def test_a_canary_brings_its_operator_and_has_no_deployment() -> None:
    plan = planned(**canary())
    (chat,) = plan.models
    assert chat.deployment_suffix is None
    assert chat.operators == ("argo-rollouts",)
    (operator,) = plan.operators
    assert (operator.name, operator.namespace, operator.asks_prometheus) == ("argo-rollouts", "argo-rollouts", True)
    assert plan.monitoring is not None
    assert plan.monitoring.network.prometheus_clients == ("argo-rollouts",)
    alerts = {alert.name: alert.expr for group in chat.alert_groups for alert in group.alerts}
    assert 'exported_namespace="models",name="chat",phase=~"Abort|Timeout|Error"' in alerts["VllmCanaryGoneBack"]
    assert "kube_deployment" not in alerts["VllmUnavailable"]
    usual = planned()
    assert usual.operators == ()
    assert usual.models[0].canary is None
    assert "VllmCanaryGoneBack" not in {alert.name for group in usual.models[0].alert_groups for alert in group.alerts}


@pytest.mark.parametrize(
    ("sections", "path", "words"),
    [
        (
            {"monitoring": {"enabled": False}, "model": {"autoscaling": {"kind": "none"}}},
            "models[0].rollout.kind",
            "nothing measures",
        ),
        ({"nodePools": [pool(maxNodes=1)]}, "models[0].rollout.kind", "nothing is left to go back to"),
        (
            {"model": {"autoscaling": {"kind": "keda", "minReplicas": 0, "wake": {"query": "sum(x)"}}}},
            "models[0].rollout.kind",
            "at zero replicas",
        ),
        ({"backend": "kserve", "systemNodes": {"minNodes": 3}}, "models[0].rollout.kind", "these do: deployment"),
    ],
    ids=["monitoring", "room", "zero", "backend"],
)
def test_a_canary_that_cannot_be_judged_or_taken_back_is_refused(
    sections: dict[str, Any], path: str, words: str
) -> None:
    assert words in errors(refusal(**canary(**sections)))[path]


def test_weights_that_do_not_go_up_are_refused() -> None:
    steps = [{"weight": 50}, {"weight": 50}]
    with pytest.raises(ValidationError, match="do not go up"):
        stack(**canary(model={"rollout": {**CANARY, "steps": steps}}))


def test_a_share_that_the_pods_cannot_have_is_told() -> None:
    (told,) = [each for each in planned(**canary()).findings if each.rule == "canary-coarse"]
    assert told.path == "models[0].rollout.steps[0].weight"
    assert "1 of 2 pods: 50 %" in told.message
    fine = {"autoscaling": {"minReplicas": 2, "maxReplicas": 2}}
    assert "canary-coarse" not in {each.rule for each in planned(**canary(model=fine)).findings}
