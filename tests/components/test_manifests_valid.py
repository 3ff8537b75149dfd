"""Every manifest against the Kubernetes schemas, unknown fields refused; custom resources against their CRDs.

kubernetes-validate carries the schemas of Kubernetes 1.25 to 1.37. The Kubernetes version of a stack is a setting, so
the oldest and the newest that EKS offers are tried beside our default.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.components.rendered import everything

KUBERNETES = ("1.32", "1.35", "1.36")  # oldest in EKS support, our default, newest
CUSTOM_GROUPS = ("monitoring.coreos.com", "keda.sh")


def _is_custom(manifest: dict[str, Any]) -> bool:
    return manifest["apiVersion"].split("/")[0] in CUSTOM_GROUPS


BUILT_IN = {what: manifest for what, manifest in everything().items() if not _is_custom(manifest)}
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
def test_a_custom_resource_is_valid_against_its_definition(what: str, shared: Path) -> None:
    manifest = CUSTOM[what]
    _validator(shared, manifest).validate({key: manifest[key] for key in manifest if key != "metadata"})


def test_the_definition_refuses_a_field_it_does_not_know(shared: Path) -> None:
    wrong = copy.deepcopy(CUSTOM["llama/pod-monitor"])
    wrong["spec"]["podMetricsEndpoints"][0]["intervall"] = "15s"
    with pytest.raises(jsonschema.ValidationError, match="intervall"):
        _validator(shared, wrong).validate({key: wrong[key] for key in wrong if key != "metadata"})


def _validator(shared: Path, manifest: dict[str, Any]) -> jsonschema.Draft202012Validator:
    index = json.loads((shared / "crds/index.json").read_text(encoding="utf-8"))
    entry = index[f"{manifest['apiVersion']}/{manifest['kind']}"]
    definition = yaml.load((shared / "crds" / entry["file"]).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    version = manifest["apiVersion"].split("/")[1]
    (found,) = [each for each in definition["spec"]["versions"] if each["name"] == version]
    schema = _closed(found["schema"]["openAPIV3Schema"])
    schema["properties"] |= {"apiVersion": {}, "kind": {}}
    return jsonschema.Draft202012Validator(schema)


def _closed(schema: Any) -> Any:
    """The schema with unknown fields refused, as the API server's strict field validation does."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed
