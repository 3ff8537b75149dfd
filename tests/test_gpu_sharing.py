"""The whole program for stacks that share GPUs: what the node group, the operator and the pods are told together."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.engine import Engine
from tests.program import CANARIES, run_program

GPU = "nvidia.com/gpu"
MODEL = {
    "name": "qwen",
    "source": "Qwen/Qwen2.5-3B-Instruct",
    "revision": "aa8e72537993ba99e69dfaafa59ed015b17504d1",
}
L4 = {"name": "shared", "instanceTypes": ["g6.2xlarge"]}
A100 = {"name": "shared", "instanceTypes": ["p4d.24xlarge"], "diskGib": 2000}


def run(pool: dict[str, Any], **changes: Any) -> Engine:
    sections = {"nodePools": [pool], "models": [{**MODEL, **changes}]}
    return run_program(sections, secrets={"grafanaPassword": CANARIES["grafanaPassword"]})


def pods_and_labels(engine: Engine) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    (deployment,) = (each for each in engine.all("kubernetes:apps/v1:Deployment") if "qwen" in each.name)
    group = next(each for each in engine.all("aws:eks/nodeGroup:NodeGroup") if "shared" in each.name)
    release = next(each for each in engine.all("kubernetes:helm.sh/v3:Release") if each.name == "gpu-operator-release")
    return deployment.inputs["spec"]["template"]["spec"], group.inputs["labels"], release.inputs["values"]


def server_of(pod: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = next(container for container in pod["containers"] if container["name"] == "vllm")
    return container


@pytest.mark.parametrize(
    ("kind", "utilization", "told", "volumes"),
    [("mps", 0.9, "0.45", {"cache", "scratch"}), ("timeSlicing", 0.45, "0.45", {"cache", "scratch", "shm"})],
)
def test_a_shared_l4_ends_in_label_configuration_and_pods_that_fit_together(
    kind: str, utilization: float, told: str, volumes: set[str]
) -> None:
    engine = run({**L4, "gpuSharing": {"kind": kind, "replicas": 2}}, gpuMemoryUtilization=utilization)
    pod, labels, values = pods_and_labels(engine)
    config = values["devicePlugin"]["config"]
    chosen = yaml.safe_load(config["data"][labels["nvidia.com/device-plugin.config"]])
    assert chosen["sharing"][kind]["resources"] == [{"name": GPU, "replicas": 2}]
    assert values["migManager"] == {"enabled": False}
    server = server_of(pod)
    assert server["resources"]["limits"][GPU] == "1"
    assert f"--gpu-memory-utilization={told}" in server["args"]
    assert {volume["name"] for volume in pod["volumes"]} == volumes
    assert ("/dev/shm" in {volume_mount["mountPath"] for volume_mount in server["volumeMounts"]}) == ("shm" in volumes)
    assert "hostIPC" not in pod
    assert "hostPID" not in pod


def test_a_cut_a100_ends_in_label_manager_and_pods_with_one_instance_each() -> None:
    engine = run({**A100, "gpuSharing": {"kind": "mig", "profile": "2g.10gb"}})
    pod, labels, values = pods_and_labels(engine)
    assert labels["nvidia.com/mig.config"] == "all-2g.10gb"
    assert values["mig"] == {"strategy": "single"}
    assert values["migManager"]["enabled"] is True
    assert "config" not in values["devicePlugin"]
    server = server_of(pod)
    assert server["resources"]["limits"][GPU] == "1"
    assert "--gpu-memory-utilization=0.9" in server["args"]
    assert {volume["name"] for volume in pod["volumes"]} == {"cache", "scratch", "shm"}


def test_pods_of_a_cut_pool_wait_until_it_is_cut_and_an_empty_pool_says_that_it_will_be() -> None:
    engine = run({**A100, "gpuSharing": {"kind": "mig", "profile": "2g.10gb"}})
    pod, labels, _ = pods_and_labels(engine)
    done = {"nvidia.com/mig.config.state": "success"}
    assert done.items() <= pod["nodeSelector"].items()
    tests = [each for each in engine.all("kubernetes:batch/v1:Job") if "smoke" in each.name]
    assert tests
    assert all(done.items() <= test.inputs["spec"]["template"]["spec"]["nodeSelector"].items() for test in tests)
    group = next(each for each in engine.all("aws:eks/nodeGroup:NodeGroup") if "shared" in each.name)
    assert done.keys().isdisjoint(labels), "the MIG manager writes it, not the node group"
    template = "k8s.io/cluster-autoscaler/node-template/label/nvidia.com/mig.config.state"
    assert group.inputs["tags"][template] == "success"


def test_whole_gpus_leave_no_trace_of_sharing() -> None:
    pod, labels, values = pods_and_labels(run(L4))
    assert not any(key.startswith("nvidia.com") for key in labels)
    assert values["devicePlugin"] == {"enabled": True}
    assert {volume["name"] for volume in pod["volumes"]} == {"cache", "scratch", "shm"}
