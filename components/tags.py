"""Tags of AWS resources."""

from __future__ import annotations

from planning.model import Tags


def named(tags: Tags, name: str) -> Tags:
    """The stack's tags and the `Name` that the AWS console shows."""
    return {**tags, "Name": name}
