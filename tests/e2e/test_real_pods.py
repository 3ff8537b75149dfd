"""Pods whose server is the real vLLM, on the platform: `make up ENGINE=vllm`, autoscaling, and its end.

The HPA's replicas are asserted on; how long they take is only bounded, since each of them loads on this machine's CPU.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client, config

from local.commands.platform import servers_folder
from local.control_plane.cluster import is_ready
from local.host.paths import platform_paths
from local.vllm_cpu.environment import installed
from local.vllm_cpu.server import can_be
from tests.e2e.cluster import eventually
from tests.e2e.conftest import Platform
from tests.e2e.loading import Load, assert_none_cut, changed_stack
from tests.e2e.series_read import says_that_it_is_random, series_read
from tests.e2e.test_metrics import query

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(installed(platform_paths()) is None, reason="vLLM is not installed; run: make engine"),
]

REVISION = "a09a35458c702b33eeacc393d103063234e8bc28"
LOAD_SECONDS, QUIET_SECONDS = 240, 120
BEHAVIOUR = {
    "scaleUp": {"windowSeconds": 0, "pods": 1, "periodSeconds": 15},
    "scaleDown": {"windowSeconds": 30, "pods": 1, "periodSeconds": 15},
}


def _two_replicas(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["nodePools"][0] |= {"minNodes": 2, "maxNodes": 2}
    settings["monitoring"] = {"scrapeIntervalSeconds": 5}
    metrics = [{"kind": "inFlight", "target": 1}]  # two a second are more than one in flight on a fast machine, too
    model["autoscaling"] = {"kind": "hpa", "minReplicas": 1, "maxReplicas": 2, "metrics": metrics, **BEHAVIOUR}
    model["drain"] = {"preStopSeconds": 5}


class Up:
    """The platform with its servers up, and what `up` said."""

    def __init__(self, platform: Platform, said: str) -> None:
        self.platform, self.said = platform, said
        self.core = client.CoreV1Api(
            config.new_client_from_config(config_file=str(platform.paths.kubeconfig))  # type: ignore[no-untyped-call]
        )

    def pods(self) -> list[Any]:
        selector = "app.kubernetes.io/component=model-server"
        pods: list[Any] = self.core.list_namespaced_pod("models", label_selector=selector).items
        return pods

    def servers(self) -> list[psutil.Process]:
        """Processes of all pods, with what they started."""
        folder, processes = servers_folder(self.platform.paths), []
        for process in psutil.process_iter():
            try:
                if Path(process.cwd().removesuffix(" (deleted)")).is_relative_to(folder):
                    processes.append(process)
            except (psutil.Error, OSError):
                continue
        return processes


@pytest.fixture(scope="module")
def up(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Up:
    file = changed_stack(tmp_path_factory.mktemp("real"), _two_replicas)
    for above in (platform.paths.state, *platform.paths.state.parents[:3]):
        above.chmod(0o755)  # pytest's folders are its user's only, and servers are another one
    said = platform.run("up", "--engine", "vllm", "--stack-file", str(file))
    return Up(platform, said)


def test_up_ends_with_a_completion_of_the_real_engine(up: Up) -> None:
    """`up` asks whole and as a stream, and refuses what does not come whole."""
    said = re.search(r"says:\n  (.+)\n", up.said)
    assert said is not None, up.said
    assert says_that_it_is_random(said[1]), said[1]


def test_the_pod_is_ready_by_the_probes_of_a_process_that_runs_as_rendered(up: Up) -> None:
    (pod,) = up.pods()
    assert is_ready(pod)
    assert pod.status.container_statuses[0].container_id == "process://vllm"
    assert pod.status.container_statuses[0].restart_count == 0
    processes = up.servers()
    (server,) = [process for process in processes if "serve" in process.cmdline()[:4]]
    assert f"--revision={REVISION}" in server.cmdline()
    rendered = [arg for arg in pod.spec.containers[0].args if not arg.startswith("--port")]
    assert [each for each in rendered if each not in server.cmdline()] == []
    assert server.environ()["HF_HUB_OFFLINE"] == "1"
    if can_be(10001):
        assert {process.uids().real for process in processes} == {10001}


def test_prometheus_has_every_series_that_we_read_with_its_pod(up: Up) -> None:
    (pod,) = up.pods()
    for name, selections in series_read().items():
        if name == "vllm:admission_rejections_total":  # a label set for each limit that was ever hit (0.32.0)
            continue
        for chosen in selections:
            words = ",".join([f'{label}{operator}"{value}"' for label, operator, value in chosen])
            asked = f'{name}{{namespace="models",pod="{pod.metadata.name}"{"," if words else ""}{words}}}'
            series = eventually(asked, lambda asked=asked: query(up.platform, asked))
            assert series[0]["metric"]["job"], asked


def test_the_autoscaler_takes_it_from_one_to_two_and_back_under_load(up: Up) -> None:
    load = Load.start(
        "real-scaling", "--profile", "steady", "--rate", "2", "--seconds", str(LOAD_SECONDS), "--output-tokens",
        "400", "--longest-output-tokens", "800", "--input-tokens", "50", "--after-seconds", str(QUIET_SECONDS),
    )  # fmt: skip
    record = load.end(timeout_seconds=LOAD_SECONDS + QUIET_SECONDS + 400)
    summary = record["summary"]
    for name in ("wanted_curve", "ready_curve"):
        levels = [int(count) for _, count in summary[name]]
        assert (levels[0], max(levels), levels[-1]) == (1, 2, 1), summary[name]
    assert_none_cut(record, at_least=100)
    log = (up.platform.paths.log / "engine.log").read_text()
    assert "INFO SIGTERM" in log
    assert "INFO vllm ended with exit code 0" in log


def test_down_leaves_no_process(up: Up) -> None:
    assert up.servers()
    up.platform.run("down")
    assert up.servers() == []
    assert not up.platform.paths.state.exists()
