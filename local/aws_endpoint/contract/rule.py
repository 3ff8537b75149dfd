"""A row of the contract: on which operations, under which condition, with which error, and where that is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jmespath

from local.aws_endpoint.contract.account import Account
from local.aws_endpoint.contract.world import AccountWorld, Before

SINCE = "2026-11-27"
"""When the sources were read that name no other day: what a page says before that is not known."""


@dataclass(frozen=True)
class Asked:
    """One call: `operation` as `eks:CreateCluster`, its parameters by botocore's names, and the account it meets."""

    operation: str
    given: Mapping[str, Any]
    world: AccountWorld
    account: Account
    before: Before = field(default_factory=Before)


def is_bottlerocket(asked: Asked) -> bool:
    """Whether the call is about a node group with Bottlerocket's image: one that is made, or one that is there."""
    group = asked.world.node_group(asked.given)
    return str(asked.given.get("amiType") or getattr(group, "ami_type", "")).startswith("BOTTLEROCKET")


Check = Callable[[Asked], Mapping[str, Any] | None]
Effect = Callable[[Asked], None]
Checks = Mapping[str, Check]
Effects = Mapping[str, Effect]
"""By the id of a row of rules.csv."""


@dataclass(frozen=True)
class ContractRule:
    """`code` and `words`: the error, `{names}` filled from what `check` returns; empty for what AWS does by itself.

    `check`: a function, or a JMESPath over the parameters that is true where the call is refused; None where `by`
    says who enforces the row. `effect`: what happens after the call went through.
    `since`: when the source said so; the day of the other rows where nothing else is written.
    """

    id: str
    operations: tuple[str, ...]
    condition: str
    source: str
    since: str = SINCE
    code: str = ""
    words: str = ""
    check: Check | str | None = None
    effect: Effect | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    """Placeholders of `words` -> JMESPath over the parameters, for a `check` that is data."""
    by: str = ""
    """moto: it refuses by itself; the row is there so that a newer moto that forgets it fails a test."""

    @cached_property
    def _expression(self) -> Any:
        assert isinstance(self.check, str)
        return jmespath.compile(self.check)

    def refusal(self, asked: Asked) -> str | None:
        """The error's words where the call breaks the rule."""
        if self.check is None:
            return None
        if not isinstance(self.check, str):
            check = self.check(asked)
            return None if check is None else self.words.format(**check)
        if not self._expression.search(asked.given):
            return None
        return self.words.format(**{name: jmespath.search(path, asked.given) for name, path in self.values.items()})
