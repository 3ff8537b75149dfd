"""The upgrade path on the platform, under load: Kubernetes, AMI, an add-on, a release's values, the model, in one `up`.

What the preview tells is what the engine then does, in that order; nodes roll as EKS rolls them; every request is
answered, no disruption budget is broken. Some ten minutes: only where UPGRADE=1 is in the
environment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from local.commands.completion import ask, models, service_url
from preview.report_model import Update
from preview.steps import PHASES
from tests.e2e.asking import Asked, asking
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Platform
from tests.e2e.engine_events import EngineStep, engine_steps
from tests.e2e.inventory import Inventory
from tests.e2e.loading import changed_stack
from tests.e2e.told import recorded, told
from tests.e2e.watching import Sample, Watched, look, watching

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not os.environ.get("UPGRADE"), reason="takes ten minutes; UPGRADE=1 runs it"),
]

OLD, NEW = ("1.34", "1.34.2-20251108"), ("1.35", "1.35.0-20260128")
POD_IDENTITY = {"1.34": "v1.3.9-eksbuild.2", "1.35": "v1.3.9-eksbuild.3"}
# Phases of the control plane's way: each begins when everything of the one before has ended.
STRICT = ("control plane", "add-ons", "nodes", "add-ons on nodes", "cluster")
GPU_NODES, REPLICAS = 3, 2
AFTER_SECONDS = 5


def _of(version: str, release: str) -> Any:
    def change(settings: dict[str, Any], model: dict[str, Any]) -> None:
        settings["cluster"] |= {"version": version, "addons": {"eks-pod-identity-agent": POD_IDENTITY[version]}}
        settings["nodePools"][0] |= {"amiReleaseVersion": release, "minNodes": GPU_NODES, "maxNodes": GPU_NODES}
        settings["monitoring"] = {"enabled": False}
        model["autoscaling"] = {"kind": "none", "minReplicas": REPLICAS}
        model["drain"] = {"preStopSeconds": 5, "shutdownTimeoutSeconds": 10}
        if version == NEW[0]:
            settings["gpuOperator"] = {"dcgmExporter": False}  # a release's values, after nodes and add-ons
            model["maxNumSeqs"] = 32

    return change


@dataclass(frozen=True)
class Upgraded:
    """What was told of the update, what the engine did, what clients and nodes saw meanwhile."""

    update: Update
    steps: list[EngineStep]
    asked: Asked
    watched: Watched
    before: Sample
    after: Sample


@pytest.fixture(scope="module")
def empty(platform: Platform) -> Inventory:
    """What was there before any stack."""
    return Inventory.settled(platform)


@pytest.fixture(scope="module")
def upgraded(platform: Platform, empty: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    """A stack of the older Kubernetes brought to the newer one."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("first", "second", "old", "new")}
    platform.run("up", "--stack-file", str(changed_stack(folders["old"], _of(*OLD))))
    first = recorded(platform, "local", folders["first"])
    (model,) = models(platform.paths)
    address = service_url(platform.paths, model)
    before, began = _settled(platform), time.monotonic()
    with watching(platform) as watched, asking(address, ask(address).model) as asked:
        platform.run("up", "--stack-file", str(changed_stack(folders["new"], _of(*NEW))))
        print(f"upgraded in {time.monotonic() - began:.0f} s, load and samples included")
        time.sleep(AFTER_SECONDS)
    steps = engine_steps(platform, "local")
    _, update = told(first, recorded(platform, "local", folders["second"]))
    yield Upgraded(update, steps, asked, watched, before, _now(platform))
    platform.run("down", "--stack", "local")


def _settled(platform: Platform) -> Sample:
    sample = _now(platform)
    assert len(sample.of_group("l4")) == GPU_NODES
    assert all(node.launch.startswith(OLD[0]) for node in sample.nodes)
    return sample


def _now(platform: Platform) -> Sample:
    return look(Cluster(platform))


