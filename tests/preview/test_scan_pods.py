"""Pods that controllers make, as scanners are to see them."""

from __future__ import annotations

from typing import Any

import pytest

from components.serving.backends import BACKENDS
from components.serving.backends.llm_d import PICKER
from components.serving.manifests.names import WORKER
from preview.scan_objects import COMPANIONS
from preview.scan_pods import as_deployments, retargeted
from tests.components.plans import GROUP_MODEL, MODEL, on
from tests.components.rendered import of_model, workload_of


def pods(deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = deployment["spec"]["template"]
    return found


def test_an_inference_service_is_the_deployment_that_kserve_makes_of_it() -> None:
    made = of_model(on(MODEL, "kserve"))
    (deployment,) = as_deployments(made[workload_of(on(MODEL, "kserve"))])
    assert (deployment["kind"], deployment["metadata"]["name"]) == ("Deployment", f"{MODEL.name}-predictor")
    assert made["service"]["spec"]["selector"].items() <= pods(deployment)["metadata"]["labels"].items()
    assert set(pods(deployment)["spec"]) == set(pods(of_model(MODEL)["deployment"])["spec"])
    scaler = {**made["hpa"]}
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    retargeted([deployment, scaler])
    assert scaler["spec"]["scaleTargetRef"]["kind"] == "Deployment"


def test_a_group_is_its_leaders_and_its_workers() -> None:
    made = of_model(GROUP_MODEL)
    leader, worker = as_deployments(made[workload_of(GROUP_MODEL)])
    assert made["service"]["spec"]["selector"].items() <= pods(leader)["metadata"]["labels"].items()
    assert pods(worker) != pods(leader)
    assert worker["metadata"]["name"] == f"{leader['metadata']['name']}-worker"
    scaler = made["hpa"]
    retargeted([leader, worker, scaler])
    assert scaler["spec"]["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": leader["metadata"]["name"],
    }


def test_companions_are_what_their_components_call_them() -> None:
    assert COMPANIONS == (PICKER, WORKER)


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "kserve"])
def test_what_scanners_know_and_what_has_no_pods_of_ours_stays(backend: str) -> None:
    for manifest in of_model(on(MODEL, backend)).values():
        assert as_deployments(manifest) == [manifest]


def test_an_autoscaler_of_something_else_keeps_its_target() -> None:
    scaler = of_model(MODEL)["hpa"]
    before = dict(scaler["spec"]["scaleTargetRef"])
    retargeted([scaler, {"kind": "Deployment", "metadata": {"name": "other", "namespace": MODEL.namespace}}])
    assert scaler["spec"]["scaleTargetRef"] == before
