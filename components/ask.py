"""Questions to AWS whose answers the program needs while it runs."""

from __future__ import annotations

from typing import Any

import pulumi


def ask(token: str, args: dict[str, Any], opts: pulumi.InvokeOptions) -> dict[str, Any] | None:
    """The answer of a function of the provider; None where no cloud is asked (preview without credentials)."""
    answer = pulumi.runtime.invoke(token, args, opts=opts).value
    return answer if isinstance(answer, dict) else None
