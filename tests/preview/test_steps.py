"""How an update goes on: what rolls, in which order, how long, and who is away meanwhile."""

from __future__ import annotations

import copy
import csv
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from planning.picture import picture
from planning.prepare import Prepared, prepare
from preview.changes import changes
from preview.dependencies import reached
from preview.evaluate import evaluate
from preview.moves import TABLE as STATEFUL
from preview.moves import of_moves
from preview.replacing import table as replacing_table
from preview.steps import PHASES, TABLE, rolling, short_type, update_of
from preview.words import update_line
from tests.conftest import REPO
from tests.planning.stacks import model, planned, pool, stack

Resources = list[dict[str, Any]]
DAY = date(2026, 11, 27)


def recorded(name: str, root: Path = REPO) -> tuple[Prepared, Resources]:
    prepared = prepare(root, name, DAY.isoformat())
    assert prepared.plan is not None
    return prepared, evaluate(prepared, prepared.plan, None, DAY)[0]["resources"]


@pytest.fixture(scope="module")
def karpenter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Resources]:
    """The example, beside a copy of the program: a stack file stands next to it."""
    root = tmp_path_factory.mktemp("example")
    for name in ("Pulumi.yaml", "__main__.py", "examples/Pulumi.karpenter.yaml"):
        shutil.copy(REPO / name, root)
    return recorded("karpenter", root)


@pytest.fixture(scope="module")
def dev() -> tuple[Prepared, Resources]:
    return recorded("dev")


def of(resources: Resources, kind: str, name: str) -> dict[str, Any]:
    return next(
        resource for resource in resources if resource["type"].rsplit(":", 1)[-1] == kind and resource["name"] == name
    )


def updated(prepared_pair: tuple[Prepared, Resources], edit: Callable[[Resources], None]) -> Any:
    """The update from a stack that `edit` makes of today's, to today's."""
    prepared, after = prepared_pair
    before = copy.deepcopy(after)
    edit(before)
    return update_of(changes(before, after), after, prepared.picture)


def older_kubernetes(resources: Resources) -> None:
    of(resources, "Cluster", "cluster-cluster")["inputs"]["version"] = "1.34"
    for name in ("l4-nodes", "system-nodes"):
        of(resources, "NodeGroup", name)["inputs"]["version"] = "1.34"
    for name in ("cluster-addons-kube-proxy", "addons-coredns"):
        of(resources, "Addon", name)["inputs"]["addonVersion"] = "v1.34.0-eksbuild.1"


def test_a_new_kubernetes_goes_control_plane_add_ons_nodes_and_what_runs_on_them(dev: Any) -> None:
    update = updated(dev, older_kubernetes)
    assert [(step["phase"], step["how"]) for step in update["steps"]] == [
        ("control plane", "in place"),
        *[("add-ons", "in place")] * 3,
        ("nodes", "rolls"),
        ("nodes", "rolls"),
        *[("add-ons on nodes", "in place")] * 3,
    ]
    assert update["steps"][0]["what"] == "Kubernetes 1.34 → 1.35"
    moved = [step["what"] for step in update["steps"] if step["what"].startswith("add-on ")]
    assert "add-on cluster-addons-vpc-cni: EKS' default for 1.35" in moved, "it has no pin, so it follows"
    assert any(each.startswith("add-on cluster-addons-kube-proxy: v1.34.0-eksbuild.1 → ") for each in moved)
    l4 = next(step for step in update["steps"] if "l4" in step["what"])
    assert l4["what"] == "1–2 nodes of l4"
    assert l4["words"][:2] == ["1 at once, a new one when an old one has left", "budgets of pods hold"]
    assert [each["model"] for each in l4["away"]] == ["qwen"], "one replica: nothing serves while it moves"
    control, proxy, coredns = update["steps"][0], update["steps"][1], update["steps"][-1]
    slowest = max(step["high_seconds"] for step in update["steps"] if step["phase"] == "nodes")
    assert not any("PodEvictionFailure" in word for word in l4["words"]), "one pod a node leaves within its drain"
    way = control["high_seconds"] + proxy["high_seconds"] + slowest
    assert way <= update["high_seconds"] <= way + coredns["high_seconds"], "groups roll beside each other"
    assert update_line(update).startswith("How it goes on (")


def test_a_changed_launch_template_rolls_the_nodes_of_its_group_and_no_others(dev: Any) -> None:
    def smaller(resources: Resources) -> None:
        of(resources, "LaunchTemplate", "l4-template")["inputs"]["userData"] = "[unknown]"
        of(resources, "LaunchTemplate", "system-template")["inputs"]["tags"] = {"other": "tag"}

    update = updated(dev, smaller)
    assert [step["what"] for step in update["steps"] if step["how"] == "rolls"] == ["1–2 nodes of l4"]
    (quick,) = [step for step in update["steps"] if step["phase"] == "account"]
    assert quick["what"] == "aws ec2 LaunchTemplate system-template", "its own tags make no version"


