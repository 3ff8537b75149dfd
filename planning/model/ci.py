"""Where updates from CI run. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodeBuildRunnerPlan:
    """A CodeBuild project that GitHub Actions jobs run in."""

    project: str
    repository_url: str
    connection_arn: str
    workflows: tuple[str, ...]
    """Whose jobs may run in it."""
    compute_type: str
    """CodeBuild's word."""
    log_retention_days: int
    build_minutes: int = 130
    """Longest job."""
    at_once: int = 2
    """Jobs side by side; further ones wait."""
