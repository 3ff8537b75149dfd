"""Where updates from CI run: a CodeBuild project in the stack's network that takes GitHub Actions jobs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from settings.matching import Matching
from settings.names import CodeConnectionArn, GitHubRepository
from settings.types import Section, described

WorkflowName = Annotated[
    str,
    Field(max_length=100),
    Matching(
        r"[A-Za-z0-9][A-Za-z0-9 _-]*",
        "not a workflow's name",
        "write letters, digits, blanks, '_' and '-', as its `name:` says",
    ),
]


class Compute(StrEnum):
    """Size of the machine that a job gets."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class CodeBuildRunnerSettings(Section):
    """A CodeBuild project that starts for each queued job of these workflows; its jobs reach a private endpoint."""

    repository: GitHubRepository = described("owner/name on github.com")
    connection_arn: CodeConnectionArn = described(
        "connection to GitHub that you made and confirmed in the console: no token is stored"
    )
    workflows: tuple[WorkflowName, ...] = described(
        "workflows whose jobs it takes, by their name; others of the repository never reach it",
        default=("up", "preview on the engine"),
        min_length=1,
        max_length=10,
    )
    compute: Compute = described("size of its machine: 2, 4 or 8 vCPUs", default=Compute.MEDIUM)


class Ci(Section):
    """Updates from CI (docs/ci.md)."""

    code_build_runner: CodeBuildRunnerSettings | None = described(
        "a runner in the stack's private subnets", default=None
    )
