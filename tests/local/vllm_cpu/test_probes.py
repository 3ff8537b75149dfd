"""Probes as the kubelet reads them."""

from __future__ import annotations

import pytest

from components.serving.manifests.deployment import deployment
from local.engine.flags import UsageError
from local.vllm_cpu.probes import KINDS, ProbeVerdict, probe_of
from tests.components.plans import MODEL

SERVER = deployment(MODEL, "priority")["spec"]["template"]["spec"]["containers"][0]


def test_every_probe_that_we_render_is_run_and_asks_the_port_that_the_container_names() -> None:
    for kind in KINDS:
        probe = probe_of(SERVER, kind)
        assert probe is not None, kind
        assert (probe.path, probe.port) == ("/health", 8000)
        assert probe.period_seconds == SERVER[kind]["periodSeconds"]
        assert probe.failure_threshold == SERVER[kind]["failureThreshold"]
    started = probe_of(SERVER, "startupProbe")
    assert started is not None
    assert (
        started.budget_seconds == SERVER["startupProbe"]["periodSeconds"] * SERVER["startupProbe"]["failureThreshold"]
    )


def test_what_is_not_written_is_what_the_api_server_would_write() -> None:
    probe = probe_of({"readinessProbe": {"httpGet": {"port": 80}}}, "readinessProbe")
    assert probe is not None
    assert (probe.path, probe.port, probe.initial_delay_seconds) == ("/", 80, 0)
    assert (probe.period_seconds, probe.timeout_seconds) == (10, 1)
    assert (probe.failure_threshold, probe.success_threshold) == (3, 1)
    assert probe_of({}, "readinessProbe") is None
    unknown = probe_of({"livenessProbe": {"httpGet": {"port": "no-such"}}}, "livenessProbe")
    assert unknown is not None
    assert unknown.port == -1


def test_a_command_is_a_probe_with_the_same_defaults_and_asks_no_port() -> None:
    probe = probe_of({"startupProbe": {"exec": {"command": ["python3", "-c", "1"]}}}, "startupProbe")
    assert probe is not None
    assert (probe.command, probe.port, probe.timeout_seconds) == (("python3", "-c", "1"), -1, 1)


@pytest.mark.parametrize("kind", ["tcpSocket", "grpc"])
def test_a_probe_that_is_not_run_here_is_refused_by_its_name(kind: str) -> None:
    with pytest.raises(
        UsageError, match=f"livenessProbe: only httpGet and exec probes are run here, and this one is {kind}"
    ):
        probe_of({"livenessProbe": {kind: {}}}, "livenessProbe")


@pytest.mark.parametrize(
    ("begins", "results", "verdicts"),
    [
        (False, [True], [True]),
        (True, [False, False, True, False, False, False], [True, True, True, True, True, False]),
        (None, [False, False, True], [None, None, True]),
        (None, [False, False, False], [None, None, False]),
        (False, [False, True, False], [False, True, True]),
    ],
)
def test_a_verdict_needs_its_threshold_in_a_row(
    begins: bool | None, results: list[bool], verdicts: list[bool | None]
) -> None:
    probe = probe_of({"p": {"httpGet": {"port": 1}}}, "p")
    assert probe is not None
    verdict = ProbeVerdict(probe, begins)
    assert [verdict.take(result) for result in results] == verdicts
