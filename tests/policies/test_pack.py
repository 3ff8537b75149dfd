"""The pack: what the engine hands over, in the rules' words. The engine itself runs it in tests/e2e."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import grpc
import pulumi_policy
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import proxy

from policies import pack
from policies.rules import RULES
from tests.conftest import REPO
from tests.policies.resources import changed, deployment, good_stack, node_group

UNKNOWN_LIST = "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"


def arguments(*resources: Any) -> pulumi_policy.StackValidationArgs:
    """As the SDK's servicer makes them: properties behind a proxy that raises on unknown values."""
    options = pulumi_policy.PolicyResourceOptions(
        False, [], None, [], pulumi_policy.PolicyCustomTimeouts(0, 0, 0), [], None
    )
    made = [
        pulumi_policy.PolicyResource(
            resource.type,
            proxy.unknown_checking_proxy(dict(resource.inputs)),
            resource.urn,
            resource.name,
            options,
            None,
            None,
            [],
            {},
        )
        for resource in resources
    ]
    return pulumi_policy.StackValidationArgs(made)


def run(policy: pulumi_policy.StackValidationPolicy, *resources: Any) -> list[tuple[str, str | None]]:
    run: list[tuple[str, str | None]] = []

    def report(message: str, urn: str | None = None) -> None:
        run.append((message, urn))

    policy.validate(arguments(*resources), report)
    return run


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_STACK", "prod")
    monkeypatch.setattr(pack, "_today", lambda: date(2027, 3, 1))
    monkeypatch.setattr(pack, "CHECKOUT", Path("/nowhere"))
    monkeypatch.setenv("PULUMI_CONFIG", "{}")


def waive(monkeypatch: pytest.MonkeyPatch, rule: str, expires: str) -> None:
    waivers = [{"rule": rule, "reason": "one replica only", "expires": expires}]
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"vllm-on-eks:waivers": json.dumps(waivers)}))


def test_each_rule_is_a_policy_with_its_level_and_none_speaks_of_a_good_stack() -> None:
    for rule in RULES:
        policy = pack.rule_policy(rule)
        assert policy.name == rule.id
        assert (policy.enforcement_level is pulumi_policy.EnforcementLevel.MANDATORY) == (rule.severity == "error")
        assert run(policy, *good_stack()) == []


def test_a_violation_is_reported_on_its_resource() -> None:
    rule = next(rule for rule in RULES if rule.id == "disruption-budget")
    assert run(pack.rule_policy(rule), deployment()) == [
        ("qwen: no PodDisruptionBudget selects its pods", deployment().urn)
    ]


def test_values_that_the_engine_does_not_know_yet_do_not_stop_a_rule() -> None:
    group = node_group()
    group.inputs["subnetIds"] = UNKNOWN_LIST  # type: ignore[index]
    made = pack.resources_of(arguments(group))[0]
    assert made.inputs["subnetIds"] == "[unknown]"
    assert made.inputs["taints"] == group.inputs["taints"]


def test_a_waiver_in_the_stack_file_holds_until_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = next(rule for rule in RULES if rule.id == "disruption-budget")
    waive(monkeypatch, "disruption-budget", "2027-03-01 00:00:00 +0000 UTC")
    assert run(pack.rule_policy(rule), deployment()) == []
    assert run(pack.waivers_policy()) == []
    waive(monkeypatch, "disruption-budget", "2027-02-28")
    assert len(run(pack.rule_policy(rule), deployment())) == 1
    assert "expired on 2027-02-28" in run(pack.waivers_policy())[0][0]


def test_where_the_engine_hands_no_configuration_over_the_stack_file_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "config:\n  vllm-on-eks:waivers: [{rule: disruption-budget, reason: one replica, expires: 2027-03-01}]\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    monkeypatch.setattr(pack, "CHECKOUT", tmp_path)
    rule = next(rule for rule in RULES if rule.id == "disruption-budget")
    assert run(pack.rule_policy(rule), deployment()) == []


class Process:
    """The pack as a language host starts it: a process that says its port and answers the engine's calls."""

    def __init__(self) -> None:
        command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."]
        self._process = subprocess.Popen(command, cwd=REPO / "policies", stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        channel = grpc.insecure_channel(f"127.0.0.1:{int(self._process.stdout.readline())}")
        self.analyzer = analyzer_pb2_grpc.AnalyzerStub(channel)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def test_the_engine_starts_the_pack_and_is_told_what_breaks_a_rule() -> None:
    broken = [changed(deployment(), "spec/template/spec/containers/0/image", "vllm/vllm-openai:latest"), node_group()]
    request = analyzer_pb2.AnalyzeStackRequest()
    with Process() as pack_process:
        info = pack_process.analyzer.GetAnalyzerInfo(Empty())
        for each in broken:
            asked = analyzer_pb2.AnalyzeRequest(type=each.type, name=each.name, urn=each.urn)
            asked.properties.update(dict(each.inputs))
            assert not pack_process.analyzer.Analyze(asked).diagnostics
            # Before the first `up` the engine knows no outputs of what is to stand in a cluster that is not there.
            request.resources.add(type=each.type, name=each.name, urn=each.urn)
        analyze_stack = pack_process.analyzer.AnalyzeStack(request)
    assert {policy.name for policy in info.policies} == {rule.id for rule in RULES} | {"waiver", "inputs"}
    assert {diagnostic.policyName for diagnostic in analyze_stack.diagnostics} == {"image-pinned", "disruption-budget"}
    assert all(diagnostic.enforcementLevel == analyzer_pb2.MANDATORY for diagnostic in analyze_stack.diagnostics)
    assert {diagnostic.urn for diagnostic in analyze_stack.diagnostics} == {deployment().urn}


def test_the_ceiling_comes_from_the_stacks_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.policies.resources import resource

    rule = next(rule for rule in RULES if rule.id == "budget")
    outputs = resource("pulumi:pulumi:Stack", "dev", {"usdPerHour": {"min": 1.0, "max": 10.0}})
    config = {"vllm-on-eks:budget": json.dumps({"usdPerMonth": 7000})}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
    assert run(pack.rule_policy(rule), outputs) == [
        ("$10.00 an hour ($7,300 a month) at most nodes; the budget is $7,000 a month", None)
    ]
    config = {"vllm-on-eks:budget": json.dumps({"usdPerHour": 10, "usdPerMonth": 8000})}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
    assert run(pack.rule_policy(rule), outputs) == []
    monkeypatch.setenv("PULUMI_CONFIG", "{}")
    assert run(pack.rule_policy(rule), outputs) == []
