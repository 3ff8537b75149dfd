"""What is on the platform under test, by name: what a destroy must bring back."""

from __future__ import annotations

from local.stacks import inventory
from tests.e2e.conftest import Platform


def kubernetes_objects(platform: Platform) -> set[str]:
    """`Kind namespace/name` of every object of every kind that can be listed."""
    return inventory.kubernetes_objects(platform.paths.kubeconfig)


def aws_objects(platform: Platform, region: str = "us-east-1") -> set[str]:
    """`kind id` of what our program can make in AWS."""
    return set(inventory.aws_objects(f"http://127.0.0.1:{platform.ports['aws']}", region))
