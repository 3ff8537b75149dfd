"""Every Kubernetes object that the whole program registers, against the schemas, unknown fields refused.

pulumi-kubernetes drops an unknown field of a built-in kind without a word (tests/e2e/test_provider_behaviour.py), so a
misspelt probe would first be missed in production. Here it is an error, for each stack file and the kinds of serving,
caching and scaling that a stack file can ask for.
"""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from tests.engine import Engine
from tests.program import STACKS, ours, run_program
from tests.reference_data import custom_resource_validator

KUBERNETES = "1.35"  # the default of a stack; tests/components/test_manifests_valid.py tries oldest and newest
CUSTOM_GROUPS = ("monitoring.coreos.com", "keda.sh", "external-secrets.io")
MODEL = {
    "name": "chat",
    "source": "Qwen/Qwen2.5-7B-Instruct",
    "revision": "a09a35458c702b33eeacc393d103063234e8bc28",
}
POOL = {"name": "l4", "instanceTypes": ["g6.2xlarge"], "minNodes": 1, "maxNodes": 4}
SAMPLES: dict[str, dict[str, Any]] = {
    "volume cache": {"cache": {"kind": "persistentVolume", "storageClass": "efs"}, "autoscaling": {"maxReplicas": 1}},
    "keda": {"autoscaling": {"kind": "keda", "minReplicas": 1, "maxReplicas": 2}},
    "fixed": {"autoscaling": {"kind": "none"}},
    "token of a Secret": {"tokenSecret": {"kind": "kubernetesSecret", "name": "hf"}},
    "token of Secrets Manager": {
        "tokenSecret": {"kind": "secretsManager", "name": "prod/hf", "property": "hf.token", "refreshMinutes": 5}
    },
}


def kubernetes_objects(engine: Engine) -> dict[str, dict[str, Any]]:
    """Logical name -> object as the provider is given it; Helm releases and Patch resources are no whole objects."""
    return {
        registration.name: registration.plain_inputs
        for registration in engine.registrations
        if registration.type.startswith("kubernetes:")
        and "helm.sh" not in registration.type
        and not registration.type.endswith("Patch")
    }


def problem(manifest: dict[str, Any]) -> str | None:
    """What is wrong with an object, or None."""
    try:
        if manifest["apiVersion"].split("/")[0] in CUSTOM_GROUPS:
            validator = custom_resource_validator(manifest["apiVersion"], manifest["kind"])
            validator.validate({key: value for key, value in manifest.items() if key != "metadata"})
        else:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
        return str(error.message)
    return None


@pytest.mark.parametrize("stack", STACKS)
def test_every_field_of_a_stack_of_ours_is_one_that_kubernetes_knows(stack: str) -> None:
    objects = kubernetes_objects(ours(stack))
    assert len(objects) > 15
    assert {name: said for name, manifest in objects.items() if (said := problem(manifest))} == {}


@pytest.mark.parametrize("what", sorted(SAMPLES))
def test_every_field_of_what_a_model_can_ask_for_is_one_that_kubernetes_knows(what: str) -> None:
    cluster = {"storageClasses": ["efs"]}
    sections = {"cluster": cluster, "nodePools": [POOL], "models": [{**MODEL, **SAMPLES[what]}]}
    objects = kubernetes_objects(run_program(sections, secrets={"grafanaPassword": "canary"}))
    assert {name: said for name, manifest in objects.items() if (said := problem(manifest))} == {}


def test_a_misspelt_field_of_a_built_in_kind_and_of_a_custom_resource_is_found() -> None:
    objects = kubernetes_objects(ours("dev"))
    kinds = {manifest["kind"]: manifest for manifest in objects.values()}
    deployment, monitor = copy.deepcopy(kinds["Deployment"]), copy.deepcopy(kinds["PodMonitor"])
    assert problem(deployment) is None
    assert problem(monitor) is None
    deployment["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    monitor["spec"]["podMetricsEndpoints"][0]["intervall"] = "15s"
    assert "readinesProbe" in str(problem(deployment))
    assert "intervall" in str(problem(monitor))
