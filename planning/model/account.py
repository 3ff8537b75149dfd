"""What only the AWS account can tell, and what follows. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.ci import CodeBuildRunnerPlan
from planning.model.findings import Finding


@dataclass(frozen=True)
class ExamplePlan:
    """A value of AWS' or an RFC's examples that stands in a stack file."""

    finding: Finding
    account: str | None = None
    """The account that it names, if any: a stack in that very account means it."""


@dataclass(frozen=True)
class AccountPlan:
    """What only an account can tell, and what follows for this stack."""

    id: str | None = None
    """The account that the stack belongs to; None: any."""
    examples: tuple[ExamplePlan, ...] = ()
    """Refused as soon as AWS is asked."""
    on_first_up: tuple[Finding, ...] = ()
    """What refuses an `up` whose cluster does not exist yet."""
    cluster_name: str = ""
    """The cluster that `on_first_up` asks for."""
    runner: CodeBuildRunnerPlan | None = None
    """Where updates from CI run; None: somewhere that is not the stack's."""
