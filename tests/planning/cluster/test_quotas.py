"""Service quotas by code and amount, at most nodes of the largest type that a group may be given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planning.cluster.quotas import quotas
from planning.model import NodeGroupPlan, StackPlan
from planning.plan import plan
from settings.read import read
from tests.planning.stacks import REACHED

MODEL = {
    "name": "qwen",
    "source": "Qwen/Qwen2.5-7B-Instruct",
    "revision": "a09a35458c702b33eeacc393d103063234e8bc28",
}


@pytest.fixture(scope="module")
def planned() -> StackPlan:
    pool = {"name": "l4", "instanceTypes": ["g6.2xlarge", "g6.4xlarge"], "minNodes": 2, "maxNodes": 3}
    loaded = read({"cluster": REACHED, "nodePools": [pool], "models": [MODEL]}, "dev")
    assert loaded.settings is not None
    return plan(loaded.settings, "dev")


def needed(stack: StackPlan) -> dict[str, int]:
    return {need.quota.code: need.needed for need in quotas(stack)}


def with_pool(stack: StackPlan, **changes: object) -> StackPlan:
    pool: NodeGroupPlan = replace(stack.gpu_pools[0], **changes)  # type: ignore[arg-type]
    return replace(stack, gpu_pools=(pool,))


def test_gpu_nodes_count_in_vcpus_of_the_largest_type(planned: StackPlan) -> None:
    assert needed(planned)["L-DB2E81BA"] == 3 * 16
    assert needed(planned)["L-1216C47A"] == (planned.system_nodes.max_nodes + 2 * 2) * 2  # an update surges


def test_spot_has_quotas_of_its_own(planned: StackPlan) -> None:
    codes = needed(with_pool(planned, capacity_type="SPOT"))
    assert codes["L-3819A6DF"] == 48
    assert "L-DB2E81BA" not in codes


@pytest.mark.parametrize(
    ("name", "capacity", "code"),
    [
        ("p4d.24xlarge", "ON_DEMAND", "L-417A185B"),
        ("p4d.24xlarge", "SPOT", "L-7212CCBC"),
        ("p5.48xlarge", "ON_DEMAND", "L-417A185B"),
        ("p5.48xlarge", "SPOT", "L-C4BD4855"),
        ("p6-b200.48xlarge", "ON_DEMAND", "L-417A185B"),
    ],
)
def test_families_have_quotas_of_their_own(planned: StackPlan, name: str, capacity: str, code: str) -> None:
    assert code in needed(with_pool(planned, instance_types=(name,), capacity_type=capacity, gpu="x"))


def test_a_quota_that_nobody_could_verify_says_so(planned: StackPlan) -> None:
    stack = with_pool(planned, instance_types=("p6-b200.48xlarge",), capacity_type="SPOT", gpu="x")
    (quota,) = [need.quota for need in quotas(stack) if "P6" in need.quota.name]
    assert "not verified" in quota.name
    assert quota.source.startswith("not verified")


def test_every_other_quota_says_where_it_was_read(planned: StackPlan) -> None:
    for need in quotas(planned):
        assert need.quota.source.startswith("https://docs.aws.amazon.com/")


def test_a_network_of_our_own_needs_addresses_for_its_gateways(planned: StackPlan) -> None:
    assert needed(planned)["L-0263D0A3"] == 1
    assert needed(planned)["L-F678F1CE"] == 1


def test_an_update_that_surges_needs_twice_the_zones_more_and_minimal_nothing(planned: StackPlan) -> None:
    assert planned.gpu_pools[0].update_strategy == "MINIMAL"
    surging = with_pool(planned, update_strategy="DEFAULT")
    assert needed(surging)["L-DB2E81BA"] == (3 + 2 * 2) * 16
    in_one_zone = with_pool(planned, update_strategy="DEFAULT", zones=("us-east-1a",))
    assert needed(in_one_zone)["L-DB2E81BA"] == (3 + 2) * 16
    used_by = next(need.used_by for need in quotas(surging) if need.quota.code == "L-DB2E81BA")
    assert used_by == ("3 + 4 in an update × g6.2xlarge|g6.4xlarge (l4)",)
