"""OpenCost counts a node as the plan does: its cores, memory and GPUs at three prices that come from the plan's."""

from __future__ import annotations

from typing import Any

import pytest

from planning.model import OpenCostPlan, StackPlan
from planning.nodes.instances import instance_type
from planning.nodes.prices import known_prices
from tests.planning.stacks import errors, model, planned, pool, refusal


def costs(plan: StackPlan) -> OpenCostPlan:
    (operator,) = [each for each in plan.operators if each.name == "opencost"]
    assert operator.open_cost is not None
    return operator.open_cost


def counted(costs: OpenCostPlan, name: str, gpus: int) -> float:
    """What OpenCost's custom provider makes of a node."""
    node = instance_type(name)
    of_memory = costs.memory_usd_per_gib_hour * node.memory_mib / 1024
    return costs.cpu_usd_per_hour * node.vcpu + of_memory + costs.gpu_usd_per_hour * gpus


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
@pytest.mark.parametrize("name", ["g6.xlarge", "g6.12xlarge"])
def test_a_node_of_each_group_comes_out_at_the_plans_price(name: str, region: str) -> None:
    plan = planned(region=region, nodePools=[pool(instanceTypes=[name])], openCost={"install": True})
    made = costs(plan)
    (gpus,) = plan.gpu_pools
    assert counted(made, name, gpus.advertised_gpus) == pytest.approx(known_prices(gpus, region)[name], rel=0.001)
    (system,) = plan.system_nodes.instance_types
    assert counted(made, system, 0) == pytest.approx(known_prices(plan.system_nodes, region)[system], rel=0.001)
    assert not [each for each in plan.findings if each.rule == "open-cost-prices"]


def test_of_gpus_with_prices_far_apart_each_node_that_comes_out_wrong_is_named() -> None:
    pools = [pool(), pool(name="big", instanceTypes=["p5.48xlarge"], diskGib=400)]
    plan = planned(nodePools=pools, models=[model(pool="l4")], openCost={"install": True})
    (warning,) = [each for each in plan.findings if each.rule == "open-cost-prices"]
    made, named = costs(plan), {"g6.xlarge": 1, "p5.48xlarge": 8}
    for group in plan.gpu_pools:
        (name,) = group.instance_types
        usd = known_prices(group, "us-east-1")[name]
        off = counted(made, name, named[name]) / usd - 1
        assert abs(off) > 0.05
        assert f"{name} {off:+.0%}" in warning.message


def test_it_asks_the_stacks_prometheus_or_the_one_that_is_there() -> None:
    own = planned(openCost={"install": True}, monitoring={"namespace": "watch"})
    assert costs(own).prometheus_url == "http://kube-prometheus-stack-prometheus.watch.svc:9090"
    assert own.monitoring is not None
    assert own.monitoring.network.prometheus_clients == ("opencost",)
    there: dict[str, Any] = {"kind": "existing", "namespace": "observability", "path": "/prometheus"}
    network = {
        "kind": "existing",
        "vpcId": "vpc-0123456789abcdef0",
        "privateSubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    }
    sections = {"cluster": {"kind": "existing", "name": "shared"}, "network": network}
    existing = planned(openCost={"install": True}, monitoring={"prometheus": there}, **sections)
    assert costs(existing).prometheus_url == "http://prometheus-operated.observability.svc:9090/prometheus"


def test_without_monitoring_it_is_refused_and_unasked_for_it_is_absent() -> None:
    told = errors(refusal(openCost={"install": True}, monitoring={"enabled": False}))
    assert "monitoring is off" in told["openCost.install"]
    assert not [each for each in planned().operators if each.name == "opencost"]
