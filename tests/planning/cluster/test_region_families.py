"""Node pools against the dated table of what a region sells."""

from __future__ import annotations

from planning.model import Severity
from tests.planning.stacks import planned, pool


def told(region: str, kind: str) -> dict[str, str]:
    findings = planned(region=region, nodePools=[pool(instanceTypes=[kind])]).findings
    return {finding.path: finding.text for finding in findings if finding.rule == "region-family"}


def test_a_family_that_the_region_does_not_sell_is_a_warning_that_names_where_it_is_sold() -> None:
    lines = told("eu-west-1", "g6e.xlarge")
    assert list(lines) == ["nodePools[0].instanceTypes[0]"]
    message = lines["nodePools[0].instanceTypes[0]"]
    assert "g6e was not sold in eu-west-1" in message
    assert "there: g4dn, g5, p4d" in message
    assert "eu-central-1" in message
    assert "--region eu-west-1" in message


def test_a_family_that_it_sells_is_not_spoken_of() -> None:
    assert told("us-east-1", "g6e.xlarge") == {}
    assert told("eu-west-1", "g5.xlarge") == {}


def test_a_warning_does_not_refuse() -> None:
    findings = planned(region="eu-west-1", nodePools=[pool(instanceTypes=["g6e.xlarge"])]).findings
    assert {finding.severity for finding in findings if finding.rule == "region-family"} == {Severity.WARNING}
