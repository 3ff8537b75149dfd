from __future__ import annotations

import pytest

from planning.findings import Findings
from planning.model import Severity
from planning.serving.drain import ENGINE_WAIT_SECONDS, MARGIN_SECONDS, plan_drain
from planning.versions import vllm_versions
from settings.backends import Backend
from settings.models import Drain
from tests.planning.stacks import errors, model, planned, pool, refusal, rules


def test_the_grace_period_is_the_sum_and_a_margin() -> None:
    drain = planned().models[0].drain
    assert (drain.pre_stop_seconds, drain.shutdown_timeout_seconds) == (15, 120)
    assert drain.engine_wait_seconds == ENGINE_WAIT_SECONDS
    assert drain.grace_period_seconds == 15 + ENGINE_WAIT_SECONDS + 120 + MARGIN_SECONDS


@pytest.mark.parametrize(
    ("drain", "wait", "grace"),
    [
        ({"gracePeriodSeconds": 160}, 10, 160),
        ({"gracePeriodSeconds": 150}, 0, 150),
        ({"gracePeriodSeconds": 140}, 0, 140),
        ({"gracePeriodSeconds": 600}, ENGINE_WAIT_SECONDS, 600),
        ({"shutdownTimeoutSeconds": 850}, 20, 900),
        ({"shutdownTimeoutSeconds": 870}, 0, 900),
        ({"shutdownTimeoutSeconds": 0}, 0, 15 + MARGIN_SECONDS),
        ({"preStopSeconds": 0}, 0, 120 + MARGIN_SECONDS),
    ],
)
def test_the_engine_is_waited_for_within_what_the_grace_period_and_eks_leave(
    drain: dict[str, int], wait: int, grace: int
) -> None:
    made = planned(models=[model(drain=drain)]).models[0].drain
    assert (made.engine_wait_seconds, made.grace_period_seconds) == (wait, grace)


@pytest.mark.parametrize("backend", Backend)
def test_a_backend_whose_pods_have_no_hook_of_ours_does_not_wait(backend: Backend) -> None:
    version = vllm_versions.version_of("v0.32.0")
    made = plan_drain(Drain(), backend, version, False, "", Findings())
    waits = backend.value not in ("ray", "kubeai")
    assert (made.engine_wait_seconds, made.grace_period_seconds) == ((30, 180) if waits else (0, 150))


def test_a_grace_period_under_the_sum_is_refused() -> None:
    refused = errors(refusal(models=[model(drain={"gracePeriodSeconds": 30})]))
    message = refused["models[0].drain.gracePeriodSeconds"]
    assert "30 s is less than preStopSeconds 15 + shutdownTimeoutSeconds 120" in message
    assert "write 180" in message


def test_a_grace_period_without_margin_and_no_shutdown_time_are_warned_of() -> None:
    plan = planned(models=[model(drain={"gracePeriodSeconds": 140})])
    assert "drain-margin" in rules(plan.findings, Severity.WARNING)
    plan = planned(models=[model(drain={"shutdownTimeoutSeconds": 0})])
    assert "drain-zero" in rules(plan.findings, Severity.WARNING)


def test_spot_nodes_leave_before_a_long_drain_ends() -> None:
    plan = planned(nodePools=[pool(capacity="spot")])
    assert "drain-spot" in rules(plan.findings, Severity.WARNING)
    assert "drain-spot" not in rules(planned().findings, Severity.WARNING)


def test_a_version_that_cannot_drain_gets_no_flag_and_says_so() -> None:
    plan = planned(models=[model(image={"tag": "v0.17.1"})])
    assert "drain-unsupported" in rules(plan.findings, Severity.WARNING)
    assert not any(argument.startswith("--shutdown-timeout") for argument in plan.models[0].args)
    assert plan.models[0].drain.grace_period_seconds == 15 + MARGIN_SECONDS


def test_a_drain_longer_than_eks_waits_is_refused_with_what_fits() -> None:
    refused = errors(refusal(models=[model(drain={"shutdownTimeoutSeconds": 1800})]))
    assert "PodEvictionFailure" in refused["models[0].drain"]
    assert "write shutdownTimeoutSeconds: 870 or less" in refused["models[0].drain"]
    assert planned(models=[model(drain={"shutdownTimeoutSeconds": 870})]).models[0].drain.grace_period_seconds == 900
