"""What operators' pods ask for: requests that the system nodes count, and limits above them."""

from __future__ import annotations

import pytest

from planning.cluster.operators import LIMITS, operator_resources
from planning.facts import rows
from planning.nodes.quantity import mib, millicores


@pytest.mark.parametrize("name", LIMITS)
def test_an_operator_asks_for_what_the_system_nodes_count_and_may_use_more(name: str) -> None:
    asked = operator_resources(name)
    assert asked is not None
    (row,) = (row for row in rows("system_pods.csv") if row["when"] == name)
    counted = int(row["cpu_millicores"]), int(row["memory_mib"])
    assert (millicores(asked.cpu_request), mib(asked.memory_request)) == counted
    assert mib(asked.memory_limit) >= counted[1]
    assert asked.cpu_limit is None or millicores(asked.cpu_limit) > counted[0]


def test_of_an_operator_whose_chart_has_its_own_nothing_is_said() -> None:
    assert operator_resources("kserve") is None
