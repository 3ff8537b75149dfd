"""What is on the platform under test, by name: what a destroy must bring back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from local.stacks import aws_inventory, inventory
from tests.e2e.conftest import Platform

SETTLE_SECONDS, LEAVE_SECONDS = 60, 60


def kubernetes_objects(platform: Platform) -> set[str]:
    """`Kind namespace/name` of every object of every kind that can be listed."""
    return inventory.kubernetes_objects(platform.paths.kubeconfig)


def aws_objects(platform: Platform, region: str = "us-east-1") -> set[str]:
    """`kind id` of what our program can make in AWS."""
    return set(aws_inventory.aws_objects(f"http://127.0.0.1:{platform.ports['aws']}", region))


@dataclass(frozen=True)
class Inventory:
    """Cluster and account at one moment."""

    kubernetes: frozenset[str]
    aws: frozenset[str]

    @classmethod
    def settled(cls, platform: Platform) -> Inventory:
        """Once the controllers have made what they make at their start."""
        names: set[str] = set()
        deadline = time.monotonic() + SETTLE_SECONDS
        while (now := kubernetes_objects(platform)) != names and time.monotonic() < deadline:
            names = now
            time.sleep(5)
        return cls(frozenset(names), frozenset(aws_objects(platform)))

    def and_now(self, platform: Platform) -> Inventory:
        """With what is there now: things that a test has put beside the stack, and what controllers make for them."""
        now = Inventory.settled(platform)
        return Inventory(self.kubernetes | now.kubernetes, self.aws | now.aws)

    def assert_nothing_more(
        self, platform: Platform, but: frozenset[str] = frozenset(), other: tuple[str, ...] = ()
    ) -> None:
        """Waits for what the cluster removes by itself (nodes, volumes), then compares. `but`: may be left in AWS.

        `other`: beginnings of names of what is replaced when nodes go.
        """
        deadline = time.monotonic() + LEAVE_SECONDS

        def more() -> set[str]:
            return {name for name in kubernetes_objects(platform) - self.kubernetes if not name.startswith(other)}

        while (left := more()) and time.monotonic() < deadline:
            time.sleep(1)
        assert left == set(), sorted(left)
        more_aws = aws_objects(platform) - self.aws - but
        assert more_aws == set(), sorted(more_aws)