def test_pods_roll_by_their_template_and_not_by_what_stands_beside_it(dev: Any) -> None:
    def older_image(resources: Resources) -> None:
        pod = of(resources, "Deployment", "qwen-deployment")["inputs"]["spec"]["template"]["spec"]
        pod["containers"][0]["image"] = "vllm/vllm-openai:v0.1.0"

    def other_deadline(resources: Resources) -> None:
        of(resources, "Deployment", "qwen-deployment")["inputs"]["spec"]["progressDeadlineSeconds"] = 7

    (step,) = updated(dev, older_image)["steps"]
    assert (step["phase"], step["what"], step["how"]) == ("models", "1–2 pods of qwen", "rolls")
    assert step["words"] == ["one leaves before a new one starts"], "no GPU is left for a second"
    assert [each["model"] for each in step["away"]] == ["qwen"]
    cold, plan = dev[0].picture.models[0].cold_start_seconds, dev[0].plan
    assert plan is not None
    assert step["low_seconds"] == round(cold[0] + plan.models[0].drain.pre_stop_seconds)
    (step,) = updated(dev, other_deadline)["steps"]
    assert step["how"] == "in place"


def test_a_chart_says_how_its_definitions_move_and_waits_no_longer_than_its_time_out(dev: Any) -> None:
    def older(resources: Resources) -> None:
        of(resources, "Release", "gpu-operator-release")["inputs"]["version"] = "v26.3.0"

    (step,) = updated(dev, older)["steps"]
    assert step["what"].startswith("chart gpu-operator: v26.3.0 → v26")
    assert step["words"] == [
        "definitions (CRDs): a Job of the chart applies them, node-feature-discovery's too, before it upgrades"
    ]
    assert step["high_seconds"] == of(dev[1], "Release", "gpu-operator-release")["inputs"]["timeout"]


def test_what_is_taken_away_goes_last_and_nothing_changes_takes_no_time(dev: Any) -> None:
    def more(resources: Resources) -> None:
        extra = copy.deepcopy(of(resources, "Route", "network-public-internet"))
        resources.append({**extra, "urn": extra["urn"] + "-2", "name": "second"})
        of(resources, "Role", "cluster-autoscaler-role")["inputs"]["description"] = "older"

    assert [(step["phase"], step["how"]) for step in updated(dev, more)["steps"]] == [
        ("account", "in place"),
        ("afterwards", "deleted"),
    ]
    assert updated(dev, lambda resources: None) == {"steps": [], "low_seconds": 0, "high_seconds": 0}


def test_karpenters_nodes_roll_after_the_update_within_their_budget(karpenter: Any) -> None:
    def older(resources: Resources) -> None:
        of(resources, "Cluster", "cluster-cluster")["inputs"]["version"] = "1.34"

    update = updated(karpenter, older)
    last = update["steps"][-1]
    assert (last["phase"], last["how"]) == ("afterwards", "rolls")
    assert last["words"][0].endswith("at once, new ones first")
    assert last["words"][-1] == "Karpenter does it by itself, after the update has ended"
    assert update["high_seconds"] < last["high_seconds"] + update["steps"][0]["high_seconds"]


def test_the_phases_stand_in_the_order_of_the_recorded_dependencies(dev: Any, karpenter: Any) -> None:
    """Of what each phase is about: no such resource waits for one of a later phase."""
    phases = {"Cluster": 1, "NodeGroup": 3, "Release": 5, "Deployment": 6}
    for prepared, resources in (dev, karpenter):
        by_urn = {resource["urn"]: resource for resource in resources}
        seen = set()
        for resource in resources:
            rank = phases.get(resource["type"].rsplit(":", 1)[-1])
            if rank is None:
                continue
            seen.add(rank)
            for urn in reached(resource["urn"], by_urn):
                kind = by_urn[urn]["type"].rsplit(":", 1)[-1]
                assert phases.get(kind, 0) <= rank, f"{resource['name']} waits for {by_urn[urn]['name']}"
        assert seen == set(phases.values()), prepared.file.stack
    assert [PHASES[phase] for phase in sorted(phases.values())] == ["control plane", "nodes", "cluster", "models"]


