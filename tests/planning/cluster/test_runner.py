"""The CodeBuild runner of a stack: planned by its settings, refused where it cannot be."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from planning.model import CodeBuildRunnerPlan
from tests.conftest import REPO
from tests.planning.stacks import errors, planned, refusal, stack

CONNECTION = "arn:aws:codeconnections:us-east-1:210987654321:connection/0123abcd-0123-4567-89ab-0123456789ab"
RUNNER: dict[str, Any] = {"repository": "corp/llm", "connectionArn": CONNECTION}
NETWORK = {"kind": "existing", "vpcId": "vpc-0abc", "privateSubnetIds": ["subnet-0a", "subnet-0b"]}


def ci(**changes: Any) -> dict[str, Any]:
    return {"ci": {"codeBuildRunner": {**RUNNER, **changes}}}


def runner(**changes: Any) -> CodeBuildRunnerPlan:
    runner_plan = planned(**ci(**changes)).account.runner
    assert runner_plan is not None
    return runner_plan


def test_a_stack_has_none_unless_it_says_so() -> None:
    assert planned().account.runner is None
    assert planned(ci={}).account.runner is None


def test_the_project_is_called_after_the_cluster_and_takes_our_workflows() -> None:
    runner_plan = runner()
    assert runner_plan.project == "vllm-on-eks-dev-runner"
    assert runner_plan.repository_url == "https://github.com/corp/llm.git"
    assert runner_plan.compute_type == "BUILD_GENERAL1_MEDIUM"
    assert runner(workflows=["up", "up"]).workflows == ("up",)


def test_the_workflows_that_it_takes_by_default_are_those_that_ask_for_it() -> None:
    asking = []
    for path in sorted((REPO / ".github" / "workflows").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        if "codebuild-" in text:
            asking.append(yaml.safe_load(text)["name"])
    assert sorted(runner().workflows) == sorted(asking)


def test_it_stays_as_long_as_the_longest_job() -> None:
    longest = yaml.safe_load((REPO / ".github/workflows/up.yml").read_text(encoding="utf-8"))["jobs"]["up"]
    assert runner().build_minutes >= longest["timeout-minutes"]


def test_a_connection_of_another_region_and_a_cluster_of_somebody_else_are_refused() -> None:
    told = errors(refusal(**ci(connectionArn=CONNECTION.replace("us-east-1", "eu-west-1"))))
    assert "is a connection of eu-west-1" in told["ci.codeBuildRunner.connectionArn"]
    there = {"cluster": {"kind": "existing", "name": "main"}, "network": NETWORK}
    assert "would open port 443" in errors(refusal(**there, **ci()))["ci.codeBuildRunner"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"repository": "https://github.com/corp/llm"},
        {"repository": "llm"},
        {"connectionArn": "arn:aws:iam::210987654321:role/x"},
        {"workflows": []},
        {"workflows": ["up|.*"]},
        {"compute": "huge"},
        {"token": "x"},
    ],
)
def test_what_cannot_be_is_refused_by_the_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        stack(**ci(**wrong))
