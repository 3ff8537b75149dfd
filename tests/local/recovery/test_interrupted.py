"""What a killed update was creating is looked for, taken over or forgotten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.commands.platform import Started
from local.commands.up import remember_account, start_or_begin_anew, why_begin_anew
from local.host.errors import ProcessFailed
from local.host.paths import Paths
from local.host.ports import USUAL
from local.recovery.interrupted import cannot_be_found, pending_creates, probable_id, settled
from local.stacks.stack import state_folder
from tests.local.places import paths_in

SERVICE = {
    "urn": "urn:pulumi:local::p::kubernetes:core/v1:Service::qwen",
    "type": "kubernetes:core/v1:Service",
    "custom": True,
    "inputs": {"metadata": {"name": "qwen", "namespace": "models"}},
}
FILES = {
    "urn": "urn:pulumi:local::p::aws:efs/fileSystem:FileSystem::disk",
    "type": "aws:efs/fileSystem:FileSystem",
    "inputs": {},
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
    ("kind", "inputs", "identity"),
    [
        ("kubernetes:core/v1:Service", {"metadata": {"name": "a", "namespace": "n"}}, "n/a"),
        ("kubernetes:core/v1:Namespace", {"metadata": {"name": "a"}}, "a"),
        ("kubernetes:core/v1:Service", {"metadata": {}}, None),
        ("kubernetes:helm.sh/v3:Release", {"name": "r", "namespace": "n", "chart": "c"}, "n/r"),
        ("aws:eks/addon:Addon", {"clusterName": "c", "addonName": "vpc-cni"}, "c:vpc-cni"),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": "r", "policyArn": "arn:p"}, "r/arn:p"),
        ("aws:ec2/route:Route", {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"}, "r-rtb-1-0.0.0.0/0"),
        ("aws:iam/role:Role", {}, None),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, None),
    ],
)
def test_an_id_is_told_where_it_follows_from_the_inputs(
    kind: str, inputs: dict[str, Any], identity: str | None
) -> None:
    assert probable_id({"type": kind, "inputs": inputs}) == identity


def test_a_component_that_was_being_registered_is_not_looked_for() -> None:
    """kill-14 of seed 20261127: the engine writes pending operations for components too."""
    component = {"urn": "urn:pulumi:local::p::vllm-on-eks:index:X::x", "type": "vllm-on-eks:index:X", "custom": False}
    result = settled(deployment(("creating", component)), unknown_type)
    assert (result.lines, result.unknown, result.to_refresh) == ([], [], [])
    assert result.deployment["pending_operations"] == []


def test_a_type_that_cannot_be_looked_for_is_named_and_nothing_is_decided() -> None:
    result = settled(deployment(("creating", FILES)), unknown_type)
    assert result.unknown == ["disk (aws:efs/fileSystem:FileSystem)"]
    assert [resource["urn"] for resource in result.deployment["resources"]] == ["stack"]


def unknown_type(resource: Mapping[str, Any]) -> list[str]:
    raise LookupError(resource["type"])


def nowhere(resource: Mapping[str, Any]) -> list[str]:
    return []


def test_what_can_be_found_is_put_where_a_refresh_looks_and_the_rest_is_forgotten() -> None:
    after = settled(deployment(("creating", SERVICE), ("creating", VPC)), nowhere)
    assert after.to_refresh == [SERVICE["urn"]]
    assert after.deployment["pending_operations"] == []
    assert [resource["urn"] for resource in after.deployment["resources"]] == ["stack", SERVICE["urn"]]
    assert after.deployment["resources"][1]["id"] == "models/qwen"
    assert after.deployment["secrets_providers"] == {"type": "passphrase"}
    assert after.lines == ["qwen: taken over as models/qwen, if it is there", "net: was not made yet"]


def test_what_only_the_provider_knew_is_taken_over_under_the_id_that_was_found() -> None:
    after = settled(deployment(("creating", VPC)), lambda resource: ["vpc-1"])
    assert after.to_refresh == [VPC["urn"]]
    assert after.deployment["resources"][1] == {**VPC, "id": "vpc-1", "outputs": {"cidrBlock": "x"}}


def test_two_of_one_are_for_a_person_to_decide() -> None:
    after = settled(deployment(("creating", VPC)), lambda resource: ["vpc-1", "vpc-2"])
    assert after.ambiguous == ["net: vpc-1, vpc-2"]
    assert after.to_refresh == []


def test_what_was_changed_or_deleted_is_looked_at_again() -> None:
    state = deployment(("updating", SERVICE), ("deleting", VPC))
    state["resources"].append(SERVICE)
    after = settled(state, nowhere)
    assert after.to_refresh == [SERVICE["urn"]]
    assert after.lines == ["qwen: was updating; looking how it is", "net: was deleting; looking how it is"]
    assert after.deployment["resources"] == state["resources"]
    assert pending_creates(state) == []
    assert pending_creates({}) == []


def test_a_resource_that_is_in_the_state_already_is_not_put_there_twice() -> None:
    state = deployment(("creating", SERVICE))
    state["resources"].append(SERVICE)
    after = settled(state, nowhere)
    assert len(after.deployment["resources"]) == 2


def test_aws_resources_that_nobody_can_look_for_are_named() -> None:
    assert cannot_be_found(deployment(("creating", SERVICE), ("creating", VPC), ("creating", FILES))) == ["disk"]
    assert cannot_be_found(deployment(("updating", FILES))) == []


@pytest.mark.parametrize(
    ("aws_is_another", "state", "reason"),
    [
        (False, deployment(), None),
        (True, {"resources": [{"urn": "stack"}]}, None),
        (False, {"resources": [{"urn": "stack"}, SERVICE]}, None),
        (True, {"resources": [{"urn": "stack"}, SERVICE]}, "keeps its state in memory and was started again"),
        (False, deployment(("creating", VPC)), None),
        (False, deployment(("creating", FILES)), "killed while it made disk"),
    ],
)
def test_an_empty_platform_is_begun_with_only_when_the_old_one_cannot_go_on(
    tmp_path: Path, aws_is_another: bool, state: dict[str, Any], reason: str | None
) -> None:
    paths = with_state(tmp_path, state)
    started_aws(paths, 1)
    remember_account(paths)
    if aws_is_another:
        started_aws(paths, 2)
    pending = why_begin_anew(paths, Started(USUAL, ()))
    assert (pending is None) if reason is None else (pending is not None and reason in pending)


def with_state(folder: Path, state: dict[str, Any]) -> Paths:
    """A platform whose one stack has this state."""
    paths = paths_in(folder)
    (paths.repo / "Pulumi.yaml").write_text("name: p\n")
    state_folder(paths).mkdir(parents=True)
    (state_folder(paths) / "local.json").write_text(json.dumps({"checkpoint": {"latest": state}}))
    return paths


def started_aws(paths: Paths, pid: int) -> None:
    """The record that a start of the AWS endpoint leaves."""
    paths.run.mkdir(parents=True, exist_ok=True)
    record = {"name": "aws", "pid": pid, "started_at": float(pid), "digest": "", "order": 1}
    (paths.run / "aws.pid").write_text(json.dumps(record))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("error", [ProcessFailed("kwok", "is gone", Path("log"), ""), KeyboardInterrupt()])
def test_an_account_that_a_start_emptied_and_did_not_finish_is_seen_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool, error: BaseException
) -> None:
    """`aws` is in the first wave: when a later process fails, or Ctrl-C comes, the next start finds it alive."""
    paths = with_state(tmp_path, {"resources": [{"urn": "stack"}, SERVICE]})
    started_aws(paths, 1)
    if known:
        remember_account(paths)

    def fails(*arguments: object) -> Started:
        started_aws(paths, 2)
        raise error

    monkeypatch.setattr("local.commands.up.start", fails)
    with pytest.raises(type(error)):
        start_or_begin_anew(paths, 0, 0)
    emptied: list[bool] = []

    def finds_all_alive(*arguments: object) -> Started:
        emptied.append(not (state_folder(paths) / "local.json").exists())
        return Started(USUAL, ())

    monkeypatch.setattr("local.commands.up.start", finds_all_alive)
    start_or_begin_anew(paths, 0, 0)
    assert emptied == [False, True], "the second time with nothing on it"
