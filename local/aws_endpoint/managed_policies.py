"""AWS's managed IAM policies, parsed once per process: moto parses all of them for each partition at each reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.iam.models import IAMBackend


def install(backend: type[IAMBackend]) -> None:
    """Keeps the parsed policies of the `aws` partition; each backend gets copies with its partition's ARNs."""
    original: Callable[[Any], list[Any]] = backend._init_aws_policies

    cache: dict[str, list[Any]] = {}

    def init_aws_policies(self: Any) -> list[Any]:
        if self.account_id not in cache:
            cache[self.account_id] = original(self)
        return [_fresh(policy, self.region_name) for policy in cache[self.account_id]]

    backend._init_aws_policies = init_aws_policies


def _fresh(policy: Any, partition: str) -> Any:
    """A copy that counts its own attachments and has its own tags; documents and versions never change.

    Not `copy.copy`: moto's models keep every instance in a list of their class for good, 1,582 of them at each reset.
    """
    made = object.__new__(type(policy))
    made.__dict__ |= policy.__dict__ | {"tags": dict(policy.tags), "partition": partition}
    return made
