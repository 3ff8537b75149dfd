"""What is told to change: by name where entries have names, with the reasons of replacements, and what they reach."""

from __future__ import annotations

from datetime import date
from typing import Any

from preview.changes import changes, differences
from preview.replacing import table
from tests.conftest import REPO


def resource(type_: str, name: str, inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"urn": f"urn:{type_}::{name}", "type": type_, "name": name, "parent": "", "inputs": inputs, **options}


VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CLUSTER = "aws:eks/cluster:Cluster"
SECRET = "kubernetes:core/v1:Secret"


def test_equal_recordings_have_no_changes() -> None:
    both = [resource(VPC, "vpc", {"cidrBlock": "10.0.0.0/16", "id": "[unknown]", "token": "[secret]"})]
    assert changes(both, both) == []


def test_created_deleted_and_changed_are_told_apart() -> None:
    before = [resource(VPC, "old", {}), resource(VPC, "vpc", {"tags": {"a": "1"}})]
    after = [resource(VPC, "new", {}), resource(VPC, "vpc", {"tags": {"a": "2"}})]
    told = {(change["action"], change["name"]): change for change in changes(before, after)}
    assert set(told) == {("deleted", "old"), ("created", "new"), ("changed", "vpc")}
    assert told["changed", "vpc"]["fields"] == [{"path": "tags.a", "before": "1", "after": "2"}]


def test_entries_with_names_are_compared_by_name_wherever_they_stand() -> None:
    before = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "args": ["--x=1", "--eager"]}
    after = {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}], "args": ["--eager", "--x=2"]}
    assert list(differences(before, after)) == [
        ("args[--x]", "--x=1", "--x=2"),
        ("env[B].value", "2", "3"),
    ]


def test_lists_without_names_are_told_whole() -> None:
    assert list(differences({"cidrs": ["a"]}, {"cidrs": ["a", "b"]})) == [("cidrs", ["a"], ["a", "b"])]


