"""`recover`: export, decide, import, refresh; through the CLI and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.host.errors import PlatformError
from local.recovery.recover import recover, say

PROVIDER = {
    "urn": "urn:pulumi:dev::p::pulumi:providers:aws::aws",
    "type": "pulumi:providers:aws",
    "inputs": {"region": "eu-west-1"},
}
VPC = {
    "urn": "urn:pulumi:dev::p::aws:ec2/vpc:Vpc::net",
    "type": "aws:ec2/vpc:Vpc",
    "inputs": {"tags": {"Name": "net"}},
    "provider": f"{PROVIDER['urn']}::0123",
}


class Cloud:
    """EC2 with so many VPCs of that name; remembers where it was asked."""

    def __init__(self, *ids: str) -> None:
        self.ids, self.regions = ids, []  # type: ignore[var-annotated]

    def __call__(self, service: str, region: str) -> Cloud:
        self.regions.append((service, region))
        return self

    def can_paginate(self, operation: str) -> bool:
        return False

    def describe_vpcs(self) -> dict[str, Any]:
        return {"Vpcs": [{"VpcId": id_, "Tags": [{"Key": "Name", "Value": "net"}]} for id_ in self.ids]}


class Cli:
    """Answers `stack export`, keeps what is imported and what else is run."""

    def __init__(self, *pending: dict[str, Any]) -> None:
        self.deployment = {"resources": [PROVIDER], "pending_operations": list(pending)}
        self.run: list[tuple[str, ...]] = []
        self.imported: dict[str, Any] = {}

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        self.run.append(arguments)
        if arguments[:2] == ("stack", "import"):
            self.imported = json.loads(stdin or "")
        return json.dumps({"version": 3, "deployment": self.deployment})


def test_without_pending_operations_nothing_is_written() -> None:
    cli = Cli()
    assert recover(cli, "dev", Cloud()) == []
    assert cli.run == [("stack", "export", "--stack", "dev")]


def test_what_was_made_is_taken_over_and_looked_at_in_its_providers_region() -> None:
    cli, cloud = Cli({"type": "creating", "resource": VPC}), Cloud("vpc-1")
    assert recover(cli, "dev", cloud) == ["net: taken over as vpc-1, if it is there"]
    assert cloud.regions == [("ec2", "eu-west-1")]
    assert cli.imported["version"] == 3
    assert cli.imported["deployment"]["resources"][1]["id"] == "vpc-1"
    assert cli.run[-1] == ("refresh", "--yes", "--run-program=false", "--stack", "dev", "--target", VPC["urn"])


def test_what_was_not_made_needs_no_refresh() -> None:
    cli = Cli({"type": "creating", "resource": VPC})
    assert recover(cli, "dev", Cloud()) == ["net: was not made yet"]
    assert cli.run[-1][:2] == ("stack", "import")


def test_two_of_one_are_named_and_nothing_is_written() -> None:
    cli = Cli({"type": "creating", "resource": VPC})
    with pytest.raises(PlatformError, match=r"more than one .* net: vpc-1, vpc-2"):
        recover(cli, "dev", Cloud("vpc-1", "vpc-2"))
    assert cli.imported == {}


def test_what_was_done_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    say("dev", [])
    assert "nothing to recover" in capsys.readouterr().out
    say("dev", ["net: was not made yet"])
    assert "  net: was not made yet\n" in capsys.readouterr().out


def test_a_release_that_a_killed_helm_holds_is_freed_before_the_refresh_looks() -> None:
    release = {
        "urn": "urn:pulumi:dev::p::kubernetes:helm.sh/v3:Release::keda",
        "type": "kubernetes:helm.sh/v3:Release",
        "inputs": {"name": "keda", "namespace": "keda"},
    }
    cli = Cli({"type": "creating", "resource": release})
    before: list[int] = []

    def unlock(namespace: str, name: str) -> list[str]:
        before.append(len(cli.run))
        return [f"freed {namespace}/{name}"]

    assert recover(cli, "dev", Cloud(), unlock)[0] == "freed keda/keda"
    assert before == [1]
    assert cli.run[-1][0] == "refresh"
