"""Nodes without GPU against what the stack puts on them."""

from __future__ import annotations

from typing import Any

import pytest

from planning.cluster.system import EVERYWHERE, PATH
from planning.nodes.fit import DAEMONS
from tests.planning.stacks import errors, model, planned, refusal


def told(**system: Any) -> str:
    return errors(refusal(systemNodes=system, models=[model()])).get(PATH, "")


def test_a_node_that_never_holds_prometheus_is_refused_with_one_that_does() -> None:
    message = told(instanceTypes=["t3.small"], minNodes=2, maxNodes=4)
    assert "prometheus asks for 500m CPU and 2Gi" in message
    assert "m7i.large" in message


def test_a_node_with_too_few_addresses_for_the_pods_is_refused_with_the_number_that_holds_them() -> None:
    message = told(instanceTypes=["t3.medium"], minNodes=1, maxNodes=1)
    assert "1 × t3.medium: the stack has" in message
    assert "minNodes: 2" in message
    planned(systemNodes={"instanceTypes": ["t3.medium"], "minNodes": 2, "maxNodes": 2})


def test_nodes_that_come_by_themselves_count() -> None:
    planned(systemNodes={"instanceTypes": ["t3.medium"], "minNodes": 1, "maxNodes": 3})
    fixed = {"instanceTypes": ["t3.medium"], "minNodes": 1, "maxNodes": 3}
    assert PATH in errors(refusal(systemNodes=fixed, nodeAutoscaling={"kind": "none"}))


def test_the_default_is_enough_for_everything_at_once() -> None:
    woken = model(autoscaling={"kind": "keda", "maxReplicas": 1})
    assert planned(models=[woken]).system_nodes.instance_types == ("m7i.large",)


def test_a_smaller_stack_asks_for_less() -> None:
    bare = {"monitoring": {"enabled": False}, "models": [model(autoscaling={"kind": "none", "minReplicas": 1})]}
    planned(systemNodes={"instanceTypes": ["t3.medium"], "minNodes": 1, "maxNodes": 1}, **bare)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_the_daemon_sets_of_every_node_are_those_of_the_table(name: str) -> None:
    assert name in {daemon.name for daemon in DAEMONS}


def test_an_unknown_type_and_anothers_cluster_are_not_judged() -> None:
    planned(systemNodes={"instanceTypes": ["x9.tiny"], "minNodes": 1, "maxNodes": 1})
