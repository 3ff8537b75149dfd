"""What a killed update was creating is looked for, taken over or forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.interrupted import cannot_be_found, pending_creates, probable_id, settled
from local.platform import Started
from local.ports import USUAL
from local.stack import state_folder
from local.up import why_begin_anew
from tests.local.places import paths_in

SERVICE = {
    "urn": "urn:pulumi:local::p::kubernetes:core/v1:Service::qwen",
    "type": "kubernetes:core/v1:Service",
    "custom": True,
    "inputs": {"metadata": {"name": "qwen", "namespace": "models"}},
}
VPC = {"urn": "urn:pulumi:local::p::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "inputs": {"cidrBlock": "x"}}


def deployment(*pending: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    operations = [{"type": kind, "resource": resource} for kind, resource in pending]
    return {
        "secrets_providers": {"type": "passphrase"},
        "resources": [{"urn": "stack"}],
        "pending_operations": operations,
    }


@pytest.mark.parametrize(
    ("kind", "inputs", "found"),
    [
        ("kubernetes:core/v1:Service", {"metadata": {"name": "a", "namespace": "n"}}, "n/a"),
        ("kubernetes:core/v1:Namespace", {"metadata": {"name": "a"}}, "a"),
        ("kubernetes:core/v1:Service", {"metadata": {}}, None),
        ("kubernetes:helm.sh/v3:Release", {"name": "r", "namespace": "n", "chart": "c"}, "n/r"),
        ("aws:eks/addon:Addon", {"clusterName": "c", "addonName": "vpc-cni"}, "c:vpc-cni"),
        ("aws:iam/role:Role", {}, None),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, None),
    ],
)
def test_an_id_is_told_where_it_follows_from_the_inputs(kind: str, inputs: dict[str, Any], found: str | None) -> None:
    assert probable_id({"type": kind, "inputs": inputs}) == found


def test_what_can_be_found_is_put_where_a_refresh_looks_and_the_rest_is_forgotten() -> None:
    after, to_read = settled(deployment(("creating", SERVICE), ("creating", VPC)))
    assert to_read == [SERVICE["urn"]]
    assert after["pending_operations"] == []
    assert [resource["urn"] for resource in after["resources"]] == ["stack", SERVICE["urn"]]
    assert after["resources"][1]["id"] == "models/qwen"
    assert after["secrets_providers"] == {"type": "passphrase"}


def test_other_pending_operations_are_of_no_interest() -> None:
    assert pending_creates(deployment(("updating", SERVICE), ("deleting", VPC))) == []
    assert pending_creates({}) == []


def test_a_resource_that_is_in_the_state_already_is_not_put_there_twice() -> None:
    state = deployment(("creating", SERVICE))
    state["resources"].append(SERVICE)
    after, to_read = settled(state)
    assert to_read == []
    assert len(after["resources"]) == 2


def test_aws_resources_that_nobody_can_find_are_named() -> None:
    assert cannot_be_found(deployment(("creating", SERVICE), ("creating", VPC))) == ["net"]
    assert cannot_be_found(deployment(("updating", VPC))) == []


@pytest.mark.parametrize(
    ("new", "state", "reason"),
    [
        ((), deployment(), None),
        (("aws",), {"resources": [{"urn": "stack"}]}, None),
        (("engine",), {"resources": [{"urn": "stack"}, SERVICE]}, None),
        (("aws",), {"resources": [{"urn": "stack"}, SERVICE]}, "keeps its state in memory and has ended"),
        ((), deployment(("creating", VPC)), "killed while it made net"),
    ],
)
def test_an_empty_platform_is_begun_with_only_when_the_old_one_cannot_go_on(
    tmp_path: Path, new: tuple[str, ...], state: dict[str, Any], reason: str | None
) -> None:
    paths = paths_in(tmp_path)
    (paths.repo / "Pulumi.yaml").write_text("name: p\n")
    state_folder(paths).mkdir(parents=True)
    (state_folder(paths) / "local.json").write_text(json.dumps({"checkpoint": {"latest": state}}))
    found = why_begin_anew(paths, Started(USUAL, new))
    assert (found is None) if reason is None else (found is not None and reason in found)
