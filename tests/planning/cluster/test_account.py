"""Who reaches the API of a first `up`, values of examples, and whose account it is."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from planning.cluster.account import refusals
from planning.model import PlanRefused, Severity
from planning.plan import plan
from settings.stack import StackSettings
from tests.planning.stacks import REACHED, errors, model, planned, pool, refusal, rules

PRIVATE = {"endpointAccess": "private"}
INSIDE = {**PRIVATE, "privateAccessCidrs": ["10.9.0.0/16"]}
EXISTING = {"kind": "existing", "vpcId": "vpc-0123", "privateSubnetIds": ["subnet-0aaa", "subnet-0bbb"]}
OWN = "210987654329"


@pytest.mark.parametrize("cluster", [PRIVATE, {**PRIVATE, "version": "1.34"}])
def test_a_private_api_in_a_vpc_of_the_same_stack_is_refused_with_the_two_ways_that_work(
    cluster: dict[str, Any],
) -> None:
    message = errors(refusal(cluster=cluster))["cluster.endpointAccess"]
    assert "publicAndPrivate with publicAccessCidrs" in message
    assert "network: {kind: existing" in message


@pytest.mark.parametrize("cluster", [None, {}, {"version": "1.35"}])
def test_a_file_that_says_nothing_gets_a_command_that_can_be_run_as_it_stands(cluster: dict[str, Any] | None) -> None:
    sections: dict[str, Any] = {"nodePools": [pool()], "models": [model()]}
    sections |= {} if cluster is None else {"cluster": cluster}
    with pytest.raises(PlanRefused) as refused:
        plan(StackSettings.model_validate(sections), "trial")
    told = errors(refused.value.findings)
    assert list(told) == ["cluster.endpointAccess"]
    command = told["cluster.endpointAccess"].partition("or run: ")[2]
    words = shlex.split(command)
    assert words[:5] == ["pulumi", "config", "set", "--path", "vllm-on-eks:cluster.publicAccessCidrs[0]"]
    assert words[5:] == ["$(curl -s https://checkip.amazonaws.com)/32", "--stack", "trial"]
    # What the command writes is what brings the stack up.
    fixed = StackSettings.model_validate(
        {**sections, "cluster": {**(cluster or {}), "publicAccessCidrs": ["54.1.2.3/32"]}}
    )
    assert plan(fixed, "trial").cluster.public_access_cidrs == ("54.1.2.3/32",)  # type: ignore[union-attr]


def test_a_private_api_in_an_existing_network_needs_a_door() -> None:
    assert "privateAccessCidrs" in errors(refusal(cluster=PRIVATE, network=EXISTING))["cluster.endpointAccess"]
    for door in ({"privateAccessCidrs": ["10.9.0.0/16"]}, {"privateAccessSecurityGroupIds": ["sg-0abc"]}):
        plan = planned(cluster={**PRIVATE, **door}, network=EXISTING)
        assert plan.account.on_first_up == ()
        assert "private-endpoint" not in rules(plan.findings, Severity.WARNING)


def test_a_private_api_later_is_for_a_cluster_that_is_there() -> None:
    account = planned(cluster=INSIDE).account
    assert "private-endpoint" in rules(planned(cluster=INSIDE).findings, Severity.WARNING)
    assert refusals(account, OWN, ("vllm-on-eks-dev",)) == ()
    (first,) = refusals(account, OWN, ("another",))
    assert (first.path, first.severity) == ("cluster.endpointAccess", Severity.ERROR)


def test_an_existing_cluster_is_reached_as_its_owner_does() -> None:
    assert planned(cluster={"kind": "existing", "name": "main"}, network=EXISTING).account.on_first_up == ()


@pytest.mark.parametrize("number", ["123456789012", "111122223333", "444455556666", "000000000000", "012345678901"])
def test_an_example_account_is_found_wherever_it_stands(number: str) -> None:
    role = f"arn:aws:iam::{number}:role/ops"
    stack: dict[str, Any] = {
        "account": number,
        "cluster": {**REACHED, "accessEntries": [{"principalArn": role}]},
        "registry": {"mirror": f"{number}.dkr.ecr.us-east-1.amazonaws.com/mirror"},
    }
    plan = planned(**stack)
    paths = ["account", "cluster.accessEntries[0].principalArn", "registry.mirror"]
    assert [finding.path for finding in plan.findings if finding.rule == "example-account"] == paths
    assert [refusal.path for refusal in refusals(plan.account, OWN, ())] == paths
    assert refusals(plan.account, number, ()) == (), "who has that account means it"


@pytest.mark.parametrize("number", ["210987654329", "123456789013", "111122223334", "100000000000"])
def test_an_account_of_ones_own_is_none(number: str) -> None:
    entry = {"principalArn": f"arn:aws:iam::{number}:role/ops"}
    plan = planned(account=number, cluster={**REACHED, "accessEntries": [entry]})
    assert plan.account.examples == ()
    assert refusals(plan.account, number, ()) == ()


@pytest.mark.parametrize("address", ["192.0.2.0/24", "198.51.100.7/32", "203.0.113.128/25"])
def test_an_address_of_documentation_is_found(address: str) -> None:
    plan = planned(
        cluster={**REACHED, "publicAccessCidrs": ["54.1.2.3/32", address]},
        downloads={"endpoint": f"https://{address.partition('/')[0]}:8443/hub"},
    )
    (network, endpoint) = [finding for finding in plan.findings if finding.rule == "example-address"]
    assert network.path == "cluster.publicAccessCidrs[1]"
    assert address in network.text
    assert endpoint.path == "downloads.endpoint"
    assert {refusal.severity for refusal in refusals(plan.account, OWN, ())} == {Severity.ERROR}


@pytest.mark.parametrize("address", ["192.0.3.0/24", "203.0.112.0/24", "54.203.0.113/32"])
def test_a_neighbour_of_documentation_is_none(address: str) -> None:
    assert planned(cluster={**REACHED, "publicAccessCidrs": [address]}).account.examples == ()


@pytest.mark.parametrize("mail", ["ops@example.com", "ops@mail.example.org", "a.b@team.example", "X@EXAMPLE.NET"])
def test_a_mail_address_of_documentation_is_found(mail: str) -> None:
    plan = planned(budget={"notify": {"emails": ["ours@team.invalid", mail]}})
    (example,) = plan.account.examples
    assert (example.finding.path, example.finding.rule) == ("budget.notify.emails[1]", "example-mail")


@pytest.mark.parametrize("mail", ["ops@myexample.com", "ops@example.com.team.io", "example.com@team.io"])
def test_a_neighbour_of_such_a_mail_address_is_none(mail: str) -> None:
    assert planned(budget={"notify": {"emails": [mail]}}).account.examples == ()


def test_another_account_than_the_stacks_is_refused_with_both_numbers() -> None:
    (wrong,) = refusals(planned(account=OWN).account, "300000000001", ())
    assert wrong.path == "account"
    assert OWN in wrong.text
    assert '"300000000001"' in wrong.text


def test_a_pinned_example_is_told_once() -> None:
    findings = refusals(planned(account="123456789012").account, OWN, ())
    assert [finding.rule for finding in findings] == ["example-account"]