def test_a_change_that_needs_a_new_resource_says_which_field() -> None:
    before = [resource(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"})]
    told = changes(before, [resource(VPC, "vpc", {"cidrBlock": "10.1.0.0/16"})])
    assert told[0]["action"] == "replaced"
    assert told[0]["reasons"] == ["cidrBlock cannot be changed in place"]


def test_a_replacement_reaches_those_that_are_given_its_id_and_no_others() -> None:
    def stack(cidr: str) -> list[dict[str, Any]]:
        vpc = resource(VPC, "vpc", {"cidrBlock": cidr})
        depends = {"propertyDependencies": {"vpcId": [vpc["urn"]]}}
        subnet = resource(SUBNET, "subnet", {"vpcId": "[unknown]"}, **depends)
        group = resource(
            "aws:eks/nodeGroup:NodeGroup",
            "nodes",
            {"subnetIds": "[unknown]", "clusterName": "main"},
            propertyDependencies={"subnetIds": [subnet["urn"]], "clusterName": [vpc["urn"]]},
        )
        tagged = resource("aws:ec2/internetGateway:InternetGateway", "igw", {"vpcId": "[unknown]"}, **depends)
        return [vpc, subnet, group, tagged]

    told = {change["name"]: change for change in changes(stack("10.0.0.0/16"), stack("10.1.0.0/16"))}
    assert told["subnet"]["reasons"] == ["vpcId comes from vpc, which is replaced"]
    assert told["nodes"]["reasons"] == ["subnetIds comes from subnet, which is replaced"]
    assert set(told) == {"vpc", "subnet", "nodes"}


def test_what_lives_in_a_cluster_goes_with_it() -> None:
    def stack(name: str) -> list[dict[str, Any]]:
        cluster = resource("aws:eks/cluster:Cluster", "cluster", {"name": name})
        provider = resource("pulumi:providers:kubernetes", "inside", {"kubeconfig": "[unknown]"})
        return [cluster, provider, resource(DEPLOYMENT, "qwen", {}, provider=provider["urn"])]

    told = {change["name"]: change for change in changes(stack("a"), stack("b"))}
    assert told["qwen"]["reasons"] == ["it lives in cluster, which is replaced"]


def test_ignored_paths_are_no_change() -> None:
    def group(size: int) -> list[dict[str, Any]]:
        options = {"ignoreChanges": ["scalingConfig.desiredSize"]}
        return [resource("aws:eks/nodeGroup:NodeGroup", "n", {"scalingConfig": {"desiredSize": size}}, **options)]

    assert changes(group(1), group(2)) == []


def test_an_alias_finds_the_resource_under_its_old_name() -> None:
    after = resource(VPC, "new", {"tags": {}}, aliases=[f"urn:{VPC}::old"])
    assert changes([resource(VPC, "old", {"tags": {}})], [after]) == []


def test_the_type_of_an_object_decides_what_replaces_it() -> None:
    def told(type_: str, before: dict[str, Any], after: dict[str, Any]) -> str:
        compared = changes([resource(type_, "x", before)], [resource(type_, "x", after)])
        return str(compared[0]["action"])

    template = [{"spec": {"template": {"spec": {"containers": [{"name": "c", "image": tag}]}}}} for tag in "ab"]
    assert told(DEPLOYMENT, *template) == "changed"
    assert told("kubernetes:batch/v1:Job", *template) == "replaced"
    assert told(DEPLOYMENT, {"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}) == "replaced"
    assert told("kubernetes:helm.sh/v3:Release", {"values": {"a": 1}}, {"values": {"a": 2}}) == "changed"
    assert told("aws:eks/nodeGroup:NodeGroup", {"instanceTypes": ["a"]}, {"instanceTypes": ["b"]}) == "replaced"


def test_encryption_of_a_cluster_is_changed_in_place_but_not_taken_away() -> None:
    def told(after: dict[str, Any]) -> dict[str, Any]:
        before = {"encryptionConfig": {"provider": {"keyArn": "a"}, "resources": ["secrets"]}, "version": "1.34"}
        (change,) = changes([resource(CLUSTER, "c", before)], [resource(CLUSTER, "c", {"version": "1.34", **after})])
        return change

    assert told({"encryptionConfig": {"provider": {"keyArn": "b"}, "resources": ["secrets"]}})["action"] == "changed"
    assert told({})["reasons"] == ["encryptionConfig cannot be changed in place"]


def test_a_rotated_secret_is_an_update_because_our_provider_makes_it_one() -> None:
    token, other = ({"type": "Opaque", "stringData": {"token": text}} for text in "ab")
    (change,) = changes([resource(SECRET, "s", token)], [resource(SECRET, "s", other)])
    assert change["action"] == "changed"
    (change,) = changes([resource(SECRET, "s", token)], [resource(SECRET, "s", {**token, "type": "x"})])
    assert change["action"] == "replaced"
    assert "enable_secret_mutable=True" in (REPO / "components" / "aws" / "kubeconfig.py").read_text()


def test_a_changed_config_map_is_an_update_because_our_provider_makes_it_one() -> None:
    """By default the provider makes it again under the same name, which fails while the old one is there."""
    kind = "kubernetes:core/v1:ConfigMap"
    (change,) = changes([resource(kind, "c", {"data": {"k": "a"}})], [resource(kind, "c", {"data": {"k": "b"}})])
    assert change["action"] == "changed"
    assert "enable_config_map_mutable=True" in (REPO / "components" / "aws" / "kubeconfig.py").read_text()


def test_each_row_of_the_table_says_where_and_when_it_was_read_or_that_it_was_not() -> None:
    rows = table()
    assert len(rows) > 30
    for row in rows:
        assert row.properties, row
        assert row.source.startswith(("terraform-provider-aws ", "pulumi-kubernetes ", "measured ", "not verified"))
        assert date.fromisoformat(row.read)
    assert sum(row.source == "not verified" for row in rows) <= 8
