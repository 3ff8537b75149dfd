from __future__ import annotations

import pytest

from planning.facts import rows
from planning.model import Severity, StackPlan
from planning.nodes.instances import instance_types
from planning.nodes.prices import region_factor
from tests.planning.stacks import planned, pool


def said(plan: StackPlan) -> str:
    return next(finding.message for finding in plan.findings if finding.rule == "price-region")


def test_a_regions_nodes_cost_what_they_cost_there() -> None:
    here, there = planned(nodePools=[pool(maxNodes=2)]), planned(region="eu-central-1", nodePools=[pool(maxNodes=2)])
    lines = [next(line for line in plan.cost.lines if line.what.startswith("nodes of l4")) for plan in (here, there)]
    assert lines[1].max_usd_per_hour == pytest.approx(1.25 * (lines[0].max_usd_per_hour or 0))
    assert "us-east-1 × 1.25" in lines[1].source
    assert there.cost.pools[0].max_usd_per_hour == pytest.approx(
        (here.cost.pools[0].max_usd_per_hour or 0) + (lines[1].max_usd_per_hour or 0) - (lines[0].max_usd_per_hour or 0)
    )


def test_a_family_whose_price_there_was_not_read_is_named() -> None:
    assert "g6" not in said(planned(region="eu-central-1", nodePools=[pool()]))
    plan = planned(region="eu-central-2", nodePools=[pool()])
    assert "nodes of m7i, g6, volumes" in said(plan)
    assert {finding.severity for finding in plan.findings if finding.rule == "price-region"} == {Severity.WARNING}


def test_nothing_is_said_where_the_prices_are_the_regions_own() -> None:
    assert not any(finding.rule == "price-region" for finding in planned().findings)


def test_every_factor_is_of_a_known_region_and_family_and_within_reason() -> None:
    regions = {row["region"] for row in rows("regions.csv")}
    families = {instance_type.family for instance_type in instance_types().values()}
    for row in rows("region_prices.csv"):
        assert row["region"] in regions, row
        assert row["family"] in families, row
        assert 0.9 <= float(row["factor"]) <= 2, row
    assert region_factor("us-east-1", "p5") == 1.0
    assert region_factor("eu-central-2", "g6") is None


def test_every_regions_factor_is_of_a_family_that_it_sells_by_the_other_table() -> None:
    """Two tables of one thing; me-central-1, ap-east-1 and others differ where one was read at another time."""
    sold = {row["region"]: row["families"].split() for row in rows("region_families.csv")}
    apart = [row for row in rows("region_prices.csv") if row["family"] not in sold.get(row["region"], [])]
    assert len(apart) <= 4, apart
