"""Every manifest against the Kubernetes schemas, unknown fields refused; custom resources against their CRDs.

kubernetes-validate carries the schemas of Kubernetes 1.25 to 1.37. The Kubernetes version of a stack is a setting, so
the oldest and the newest that EKS offers are tried beside our default.
"""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from tests.components.rendered import everything
from tests.reference_data import custom_resource_validator

KUBERNETES = ("1.32", "1.35", "1.36")  # oldest in EKS support, our default, newest
CUSTOM_GROUPS = (
    *("monitoring.coreos.com", "keda.sh", "karpenter.sh", "karpenter.k8s.aws", "serving.kserve.io", "ray.io"),
    "external-secrets.io",
    "kubeai.org",
    "argoproj.io",
    "leaderworkerset.x-k8s.io",
    *("gateway.networking.k8s.io", "gateway.envoyproxy.io", "cert-manager.io", "inference.networking.k8s.io"),
)


# Of controllers that the user has: their definitions are not among our reference data (docs/limits.md).
UNCHECKED = ("traefik.io", "configuration.konghq.com")


def _is_custom(manifest: dict[str, Any]) -> bool:
    return manifest["apiVersion"].split("/")[0] in CUSTOM_GROUPS


def _is_checked(manifest: dict[str, Any]) -> bool:
    return manifest["apiVersion"].split("/")[0] not in UNCHECKED


BUILT_IN = {
    what: manifest for what, manifest in everything().items() if not _is_custom(manifest) and _is_checked(manifest)
}
CUSTOM = {what: manifest for what, manifest in everything().items() if _is_custom(manifest)}


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("what", sorted(BUILT_IN))
def test_a_manifest_is_valid(what: str, version: str) -> None:
    kubernetes_validate.validate(BUILT_IN[what], version, strict=True)


def test_the_validator_refuses_what_it_does_not_know() -> None:
    """Guards the test above: a validator that lets everything through would pass it too."""
    wrong = copy.deepcopy(BUILT_IN["llama/deployment"])
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.34", strict=True)


@pytest.mark.parametrize("what", sorted(CUSTOM))
def test_a_custom_resource_is_valid_against_its_definition(what: str) -> None:
    manifest = CUSTOM[what]
    _validator(manifest).validate({key: manifest[key] for key in manifest if key != "metadata"})


def test_the_definition_refuses_a_field_it_does_not_know() -> None:
    wrong = copy.deepcopy(CUSTOM["llama/pod-monitor"])
    wrong["spec"]["podMetricsEndpoints"][0]["intervall"] = "15s"
    with pytest.raises(jsonschema.ValidationError, match="intervall"):
        _validator(wrong).validate({key: wrong[key] for key in wrong if key != "metadata"})


def _validator(manifest: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return custom_resource_validator(manifest["apiVersion"], manifest["kind"])
