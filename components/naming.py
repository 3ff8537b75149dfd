"""Logical names made of values whose own names may be long, repeated or hold other characters."""

from __future__ import annotations

import hashlib


def arn_slug(arn: str) -> str:
    """Last part of an ARN and six digits of all of it: `admin-1a2b3c`, short and different per account and path."""
    last = arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return f"{last}-{hashlib.sha256(arn.encode()).hexdigest()[:6]}"
