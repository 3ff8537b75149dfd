from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from components.cluster.gpu_operator import GpuOperator, GpuOperatorArgs, gpu_operator_values
from components.cluster.namespace import ModelNamespace, ModelNamespaceArgs
from planning.model import ChartRef, GpuOperatorPlan, GpuSharingPlan, TaintPlan
from tests.components.plans import GPU_OPERATOR, MIRROR, SHARING_OPERATOR
from tests.engine import record
from tests.golden import as_yaml, assert_matches

GOLDENS = Path(__file__).parent / "goldens"


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("gpu-operator", GPU_OPERATOR),
        ("gpu-operator-mirrored", replace(GPU_OPERATOR, mirror=MIRROR)),
        ("gpu-operator-sharing", SHARING_OPERATOR),
    ],
)
def test_values_are_as_their_golden(name: str, plan: GpuOperatorPlan) -> None:
    text = as_yaml(gpu_operator_values(plan))
    assert "&id" not in text
    assert_matches(GOLDENS / f"{name}.values.yaml", text)


def test_each_way_of_sharing_is_a_configuration_that_a_nodes_label_chooses() -> None:
    config = gpu_operator_values(SHARING_OPERATOR)["devicePlugin"]["config"]
    assert set(config["data"]) == {"whole", "mps-2", "time-slicing-4"}
    assert config["default"] == "whole"
    assert yaml.safe_load(config["data"]["whole"]) == {"version": "v1"}
    mps = yaml.safe_load(config["data"]["mps-2"])["sharing"]
    assert list(mps) == ["mps"], "the plugin refuses two strategies in one configuration"
    slices = yaml.safe_load(config["data"]["time-slicing-4"])["sharing"]["timeSlicing"]
    assert slices["resources"] == [{"name": "nvidia.com/gpu", "replicas": 4}]
    assert slices["renameByDefault"] is False, "pods and quotas ask for nvidia.com/gpu"
    assert slices["failRequestsGreaterThanOne"] is True, "two shares may be one GPU"


def test_mig_alone_needs_its_manager_and_no_configuration_of_the_device_plugin() -> None:
    values = gpu_operator_values(replace(GPU_OPERATOR, sharing=(GpuSharingPlan("mig", 7, "1g.5gb"),)))
    assert values["mig"] == {"strategy": "single"}
    assert values["migManager"]["enabled"] is True
    assert "config" not in values["devicePlugin"]


def test_without_sharing_there_is_neither() -> None:
    values = gpu_operator_values(GPU_OPERATOR)
    assert values["migManager"] == {"enabled": False}
    assert values["devicePlugin"] == {"enabled": True}
    assert "mig" not in values


def test_the_mig_managers_image_comes_from_the_mirror_when_it_runs() -> None:
    values = gpu_operator_values(replace(SHARING_OPERATOR, mirror=MIRROR))
    assert values["migManager"]["repository"] == f"{MIRROR}/nvcr.io/nvidia/cloud-native"
    assert "repository" not in gpu_operator_values(replace(GPU_OPERATOR, mirror=MIRROR))["migManager"]


def test_driver_and_toolkit_are_said_even_when_off_because_the_chart_turns_them_on() -> None:
    values = gpu_operator_values(GPU_OPERATOR)
    assert values["driver"] == {"enabled": False}
    assert values["toolkit"] == {"enabled": False}


def test_no_exporter_means_no_monitor_of_it() -> None:
    values = gpu_operator_values(replace(GPU_OPERATOR, dcgm_exporter=False))
    assert values["dcgmExporter"]["enabled"] is False
    assert values["dcgmExporter"]["serviceMonitor"]["enabled"] is False


def test_operands_and_feature_discovery_tolerate_every_taint_of_the_pools() -> None:
    taints = (*GPU_OPERATOR.taints, TaintPlan("team", "research", "NoSchedule"))
    values = gpu_operator_values(replace(GPU_OPERATOR, taints=taints))
    for where in (values["daemonsets"], values["node-feature-discovery"]["worker"]):
        assert [toleration["key"] for toleration in where["tolerations"]] == ["nvidia.com/gpu", "team"]


def test_every_image_that_is_pulled_comes_from_the_mirror() -> None:
    text = as_yaml(gpu_operator_values(replace(GPU_OPERATOR, mirror=MIRROR)))
    lines = [line.strip() for line in text.splitlines() if "repository:" in line]
    assert len(lines) == 8
    assert all(line.startswith(f"repository: {MIRROR}/") for line in lines)


def test_the_release_is_named_pinned_and_in_a_privileged_namespace() -> None:
    engine = record(lambda: GpuOperator("gpus", GpuOperatorArgs(GPU_OPERATOR)))
    release = engine.only("kubernetes:helm.sh/v3:Release")
    assert release.name == "gpus-release"
    assert release.inputs["name"] == "gpu-operator"
    assert release.inputs["chart"] == "gpu-operator"
    assert release.inputs["version"] == "v26.7.0"
    assert release.inputs["repositoryOpts"] == {"repo": "https://helm.ngc.nvidia.com/nvidia"}
    assert release.inputs["namespace"] == "gpu-operator"
    assert release.inputs["cleanupOnFail"] is True
    assert release.inputs["skipAwait"] is False
    assert release.inputs["timeout"] == 900
    assert release.inputs["values"] == gpu_operator_values(GPU_OPERATOR)
    assert "atomic" not in release.inputs, "a failed release stays, to be looked at"
    labels = engine.only("kubernetes:core/v1:Namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    assert release.property_dependencies["namespace"], "the namespace is first by data"


def test_an_oci_chart_has_no_repository() -> None:
    chart = ChartRef(f"oci://{MIRROR}/charts/gpu-operator", "v26.7.0", None)
    engine = record(lambda: GpuOperator("gpus", GpuOperatorArgs(replace(GPU_OPERATOR, chart=chart))))
    release = engine.only("kubernetes:helm.sh/v3:Release")
    assert release.inputs["chart"].startswith("oci://")
    assert "repositoryOpts" not in release.inputs


def test_the_release_waits_for_what_it_is_told_to() -> None:
    def program() -> None:
        first = ModelNamespace("first", ModelNamespaceArgs("first"))
        GpuOperator("gpus", GpuOperatorArgs(GPU_OPERATOR, after=(first,)))

    assert "first-namespace" in record(program).only("kubernetes:helm.sh/v3:Release").depends_on


def test_the_component_registers_its_outputs() -> None:
    engine = record(lambda: GpuOperator("gpus", GpuOperatorArgs(GPU_OPERATOR)))
    component = engine.only("vllm-on-eks:index:GpuOperator")
    assert engine.outputs_of(component) == {"namespace": "gpu-operator"}
    policies = {"gpus-default-deny", "gpus-within"}
    assert {child.name for child in engine.children(component)} == {"gpus-namespace", "gpus-release", *policies}
    assert engine.only("kubernetes:helm.sh/v3:Release").depends_on >= policies
