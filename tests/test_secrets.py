"""Canaries in place of the Hugging Face token and Grafana's password, looked for in everything that is written.

The recording engine keeps what would go to the engine and so into state, log and preview; a value that is marked
secret stays out of a record's `repr`. What a program exports is looked at too, and so is every golden.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pulumi
import pulumi_kubernetes as k8s
import pytest

from components.cluster.gpu_operator import GpuOperator, GpuOperatorArgs
from components.cluster.metrics_adapter import MetricsAdapter, MetricsAdapterArgs
from components.cluster.namespace import ModelNamespace, ModelNamespaceArgs
from components.cluster.priority_class import ModelPriorityClass, ModelPriorityClassArgs
from components.cluster.prometheus_stack import PrometheusStack, PrometheusStackArgs
from components.serving import ServingWiring, serve
from tests.components.plans import GPU_OPERATOR, MIRROR, MODEL, MONITORING, OPEN_MODEL, VOLUME_MODEL
from tests.conftest import REPO
from tests.engine import Engine, Secret, record

TOKEN = "hf_canaryTOKEN0123456789abcdefghij"
PASSWORD = "canary-grafana-password-0123456789"
CANARIES = (TOKEN, PASSWORD)
# What a Hugging Face token looks like; no golden, however it came about, may hold one.
TOKEN_SHAPE = re.compile(r"\bhf_[A-Za-z0-9]{20,}")


def _program(token: pulumi.Input[str], password: pulumi.Input[str]) -> None:
    """Every component that a secret reaches, with a mirror and a second model beside, and exports."""
    stack = PrometheusStack("monitoring", PrometheusStackArgs(replace(MONITORING, mirror=MIRROR), password))
    MetricsAdapter("adapter", MetricsAdapterArgs(MONITORING, stack.namespace, stack.prometheus_url))
    GpuOperator("gpus", GpuOperatorArgs(GPU_OPERATOR, after=(stack.release,)))
    wiring = ServingWiring(
        namespaces={"models": ModelNamespace("models", ModelNamespaceArgs("models")).name},
        priority_classes={"standard": ModelPriorityClass("priority", ModelPriorityClassArgs("dev")).class_name},
        hf_tokens={"hfToken": token},
        monitors_after=(stack.release,),
    )
    on_volume = replace(VOLUME_MODEL, name="llama-big", token=replace(MODEL.token, secret_name="llama-big-hf-token"))
    for model in (MODEL, on_volume, OPEN_MODEL):
        pulumi.export(model.name, serve(model, wiring).url)


def _searched(engine: Engine) -> list[str]:
    """Where a canary is readable: the name of the registration, or `outputs`."""
    names = [r.name for r in engine.registrations if any(canary in repr(r) for canary in CANARIES)]
    if any(canary in repr(engine.outputs) for canary in CANARIES):
        names.append("outputs")
    return names


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize("marked", [True, False], ids=["marked", "handed over unmarked"])
def test_no_secret_is_readable_in_anything_registered(marked: bool, preview: bool) -> None:
    mark = pulumi.Output.secret if marked else pulumi.Output.from_input
    engine = record(lambda: _program(mark(TOKEN), mark(PASSWORD)), preview=preview)
    assert _searched(engine) == []


def test_each_secret_reaches_exactly_the_secrets_it_is_for() -> None:
    """Guards the test above: canaries that never went in would not be found either."""
    engine = record(lambda: _program(pulumi.Output.secret(TOKEN), pulumi.Output.secret(PASSWORD)))
    reached = {r.name: str(r.plain_inputs) for r in engine.registrations}
    assert {name for name, text in reached.items() if TOKEN in text} == {"llama-hf-token", "llama-big-hf-token"}
    assert {name for name, text in reached.items() if PASSWORD in text} == {"monitoring-grafana-admin"}
    for name in ("llama-hf-token", "llama-big-hf-token", "monitoring-grafana-admin"):
        secret = engine.named(name)
        assert secret.type == "kubernetes:core/v1:Secret"
        assert isinstance(secret.inputs["stringData"], Secret)


def test_a_leak_would_be_found() -> None:
    def program() -> None:
        k8s.core.v1.ConfigMap("leak", data={"HF_TOKEN": TOKEN})
        pulumi.export("password", PASSWORD)

    assert _searched(record(program)) == ["leak", "outputs"]


def test_no_helm_value_holds_a_secret_not_even_a_marked_one() -> None:
    """A marked value in a release is encrypted in state, but Helm keeps all values readable in the cluster."""
    engine = record(lambda: _program(pulumi.Output.secret(TOKEN), pulumi.Output.secret(PASSWORD)))
    releases = engine.all("kubernetes:helm.sh/v3:Release")
    assert len(releases) == 3
    for release in releases:
        assert not any(canary in str(release.plain_inputs) for canary in CANARIES), release.name


def test_no_golden_holds_a_secret() -> None:
    goldens = [path for path in (REPO / "tests").rglob("goldens/**/*") if path.is_file()]
    assert len(goldens) >= 9, "the goldens are not where this test looks"
    for path in goldens:
        text = path.read_text(encoding="utf-8")
        assert not any(canary in text for canary in CANARIES), path.name
        assert not TOKEN_SHAPE.search(text), path.name
