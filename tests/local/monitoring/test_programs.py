"""Which pod a program stands behind."""

from __future__ import annotations

import pytest

from local.build.envoy import PROGRAM as ENVOY
from local.build.table import NEEDS, TOOLS
from local.host.ports import USUAL
from local.monitoring.programs import PROGRAMS, behind, program_of, repository
from tests.local.monitoring.objects import pod


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("quay.io/prometheus/prometheus:v3.14.0-distroless", "prometheus"),
        ("quay.io/prometheus-operator/prometheus-operator:v0.93.1", "prometheus-operator"),
        ("quay.io/prometheus-operator/prometheus-config-reloader:v0.93.1", None),
        ("quay.io/prometheus/node-exporter:v1", None),
        ("ghcr.io/kedacore/keda:2.20.2", "keda-operator"),
        ("ghcr.io/external-secrets/external-secrets:v2.9.0", "external-secrets"),
        ("public.ecr.aws/karpenter/controller:1.14.1@sha256:abc", "karpenter-controller"),
        ("mirror.example/public.ecr.aws/karpenter/controller:1.14.1", "karpenter-controller"),
        ("mirror.example/docker.io/otel/opentelemetry-collector-k8s:0.158.0", "otel-collector"),
        ("ghcr.io/kedacore/keda-metrics-apiserver:2.20.2", "keda-adapter"),
        ("mirror.example:5000/team/quay.io/prometheus/alertmanager@sha256:abc", "alertmanager"),
    ],
)
def test_a_program_is_known_by_its_image_also_from_a_mirror(image: str, name: str | None) -> None:
    program = program_of(pod("p", image))
    assert (program[0].name if program else None) == name


def test_an_images_tag_and_digest_do_not_count() -> None:
    for image in ("r:5000/a/b", "r:5000/a/b:v1", "r:5000/a/b@sha256:0", "r:5000/a/b:v1@sha256:0"):
        assert repository(image) == "r:5000/a/b"


def test_a_program_runs_for_the_youngest_ready_pod_only() -> None:
    old, new = pod("old"), pod("new", created="2026-11-21T11:00:00Z")
    starting = pod("starting", created="2026-11-21T12:00:00Z", ready=False)
    leaving = pod("leaving", created="2026-11-21T13:00:00Z")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-21T13:30:00Z"
    assert behind([new, old, starting, leaving])["prometheus"] is new
    assert behind([starting, leaving]) == {}


def test_every_program_is_built_by_the_need_that_it_names_and_its_ports_are_chosen() -> None:
    for program in PROGRAMS:
        names = {name for tool in TOOLS if tool.name in NEEDS[program.need] for name in tool.programs.values()}
        assert program.name in {*names, ENVOY}
        assert set(program.ports.values()) <= set(USUAL)
