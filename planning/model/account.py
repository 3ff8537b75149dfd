"""What only the AWS account can tell, and what follows. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.ci import CodeBuildRunnerPlan
from planning.model.findings import Finding


@dataclass(frozen=True)
class ExamplePlan:
    """A value of AWS' or an RFC's examples that stands in a stack file. `account`: the account that it names, if any:
    whoever has that very account means it."""

    finding: Finding
    account: str | None = None


@dataclass(frozen=True)
class AccountPlan:
    """`id`: the account that the stack belongs to; None: any. `examples` are refused as soon as AWS is asked.

    `on_first_up`: what refuses an `up` whose cluster `cluster_name` is not there yet.
    """

    id: str | None = None
    examples: tuple[ExamplePlan, ...] = ()
    on_first_up: tuple[Finding, ...] = ()
    cluster_name: str = ""
    runner: CodeBuildRunnerPlan | None = None
    """Where updates from CI run; None: somewhere that is not the stack's."""
