"""Declared traffic against what the replicas do: warnings, since rates are estimates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planning.findings import Findings
from planning.model import Severity
from planning.throughput.traffic_check import check_traffic
from settings.models import Model
from tests.planning.stacks import errors, model, planned, pool, refusal

RULES = {"traffic-beyond-capacity", "replicas-idle", "slo-unreachable"}


def plan(rate: float | None, fewest: int = 1, most: int = 2, **changes: Any) -> Any:
    traffic = {} if rate is None else {"traffic": {"requestsPerSecond": rate}}
    asked = model(autoscaling={"minReplicas": fewest, "maxReplicas": most}, **traffic, **changes)
    return planned(models=[asked], nodePools=[pool(instanceTypes=["g6e.xlarge"], minNodes=most, maxNodes=most)])


def findings_of(stack: Any) -> dict[str, str]:
    return {finding.rule: finding.text for finding in stack.findings if finding.rule in RULES}


def test_traffic_that_the_replicas_carry_needs_no_words() -> None:
    assert findings_of(plan(1.0)) == {}


def test_traffic_beyond_what_most_replicas_do_says_how_many_would() -> None:
    stack = plan(30.0)
    needed = stack.models[0].throughput.replicas_needed
    message = findings_of(stack)["traffic-beyond-capacity"]
    assert "is more than they can do" in message
    assert f"write {needed}, and as many nodes" in message
    warning = next(finding for finding in stack.findings if finding.rule == "traffic-beyond-capacity")
    assert (warning.severity, warning.path) == (Severity.WARNING, "models[0].autoscaling.maxReplicas")
    assert findings_of(plan(30.0, most=needed)) == {}


def test_traffic_that_fits_on_average_but_not_by_chance_is_told_apart() -> None:
    rate = plan(1.0).models[0].throughput.slo_requests_per_second * 1.9
    assert "leaves no room for chance" in findings_of(plan(rate))["traffic-beyond-capacity"]


def test_replicas_that_never_have_anything_to_do_are_told_but_a_spare_is_not() -> None:
    assert findings_of(plan(0.1, fewest=2)) == {}
    message = findings_of(plan(0.1, fewest=4, most=4))["replicas-idle"]
    assert "though the busiest hour needs 1" in message
    assert message.endswith("write 2")


def test_a_promise_that_one_request_alone_breaks_is_told_where_it_was_made() -> None:
    stack = plan(None, slo={"timePerOutputTokenSeconds": 0.005})
    assert "hold it" in findings_of(stack)["slo-unreachable"]
    assert next(finding.path for finding in stack.findings if finding.rule == "slo-unreachable") == "models[0].slo"


@pytest.mark.parametrize(("written", "told"), [({}, 0), ({"slo": {}}, 1), ({"traffic": {"requestsPerSecond": 1}}, 1)])
def test_a_default_slo_is_held_against_a_slow_gpu_only_where_somebody_wrote_of_it(
    written: dict[str, Any], told: int
) -> None:
    served = plan(None).models[0]
    slow = replace(served.throughput, slo_share_alone=0.6)
    findings = Findings()
    check_traffic(Model.model_validate(model(**written)), slow, served.autoscaling, "models[0]", findings)
    assert [each.rule for each in findings.all()] == ["slo-unreachable"] * told


def test_mean_requests_longer_than_the_model_takes_are_refused() -> None:
    asked = model(maxModelLen=1024, traffic={"requestsPerSecond": 1, "inputTokens": 1000, "outputTokens": 200})
    assert "write maxModelLen: 1200" in errors(refusal(models=[asked]))["models[0].traffic"]


@pytest.mark.parametrize("rate", [None, 1.0])
def test_the_plan_says_whose_lengths_its_throughput_has(rate: float | None) -> None:
    throughput = plan(rate).models[0].throughput
    assert throughput.declared is (rate is not None)
    assert (throughput.replicas_needed is None) is (rate is None)


def test_an_unknown_model_has_no_throughput_and_no_warning_about_it() -> None:
    stack = plan(100.0, source="acme/secret-7B")
    assert stack.models[0].throughput is None
    assert findings_of(stack) == {}