def test_versions_that_skip_or_go_down_are_errors_and_a_cni_that_skips_is_told(dev: Any) -> None:
    def told(cluster: str, cni: tuple[str, str]) -> list[tuple[str, str, str]]:
        before, after = copy.deepcopy(dev[1]), copy.deepcopy(dev[1])
        of(before, "Cluster", "cluster-cluster")["inputs"]["version"] = cluster
        for side, version in zip((before, after), cni, strict=True):
            of(side, "Addon", "cluster-addons-vpc-cni")["inputs"]["addonVersion"] = version
        findings = [of_move for of_move in of_moves(changes(before, after)) if of_move.rule == "version-skew"]
        return [(finding.path, finding.severity.value, finding.fix) for finding in findings]

    same = ("v1.21.1-eksbuild.1", "v1.21.1-eksbuild.1")
    assert told("1.34", same) == []
    assert told("1.33", same) == [("cluster.version", "error", "write 1.34 first")]
    assert told("1.36", same) == [("cluster.version", "error", "write 1.36")]
    assert told("1.35", ("v1.19.0-eksbuild.1", "v1.21.1-eksbuild.1")) == [
        ("cluster.addons.vpc-cni", "warning", "write 1.20 first")
    ]
    assert told("1.35", ("v1.21.1-eksbuild.1", "v1.20.0-eksbuild.1")) == []


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("1.35.0-20260128", "1.35.4-20260505", []),
        ("1.34.9-20260601", "1.35.0-20260128", []),
        ("1.35.4-20260505", None, []),
        ("1.35.4-20260505", "1.35.0-20260128", ["error"]),
        ("1.57.0", "1.56.0", ["error"]),
    ],
)
def test_a_node_group_that_would_go_back_to_an_older_release_is_told(
    dev: tuple[Prepared, Resources], was: str, becomes: str | None, told: list[str]
) -> None:
    before, after = copy.deepcopy(dev[1]), copy.deepcopy(dev[1])
    for side, release in ((before, was), (after, becomes)):
        group = next(each for each in side if each["type"] == "aws:eks/nodeGroup:NodeGroup" and "l4" in each["name"])
        group["inputs"] = {**group["inputs"], "releaseVersion": release}
    findings = [finding for finding in of_moves(changes(before, after)) if finding.rule == "ami-rollback"]
    assert [finding.severity.value for finding in findings] == told
    assert all(was in finding.fix for finding in findings)


@pytest.mark.parametrize(
    ("spread", "first_new", "away"),
    [("minimal", False, True), ("surge", True, True)],
)
def test_a_pool_says_whether_new_nodes_come_first_and_who_is_away(spread: str, first_new: bool, away: bool) -> None:
    sections = {"nodePools": [pool(updateStrategy=spread)], "models": [model(autoscaling={"minReplicas": 1})]}
    plan = planned(**sections)
    shown = picture(plan, stack(**sections))
    roll = next(roll for roll in shown.rolls if roll.name == plan.gpu_pools[0].name)
    assert (roll.first_new, bool(roll.away)) == (first_new, away)
    if first_new:
        assert roll.away[0].high_seconds == shown.models[0].cold_start_seconds[1], "a node waits for it"


def test_a_free_gpu_lets_a_new_pod_start_first() -> None:
    sections = {"nodePools": [pool(minNodes=3, maxNodes=3)]}
    plan = planned(**sections)
    roll = picture(plan, stack(**sections)).rolls[-1]
    assert (roll.kind, roll.first_new, roll.away) == ("pods", True, ())


def test_a_node_of_many_pods_that_leave_one_by_one_is_told_to_take_longer_than_eks_waits() -> None:
    eight = {"minReplicas": 8, "maxReplicas": 8}
    sections = {
        "nodePools": [pool(instanceTypes=["g6.48xlarge"], minNodes=2, maxNodes=2)],
        "models": [model(autoscaling=eight)],
    }
    shown = picture(planned(**sections), stack(**sections))
    one_by_one = next(roll for roll in shown.rolls if roll.name == "l4")
    assert one_by_one.drain_seconds > shown.eviction_seconds
    sections["models"] = [model(autoscaling=eight, disruptionBudget={"maxUnavailable": 4})]
    together = picture(planned(**sections), stack(**sections)).rolls
    assert next(each for each in together if each.name == "l4").drain_seconds == one_by_one.drain_seconds / 4


def test_two_replicas_keep_one_another_serving() -> None:
    two = {"minReplicas": 2, "maxReplicas": 3}
    sections = {"nodePools": [pool(minNodes=2, maxNodes=3)], "models": [model(autoscaling=two)]}
    shown = picture(planned(**sections), stack(**sections))
    assert [roll.away for roll in shown.rolls] == [(), (), ()]


def test_the_tables_name_types_that_are_known_and_dated_sources() -> None:
    known = {row.type for row in replacing_table()} | {"kubernetes:EC2NodeClass", "kubernetes:NodePool"}
    known |= {"kubernetes:InferenceService", "kubernetes:Rollout", "kubernetes:LeaderWorkerSet"}
    assert set(rolling()) <= known
    for path in (TABLE, STATEFUL):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert all(row["source"] and row["read"] for row in rows)
    assert short_type("kubernetes:helm.sh/v3:Release") == "kubernetes:Release"
