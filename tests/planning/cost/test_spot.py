from __future__ import annotations

import pytest

from planning.cost.spot import UNKNOWN, spot_share
from planning.facts import rows
from planning.nodes.instances import instance_types


def test_a_range_is_of_the_family_and_says_where_and_when_it_was_seen() -> None:
    share = spot_share("g6.xlarge")
    assert (share.low, share.high) == (0.28, 0.49)
    assert "51 to 72 % off" in share.source
    assert "2026-08-10" in share.source


def test_a_family_without_figures_may_cost_anything_up_to_the_full_price() -> None:
    assert spot_share("p6-b300.48xlarge") is UNKNOWN
    assert (UNKNOWN.low, UNKNOWN.high) == (0.1, 1.0)


@pytest.mark.parametrize("row", rows("spot.csv"), ids=lambda row: row["family"])
def test_every_row_is_a_dated_range_of_a_family_that_we_know(row: dict[str, str]) -> None:
    assert 0 <= float(row["least_percent_off"]) <= float(row["most_percent_off"]) <= 90
    assert row["dated"] >= "2026"
    assert row["family"] in {instance_type.family for instance_type in instance_types().values()}
