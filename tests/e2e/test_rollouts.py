"""Canaries by the real Argo Rollouts (1.9.0): one that queues goes back by itself, a good one is promoted, under load.

Its program is built only for a stack that asks for it (`python -m local tools rollouts`); without it: skipped.
"""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from local.commands.completion import ask, models, service_url
from tests.e2e import cluster as e2e
from tests.e2e.cluster import change_model, eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.loading import Load, changed_stack

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 420
STEP_SECONDS = 60
# Sequences at a time: with one a canary has a queue at this load, the others have none.
USUAL, QUEUES, GOOD = 64, 1, 32


def _canary(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["nodePools"][0] |= {"minNodes": 3, "maxNodes": 3}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["monitoring"] = {"scrapeIntervalSeconds": 5}
    scaling = {"kind": "hpa", "minReplicas": 2, "maxReplicas": 2, "metrics": [{"kind": "inFlight", "target": 40}]}
    # Of the simulated L4 a token takes about 0.06 s: what is judged here is the wait for the first one.
    steps = {"steps": [{"weight": 50, "seconds": STEP_SECONDS}], "timePerOutputTokenSeconds": 1}
    model |= {"rollout": {"kind": "canary", **steps}, "autoscaling": scaling, "maxNumSeqs": USUAL}
    model["drain"] = {"preStopSeconds": 5, "shutdownTimeoutSeconds": 60}


class Cluster(e2e.Cluster):
    """The stack, its Rollout and what was measured of it."""

    def __init__(self, platform: Platform, file: Path) -> None:
        super().__init__(platform)
        self.file, self.scaling = file, client.AutoscalingV2Api(self.api)

    def change(self, sequences: int) -> str:
        change_model(self.file, maxNumSeqs=sequences)
        return self.platform.run("up", "--stack-file", str(self.file))

    def objects(self, plural: str) -> list[dict[str, Any]]:
        found = self.custom.list_namespaced_custom_object("argoproj.io", "v1alpha1", "models", plural)["items"]
        return sorted(found, key=lambda each: str(each["metadata"]["creationTimestamp"]))

    @property
    def rollout(self) -> dict[str, Any]:
        (found,) = self.objects("rollouts")
        return found

    @property
    def phase(self) -> str:
        return str((self.rollout.get("status") or {}).get("phase"))

    def serving(self) -> set[str]:
        """`--max-num-seqs` of the pods that stay."""
        arguments = [pod.spec.containers[0].args for pod in self.servers()]
        return {each for told in arguments for each in told if each.startswith("--max-num-seqs=")}

    def measured(self, run: dict[str, Any]) -> dict[str, list[str]]:
        """Metric -> phases of its measurements."""
        results = (run.get("status") or {}).get("metricResults") or []
        return {each["name"]: [one["phase"] for one in each.get("measurements") or []] for each in results}

    def series(self, query: str) -> list[Any]:
        address = f"http://127.0.0.1:{self.platform.ports['prometheus']}/api/v1/query"
        with urllib.request.urlopen(f"{address}?{urllib.parse.urlencode({'query': query})}", timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])

    def eventually(self, what: str, holds: Callable[[], bool]) -> None:
        def state() -> object:
            runs = [(run.get("status"), run["spec"].get("args")) for run in self.objects("analysisruns")]
            return self.rollout.get("status"), runs

        eventually(what, holds, state, PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def cluster(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    skip_unless_built("rollouts")
    file = changed_stack(tmp_path_factory.mktemp("rollouts"), _canary)
    platform.run("up", "--stack-file", str(file))
    yield Cluster(platform, file)
    platform.run("down", "--stack", "local")


def _load(name: str, seconds: int) -> Load:
    options = ("--profile", "steady", "--rate", "4", "--seconds", str(seconds), "--output-tokens", "40")
    return Load.start(name, *options, "--input-tokens", "200", "--longest-output-tokens", "80")


def test_a_model_is_a_rollout_that_an_autoscaler_moves_and_that_answers(cluster: Cluster) -> None:
    platform = cluster.platform
    assert platform.processes.is_alive("rollouts-controller")
    assert cluster.apps.list_namespaced_deployment("models").items == []
    (scaler,) = cluster.scaling.list_namespaced_horizontal_pod_autoscaler("models").items
    assert (scaler.spec.scale_target_ref.kind, scaler.spec.scale_target_ref.name) == ("Rollout", "qwen")
    cluster.eventually("at its fewest replicas", lambda: cluster.rollout["status"].get("availableReplicas") == 2)
    (model,) = models(platform.paths)
    assert (model.wanted, model.available) == (2, 2)
    assert ask(service_url(platform.paths, model)).text
    assert cluster.objects("analysisruns") == [], "there is nothing to compare the first pods with"
    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(cluster.file))


def test_a_canary_whose_first_tokens_are_late_goes_back_by_itself(cluster: Cluster) -> None:
    load = _load("rollouts-bad", 240)
    began = time.monotonic()
    cluster.change(QUEUES)
    assert cluster.phase in ("Progressing", "Paused"), "the update does not wait for the canary"
    print(f"up returned after {time.monotonic() - began:.0f} s")
    cluster.eventually("taken back", lambda: cluster.phase == "Degraded")
    print(f"taken back after {time.monotonic() - began:.0f} s")
    cluster.eventually("old pods only", lambda: cluster.serving() == {f"--max-num-seqs={USUAL}"})
    run = cluster.objects("analysisruns")[-1]
    assert run["status"]["phase"] == "Failed"
    found = cluster.measured(run)
    assert found["time-to-first-token"].count("Failed") == 2, found
    assert "Failed" not in found["failed-share"], found
    cluster.eventually("told", lambda: bool(cluster.series('rollout_info{name="qwen",phase="Abort"} > 0')))
    record = load.end(timeout_seconds=600)
    print({key: record["summary"][key] for key in ("requests", "answered", "refused", "lost")})
    # Nothing to do for the engine, though the stack file and the pods differ: the Rollout's spec is what was asked for.
    assert "pulumi: 0 changes" in cluster.platform.run("up", "--stack-file", str(cluster.file))


def test_the_old_stack_file_makes_it_healthy_without_moving_a_pod(cluster: Cluster) -> None:
    def names() -> set[str]:
        return {pod.metadata.name for pod in cluster.servers()}

    cluster.eventually("two pods", lambda: len(names()) == 2)
    before = names()
    cluster.change(USUAL)
    cluster.eventually("healthy", lambda: cluster.phase == "Healthy")
    assert names() == before


def test_a_good_canary_is_promoted_and_no_request_is_lost(cluster: Cluster) -> None:
    load = _load("rollouts-good", 240)
    cluster.change(GOOD)
    cluster.eventually("promoted", lambda: cluster.phase == "Healthy" and len(cluster.objects("analysisruns")) == 2)
    cluster.eventually("new pods only", lambda: cluster.serving() == {f"--max-num-seqs={GOOD}"})
    run = cluster.objects("analysisruns")[-1]
    assert run["status"]["phase"] == "Successful"
    assert all(set(phases) == {"Successful"} for phases in cluster.measured(run).values()), cluster.measured(run)
    record = load.end(timeout_seconds=600)
    summary = record["summary"]
    print({key: summary[key] for key in ("requests", "answered", "refused", "lost", "reasons")})
    assert (summary["refused"], summary["lost"]) == (0, 0), summary["reasons"]
    assert summary["answered"] == summary["requests"] == len(record["requests"]) > 0
    assert cluster.series('rollout_info{name="qwen",phase="Abort"} > 0') == []


def test_a_destroy_leaves_neither_rollouts_nor_the_controller_but_the_definitions_which_are_others_too(
    cluster: Cluster,
) -> None:
    cluster.platform.run("down", "--stack", "local")
    names = {pod.metadata.name for pod in cluster.core.list_namespaced_pod("models").items}
    assert names == set()
    assert "rollouts.argoproj.io" in cluster.definitions("argoproj.io"), "keepCRDs: with them others' Rollouts would go"
    assert cluster.objects("rollouts") == []
    assert not cluster.platform.processes.is_alive("rollouts-controller")
