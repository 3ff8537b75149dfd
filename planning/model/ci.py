"""Where updates from CI run. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodeBuildRunnerPlan:
    """A CodeBuild project that GitHub Actions jobs of `workflows` run in. `compute_type`: CodeBuild's word.

    `build_minutes`: longest job; `at_once`: jobs side by side, the others wait.
    """

    project: str
    repository_url: str
    connection_arn: str
    workflows: tuple[str, ...]
    compute_type: str
    log_retention_days: int
    build_minutes: int = 130
    at_once: int = 2
