"""Placeholders: what they hold, that nothing waits for them, and that they go before what would buy nodes for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster.priority_class import PRIORITIES
from components.cluster.prometheus_stack import prometheus_stack_values
from components.cluster.spare_nodes import placeholders
from tests.components.plans import MONITORING, SPARE_NODES
from tests.components.rendered import of_spare_nodes
from tests.components.samples import once
from tests.engine import Engine
from tests.golden import assert_matches
from tests.planning.stacks import model, pool
from tests.program import CANARIES, run_program

GOLDEN = Path(__file__).parent / "goldens" / "spare-nodes.yaml"
KARPENTER = {"name": "bought", "kind": "karpenter", "amiReleaseVersion": "1.35.4-20260505"}


def recorded() -> Engine:
    """A managed pool and one of Karpenter's, each with a spare node, and a managed one without."""
    pools = [pool(spareNodes=1), pool(**KARPENTER, spareNodes=2, maxNodes=4), pool(name="plain")]
    models = [model(pool="l4"), model(name="other", pool="bought"), model(name="third", pool="plain")]
    secrets = {"grafanaPassword": CANARIES["grafanaPassword"]}
    return once("spare nodes", lambda: run_program({"nodePools": pools, "models": models}, "dev", secrets=secrets))


def pod(manifest: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return spec


def test_all_objects_are_as_their_golden() -> None:
    assert_matches(GOLDEN, yaml.safe_dump_all(of_spare_nodes().values(), sort_keys=False))


def test_every_pod_of_ours_evicts_it_and_the_cluster_autoscaler_still_buys_for_it() -> None:
    made = of_spare_nodes()["spare-nodes-priority-class"]
    assert made["value"] == -10, "below the cutoff of -10 it would be expendable: no node is bought"
    assert made["value"] < 0 < min(PRIORITIES.values()), "0: pods without a class"
    assert made["preemptionPolicy"] == "Never"
    assert made["globalDefault"] is False


def test_shares_of_a_gpu_are_asked_for_by_a_container_each() -> None:
    held = pod(placeholders(replace(SPARE_NODES, containers=(replace(SPARE_NODES.containers[0], gpus=1),) * 3)))[
        "containers"
    ]
    assert [container["resources"]["limits"]["nvidia.com/gpu"] for container in held] == ["1", "1", "1"]
    assert len({container["name"] for container in held}) == 3


def test_a_pool_without_models_has_nothing_to_pull() -> None:
    assert "initContainers" not in pod(placeholders(replace(SPARE_NODES, model_images=())))


@pytest.mark.parametrize(("name", "nodes"), [("l4", 1), ("bought", 2)])
def test_a_placeholder_stands_on_its_pools_nodes_only_and_no_up_waits_for_it(name: str, nodes: int) -> None:
    made = recorded().named(f"spare-nodes-{name}").inputs
    assert made["spec"]["replicas"] == nodes
    assert pod(made)["nodeSelector"] == {"vllm-on-eks/pool": name}
    assert made["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert made["spec"]["strategy"] == {"type": "Recreate"}, "a second one beside it would buy a node"


def test_models_wait_for_no_placeholder() -> None:
    engine = recorded()
    mine = {made.name for made in engine.registrations if made.name.startswith("spare-nodes")}
    assert len(mine) == 8
    for made in engine.registrations:
        assert made.name in mine or not mine & (made.depends_on | made.dependency_names), made.name


@pytest.mark.parametrize(
    ("name", "before"),
    [("l4", ("cluster-autoscaler-release", "smoke-test-l4-job")), ("bought", ("bought-node-pool",))],
)
def test_placeholders_go_before_what_would_buy_nodes_for_them(name: str, before: tuple[str, ...]) -> None:
    made = recorded().named(f"spare-nodes-{name}")
    first = {*before, "spare-nodes-class", "spare-nodes-namespace", "spare-nodes-default-deny"}
    assert first <= made.depends_on | made.dependency_names


def test_a_pool_without_spare_nodes_has_no_placeholder_and_a_stack_without_none_of_it() -> None:
    assert not [made.name for made in recorded().registrations if made.name.startswith("spare-nodes-plain")]
    engine = run_program({"nodePools": [pool()], "models": [model()]}, "dev")
    assert not [made.name for made in engine.registrations if "spare" in made.name]


def test_the_charts_alerts_on_workloads_leave_placeholders_out_that_wait_at_max_nodes() -> None:
    rules = prometheus_stack_values(replace(MONITORING, pods_may_wait_in=("spare-nodes",)))["defaultRules"]
    assert (rules["appNamespacesOperator"], rules["appNamespacesTarget"]) == ("!~", "spare-nodes")
    assert "appNamespacesTarget" not in prometheus_stack_values(MONITORING)["defaultRules"]
    values = recorded().named("monitoring-release").inputs["values"]["defaultRules"]
    assert values["appNamespacesTarget"] == "spare-nodes"
