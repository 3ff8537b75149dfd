"""The whole program for every stack file, as the engine sees it."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from tests.conftest import REPO
from tests.engine import Engine
from tests.golden import assert_matches
from tests.program import CANARIES, STACKS, needed_canaries, ours, run_program

GOLDENS = REPO / "tests/goldens"
MODEL = {
    "name": "qwen",
    "source": "Qwen/Qwen2.5-7B-Instruct",
    "revision": "a09a35458c702b33eeacc393d103063234e8bc28",
}
POOL = {"name": "l4", "instanceTypes": ["g6.2xlarge"]}


@pytest.fixture(scope="module")
def programs() -> dict[str, Engine]:
    return {stack: ours(stack) for stack in STACKS}


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_of_ours_registers_what_its_golden_lists(programs: dict[str, Engine], stack: str) -> None:
    assert_matches(GOLDENS / f"{stack}.resources.txt", "\n".join(programs[stack].summary()) + "\n")


@pytest.mark.parametrize("stack", STACKS)
def test_everything_has_a_parent_and_an_explicit_provider(programs: dict[str, Engine], stack: str) -> None:
    for registration in programs[stack].registrations:
        if registration.type.startswith(("aws:", "kubernetes:")):
            assert registration.provider, registration.name
            assert "default" not in registration.provider, registration.name
            assert registration.parent.split("::")[-2].split("$")[-1] != "pulumi:pulumi:Stack", registration.name


@pytest.mark.parametrize("stack", STACKS)
def test_no_secret_is_in_plain_text_in_anything_registered(programs: dict[str, Engine], stack: str) -> None:
    engine = programs[stack]
    for registration in engine.registrations:
        assert "canary" not in repr(registration.inputs).lower(), registration.name
    assert "canary" not in repr(engine.outputs).lower()
    opened = json.dumps([registration.plain_inputs for registration in engine.registrations], default=str)
    for canary in needed_canaries(stack).values():
        assert canary in opened, "the canary must be there, marked: else this test looks at nothing"


@pytest.mark.parametrize("stack", STACKS)
def test_the_outputs_say_where_it_is_and_what_it_costs(programs: dict[str, Engine], stack: str) -> None:
    outputs = programs[stack].stack_outputs
    assert set(outputs) == {"cluster", "kubeconfig", "models", "prometheus", "usdPerHour"}
    assert 0 < outputs["usdPerHour"]["min"] <= outputs["usdPerHour"]["max"]
    for model in outputs["models"].values():
        assert model["url"].startswith("http://")


def test_inside_the_cluster_nothing_starts_before_nodes_and_addons_are_there(programs: dict[str, Engine]) -> None:
    provider = programs["dev"].only("pulumi:providers:kubernetes")
    assert {"system-nodes", "addons-coredns", "addons-aws-ebs-csi-driver"} <= provider.depends_on


def refused(sections: dict[str, Any], secrets: dict[str, str] | None = None) -> tuple[str, Engine]:
    engine = Engine()
    with pytest.raises(pulumi.RunError) as caught:
        run_program(sections, "test", secrets=secrets, engine=engine)
    return str(caught.value), engine


def test_a_wrong_stack_file_ends_before_anything_is_registered_with_mistakes_and_findings_together() -> None:
    text, engine = refused(
        {
            "cluster": {"version": "one"},
            "nodePools": [POOL],
            "models": [{**MODEL, "maxModelLen": 5_000_000, "drain": {"gracePeriodSeconds": 5}}],
            "netwrk": {},
        }
    )
    assert engine.registrations == []
    assert "nothing was changed" in text
    for path in ("cluster.version", "vllm-on-eks:netwrk", "models[0].maxModelLen", "models[0].drain"):
        assert f"  error    {path}" in text, text


def test_a_missing_secret_names_the_command_that_sets_it() -> None:
    text, engine = refused({"nodePools": [POOL], "models": [MODEL]}, secrets={})
    assert engine.registrations == []
    assert "pulumi config set --secret vllm-on-eks:grafanaPassword --stack test" in text


def test_without_models_there_is_still_a_cluster_and_nothing_is_served() -> None:
    engine = run_program({"nodePools": [POOL]}, secrets={"grafanaPassword": CANARIES["grafanaPassword"]})
    assert len(engine.all("aws:eks/cluster:Cluster")) == 1
    assert engine.all("vllm-on-eks:index:VllmModel") == []
    assert engine.stack_outputs["models"] == {}


def test_an_existing_cluster_in_an_existing_network_is_only_added_to() -> None:
    engine = run_program(
        {
            "cluster": {"kind": "existing", "name": "main"},
            "network": {
                "kind": "existing",
                "vpcId": "vpc-0123",
                "privateSubnetIds": ["subnet-0aaa", "subnet-0bbb"],
            },
            "nodePools": [POOL],
            "models": [MODEL],
        },
        secrets={"grafanaPassword": CANARIES["grafanaPassword"]},
    )
    assert engine.all("aws:eks/cluster:Cluster") == []
    assert engine.all("aws:ec2/vpc:Vpc") == []
    assert engine.all("aws:eks/addon:Addon") == []
    assert len(engine.all("aws:eks/nodeGroup:NodeGroup")) == 2


def _releases(engine: Engine) -> set[str]:
    return {registration.name for registration in engine.all("kubernetes:helm.sh/v3:Release")}


def test_without_monitoring_nothing_asks_for_its_kinds_and_replicas_stay_fixed() -> None:
    model = {**MODEL, "autoscaling": {"minReplicas": 1, "maxReplicas": 1}}
    engine = run_program({"nodePools": [POOL], "models": [model], "monitoring": {"enabled": False}}, secrets={})
    assert [r for r in engine.registrations if "PodMonitor" in r.type] == []
    assert _releases(engine) == {"gpu-operator-release", "cluster-autoscaler-release"}


def test_models_come_after_what_brings_their_nodes_and_it_after_the_groups_that_it_scales(
    programs: dict[str, Engine],
) -> None:
    """So a destroy takes models, autoscaler and groups in this order, and nobody buys nodes meanwhile."""
    release = programs["prod"].named("cluster-autoscaler-release")
    assert {"l4-nodes", "a10g-nodes", "cluster-autoscaler-identity"} <= release.depends_on
    for model in ("qwen", "llama"):
        assert "cluster-autoscaler-release" in programs["prod"].named(f"{model}-deployment").depends_on


def test_no_autoscaler_is_installed_where_no_pool_can_grow_or_nobody_is_to_make_it() -> None:
    fixed = {"minNodes": 2, "maxNodes": 2}
    stacks: list[dict[str, Any]] = [
        {"nodePools": [{**POOL, **fixed}], "systemNodes": fixed},
        {"nodePools": [POOL], "nodeAutoscaling": {"kind": "none"}},
        {"nodePools": [POOL], "nodeAutoscaling": {"install": False}},
    ]
    for sections in stacks:
        engine = run_program({**sections, "monitoring": {"enabled": False}}, secrets={})
        assert _releases(engine) == {"gpu-operator-release"}
        assert engine.all("aws:eks/podIdentityAssociation:PodIdentityAssociation") == []


def test_monitoring_can_be_switched_off_while_its_password_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    model = {**MODEL, "autoscaling": {"minReplicas": 1, "maxReplicas": 1}}
    sections = {"nodePools": [POOL], "models": [model], "monitoring": {"enabled": False}}
    engine = run_program(sections, secrets={"grafanaPassword": CANARIES["grafanaPassword"]})
    assert _releases(engine) == {"gpu-operator-release", "cluster-autoscaler-release"}
    lines = [line for line in warned if "pulumi config rm vllm-on-eks:grafanaPassword" in line]
    assert len(lines) == 1
    assert CANARIES["grafanaPassword"] not in lines[0]


def test_a_model_scaled_by_keda_brings_keda_and_no_adapter_and_an_hpa_never_does() -> None:
    wake = {"query": 'sum(increase(gateway_unserved_total{service="qwen"}[2m]))'}
    model = {**MODEL, "autoscaling": {"kind": "keda", "minReplicas": 0, "maxReplicas": 2, "wake": wake}}
    pool = {**POOL, "minNodes": 2}
    given: dict[str, Any] = {"nodePools": [pool], "models": [model]}
    secrets = {"grafanaPassword": CANARIES["grafanaPassword"]}
    engine = run_program(given, secrets=secrets)
    releases = {release.name for release in engine.all("kubernetes:helm.sh/v3:Release")}
    assert "keda-release" in releases
    assert "metrics-adapter-release" not in releases, "one owner of metrics, and nothing that nobody reads"
    scaled = engine.only("kubernetes:keda.sh/v1alpha1:ScaledObject")
    assert {trigger["metadata"]["serverAddress"] for trigger in scaled.inputs["spec"]["triggers"]} == {
        "http://kube-prometheus-stack-prometheus.monitoring.svc:9090"
    }
    assert any("keda-release" in urn for urn in scaled.dependencies), "its kind comes with KEDA's release"
    assert engine.all("kubernetes:autoscaling/v2:HorizontalPodAutoscaler") == []
    usual = run_program({**given, "models": [MODEL]}, secrets=secrets)
    assert "keda-release" not in {release.name for release in usual.all("kubernetes:helm.sh/v3:Release")}
