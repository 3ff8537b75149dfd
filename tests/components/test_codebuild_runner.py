"""The CodeBuild runner: what it may, what it takes, and how it reaches the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.aws.iam import codebuild_runner_policy, codebuild_trust
from tests.components.samples import GOLDENS
from tests.engine import Engine
from tests.golden import assert_matches
from tests.planning.cluster.test_runner import CONNECTION, RUNNER
from tests.program import run_program, sections_of

LOGS = "arn:aws:logs:us-east-1:210987654321:log-group:/aws/codebuild/x"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


@pytest.fixture(scope="module")
def engine() -> Engine:
    sections = {**sections_of("dev"), "ci": {"codeBuildRunner": RUNNER}}
    return run_program(sections, "dev", secrets={"grafanaPassword": "canary"})


def statements() -> list[dict[str, Any]]:
    text = codebuild_runner_policy(LOGS, ["subnet-0a", "subnet-0b"], CONNECTION)
    statements: list[dict[str, Any]] = json.loads(text)["Statement"]
    return statements


def test_what_its_role_may_is_as_its_goldens() -> None:
    documents = {
        "codebuild_trust": codebuild_trust(),
        "codebuild_runner_policy": codebuild_runner_policy(LOGS, ["subnet-0a", "subnet-0b"], CONNECTION),
    }
    for name, text in documents.items():
        assert_matches(GOLDENS / "iam" / f"{name}.json", json.dumps(json.loads(text), indent=2) + "\n")


def test_its_role_may_nothing_but_run() -> None:
    services = {action.partition(":")[0] for statement in statements() for action in statement["Action"]}
    assert services == {"logs", "codeconnections", "ec2"}
    changing = [
        (action, statement)
        for statement in statements()
        for action in statement["Action"]
        if not action.partition(":")[2].startswith(("Describe", "Get"))
    ]
    everywhere = {action for action, each in changing if each["Resource"] == ["*"]}
    assert everywhere == {"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"}
    (lending,) = [each for action, each in changing if action == "ec2:CreateNetworkInterfacePermission"]
    assert lending["Condition"]["StringEquals"] == {"ec2:AuthorizedService": "codebuild.amazonaws.com"}
    assert lending["Condition"]["ArnEquals"]["ec2:Subnet"] == [
        f"arn:aws:ec2:us-east-1:210987654321:subnet/{each}" for each in ("subnet-0a", "subnet-0b")
    ]


def test_it_stands_in_the_private_subnets_without_privileges(engine: Engine) -> None:
    project = engine.named("runner-project").inputs
    assert len(project["vpcConfig"]["subnets"]) == 2
    assert project["environment"]["privilegedMode"] is False
    assert project["source"]["auth"] == {"type": "CODECONNECTIONS", "resource": CONNECTION}
    assert project["concurrentBuildLimit"] == 2


def test_queued_jobs_of_the_named_workflows_start_it_and_nothing_else(engine: Engine) -> None:
    (group,) = engine.named("runner-webhook").inputs["filterGroups"]
    assert group["filters"] == [
        {"type": "EVENT", "pattern": "WORKFLOW_JOB_QUEUED"},
        {"type": "WORKFLOW_NAME", "pattern": "^(up|preview on the engine)$"},
    ]


def test_the_api_lets_its_group_in_and_nobody_comes_in_to_it(engine: Engine) -> None:
    rules = [each for each in engine.all(INGRESS) if each.name.startswith("runner")]
    (door,) = rules
    assert (door.inputs["fromPort"], door.inputs["toPort"]) == (443, 443)
    assert "runner-group" in door.dependency_names
    assert "cluster-cluster" in door.dependency_names
    assert not engine.named("runner-group").inputs.get("ingress")


def test_it_is_made_once_its_role_may_what_codebuild_tries(engine: Engine) -> None:
    assert "runner-policy" in engine.named("runner-project").dependency_names


def test_without_the_setting_there_is_none() -> None:
    engine = run_program(sections_of("dev"), "dev", secrets={"grafanaPassword": "canary"})
    assert not [registration for registration in engine.registrations if "codebuild" in registration.type]
