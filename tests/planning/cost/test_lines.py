from __future__ import annotations

import pytest

from planning.cost.lines import gp3_usd_per_hour
from planning.cost.prices import PRICES, cite
from planning.model import Severity
from tests.planning.stacks import model, planned, pool, rules


def test_a_volume_costs_its_size_and_what_goes_beyond_the_base() -> None:
    assert gp3_usd_per_hour(100) == pytest.approx(100 * 0.08 / 730)
    assert gp3_usd_per_hour(100, 4000, 1000) == pytest.approx((8 + 1000 * 0.005 + 875 * 0.04) / 730)


def test_every_price_has_a_source_and_a_date() -> None:
    assert all(price.source.startswith("http") and price.dated >= "2026" for price in PRICES.values())


def test_a_price_that_no_page_confirms_is_marked() -> None:
    marked = {name for name, price in PRICES.items() if not price.confirmed}
    assert marked == {"gp3-iops", "gp3-throughput", "logs-ingested", "efs-one-zone", "efs-provisioned"}
    for name in PRICES:
        assert cite(name).endswith(", unconfirmed") == (name in marked), name


def test_a_stack_costs_its_nodes_at_fewest_and_most() -> None:
    cost = planned(nodePools=[pool(minNodes=1, maxNodes=3)]).cost
    nodes = next(line for line in cost.lines if line.what.startswith("nodes of l4"))
    assert (nodes.min_usd_per_hour, nodes.max_usd_per_hour) == (0.8048, pytest.approx(3 * 0.8048))
    assert cost.min_usd_per_hour == pytest.approx(sum(line.min_usd_per_hour or 0 for line in cost.lines))
    assert cost.max_usd_per_hour > cost.min_usd_per_hour


def test_several_types_cost_the_cheapest_to_the_dearest() -> None:
    cost = planned(nodePools=[pool(instanceTypes=["g6.xlarge", "g6.2xlarge"], maxNodes=2)]).cost
    nodes = next(line for line in cost.lines if line.what.startswith("nodes of l4"))
    assert nodes.min_usd_per_hour == 0.8048
    assert nodes.max_usd_per_hour == pytest.approx(2 * 0.9776)


def test_more_nodes_never_cost_less() -> None:
    costs = [planned(nodePools=[pool(minNodes=n, maxNodes=9)]).cost.min_usd_per_hour for n in (1, 2, 3)]
    assert costs == sorted(costs)


def test_an_existing_cluster_and_network_are_not_our_cost() -> None:
    cost = planned(
        cluster={"kind": "existing", "name": "main"},
        network={"kind": "existing", "vpcId": "vpc-0a", "privateSubnetIds": ["subnet-0a", "subnet-0b"]},
    ).cost
    assert not any(line.what.startswith(("EKS", "NAT", "KMS", "public")) for line in cost.lines)


def test_spot_is_counted_at_its_upper_bound_and_says_so() -> None:
    short = model(drain={"shutdownTimeoutSeconds": 60})
    cost = planned(nodePools=[pool(capacity="spot")], models=[short]).cost
    assert "spot costs less" in next(line for line in cost.lines if line.what.startswith("nodes of l4")).source


def test_another_region_is_told_that_prices_are_not_its_own() -> None:
    assert "price-region" in rules(planned(region="eu-central-1").findings, Severity.WARNING)


def test_a_type_without_public_price_is_said_and_left_out_of_the_sum() -> None:
    plan = planned(
        nodePools=[pool(name="h200", instanceTypes=["p5e.48xlarge"], diskGib=800)],
        models=[model(source="Qwen/Qwen2.5-72B-Instruct", tensorParallel=8)],
    )
    nodes = next(line for line in plan.cost.lines if line.what.startswith("nodes of h200"))
    assert nodes.max_usd_per_hour is None
    assert "price-unknown" in rules(plan.findings, Severity.WARNING)
    assert 0 < plan.cost.max_usd_per_hour < 10