def test_the_steps_that_are_told_are_those_that_the_engine_does_and_in_their_order(upgraded: Upgraded) -> None:
    update, done = upgraded.update, upgraded.steps
    phases = {urn: step["phase"] for step in update["steps"] for urn in step["urns"]}
    print(*(f"{step['phase']}: {step['what']}" for step in update["steps"]), sep="\n")
    print(*(f"{step.begun} {step.ended} {step.operation} {step.name}" for step in done), sep="\n")
    assert {"control plane", "add-ons", "nodes", "cluster", "models"} <= set(phases.values())
    assert {step.operation for step in done} == {"update"}, "nothing is replaced"
    changed = {step.urn for step in done}
    assert changed <= set(phases), "done, and told"
    # Of an add-on that follows EKS' default only AWS knows whether it is another one for the newer Kubernetes.
    follow = {urn for step in update["steps"] if "EKS' default" in step["what"] for urn in step["urns"]}
    assert set(phases) - changed <= follow, "told, and done"
    phases = {urn: phase for urn, phase in phases.items() if urn in changed}
    spans = {
        phase: (
            min(step.begun for step in done if phases[step.urn] == phase),
            max(step.ended for step in done if phases[step.urn] == phase),
        )
        for phase in set(phases.values())
    }
    told_order = [phase for phase in PHASES if phase in spans]
    assert sorted(spans, key=lambda phase: spans[phase][0]) == told_order
    for earlier, later in pairwise(STRICT):
        if earlier in spans and later in spans:
            assert spans[earlier][1] < spans[later][0], f"{later} began before {earlier} had ended: {spans}"


def test_every_request_is_answered_meanwhile(upgraded: Upgraded) -> None:
    asked = upgraded.asked
    print(f"{dict(asked.answered)} answered, sent again {dict(asked.again)}, longest {asked.longest_seconds:.1f} s")
    assert asked.lost == []
    assert min(asked.answered[kind] for kind in ("stream", "whole")) > 20, "or nothing was tried"


def test_every_node_is_another_one_and_of_the_newer_release(upgraded: Upgraded) -> None:
    before, after = upgraded.before, upgraded.after
    assert not {node.name for node in before.nodes} & {node.name for node in after.nodes}
    assert len(after.nodes) == len(before.nodes), "as many as before"
    assert all(node.launch.startswith(" ".join(NEW)) for node in after.of_group("l4"))
    assert all(node.launch.startswith(NEW[0]) for node in after.nodes)
    assert all(node.is_ready and node.takes_pods for node in after.nodes)


def test_no_more_nodes_come_or_leave_at_once_than_the_groups_say(upgraded: Upgraded) -> None:
    """GPU pools: minimal, one at a time. System nodes: EKS' default, new ones first, twice as many as zones."""
    gpu = [sample.of_group("l4") for sample in upgraded.watched.samples]
    assert max(map(len, gpu)) == GPU_NODES
    assert min(sum(node.is_ready and not node.is_leaving for node in nodes) for nodes in gpu) == GPU_NODES - 1
    system = [[node for node in sample.nodes if not node.group.startswith("l4")] for sample in upgraded.watched.samples]
    usual = len(upgraded.before.nodes) - GPU_NODES
    zones = {node.zone for nodes in system for node in nodes}
    assert max(map(len, system)) == usual + 2 * len(zones), "two further nodes in each zone"
    for nodes in system:
        old = [node for node in nodes if node.launch.startswith(OLD[0])]
        assert sum(node.is_leaving for node in old) <= 1
        assert sum(node.is_ready and not node.is_leaving for node in nodes) >= usual


def test_no_disruption_budget_is_broken(upgraded: Upgraded) -> None:
    samples = upgraded.watched.samples
    assert len(samples) > 20
    assert "models/qwen" in samples[0].healthy
    # The Deployment's own update is no disruption; it, too, keeps what the budget asks for.
    short = {name: (now, least) for sample in samples for name, (now, least) in sample.healthy.items() if now < least}
    assert short == {}
    assert min(sample.healthy["models/qwen"][0] for sample in samples) == REPLICAS - 1, "or no pod ever moved"


def test_what_is_there_afterwards_is_what_the_program_asks_for(upgraded: Upgraded, platform: Platform) -> None:
    (model,) = models(platform.paths)
    assert ask(service_url(platform.paths, model)).text
    assert platform.stack("local").up(refresh=True).changes == 0, "a refresh finds no drift"


def test_a_destroy_after_the_upgrade_leaves_nothing(upgraded: Upgraded, platform: Platform, empty: Inventory) -> None:
    """Nodes, launch templates and groups of both versions go; the control plane's own objects stay."""
    began = time.monotonic()
    platform.run("down", "--stack", "local")
    print(f"destroyed in {time.monotonic() - began:.0f} s")
    empty.assert_nothing_more(platform)
    assert platform.stack("local").resource_count() == 0
