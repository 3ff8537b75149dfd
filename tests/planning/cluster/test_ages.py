"""What gets old by itself is told before it is urgent, by the day on which the stack file is looked at."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from planning.decide import decide
from planning.model import CreateClusterPlan
from planning.plan import plan
from planning.units import days_between
from settings.read import Loaded
from tests.planning.stacks import errors, planned, pool, refusal, stack

PINNED = [pool(amiReleaseVersion="1.35.4-20260505")]


def told(today: str, rule: str, **sections: Any) -> dict[str, str]:
    findings = plan(stack(**sections), "dev", today=today).findings
    return {finding.path: finding.text for finding in findings if finding.rule == rule}


@pytest.mark.parametrize(("today", "days"), [("2027-01-26", 60), ("2027-03-27", 0)])
def test_the_end_of_standard_support_is_told_from_sixty_days_before(today: str, days: int) -> None:
    message = told(today, "support-ends")["cluster.version"]
    assert "2027-03-27" in message
    assert f"in {days} days" in message
    assert "write '1.36'" in message


@pytest.mark.parametrize("today", ["2027-01-25", "2026-01-01"])
def test_before_that_nothing_is_said(today: str) -> None:
    assert told(today, "support-ends") == {}


def test_a_pinned_release_is_old_after_half_a_year() -> None:
    assert told("2026-11-01", "ami-age", nodePools=PINNED) == {}
    message = told("2026-11-02", "ami-age", nodePools=PINNED)["nodePools[0].amiReleaseVersion"]
    assert "is 181 days old" in message
    system = {"amiReleaseVersion": "1.35.4-20260505"}
    assert list(told("2026-11-02", "ami-age", systemNodes=system)) == ["systemNodes.amiReleaseVersion"]


def test_the_day_is_that_of_who_reads_the_file_or_of_our_tables() -> None:
    late = decide(Loaded("dev", stack(), today="2027-03-01"))
    assert "support-ends" in {finding.rule for finding in late.findings}
    assert "support-ends" not in {finding.rule for finding in decide(Loaded("dev", stack())).findings}


@given(some.dates(), some.dates())
def test_days_are_counted_as_the_calendar_does(first: date, second: date) -> None:
    assert days_between(first.isoformat(), second.isoformat()) == (second - first).days


def test_an_addon_is_pinned_by_name_or_follows_the_cluster() -> None:
    cluster = planned(cluster={"version": "1.34", "addons": {"coredns": "v1.12.1-eksbuild.2"}}).cluster
    assert isinstance(cluster, CreateClusterPlan)
    age = {addon.name: (addon.version, addon.kubernetes_version) for addon in cluster.addons}
    assert age["coredns"] == ("v1.12.1-eksbuild.2", "1.34")
    assert age["vpc-cni"] == (None, "1.34")
    wrong = errors(refusal(cluster={"addons": {"core-dns": "v1.12.1-eksbuild.2"}}))
    assert "did you mean coredns?" in wrong["cluster.addons.core-dns"]
