"""Kubernetes quantities as numbers, and the bounds of those in a stack file.

Our own few lines, because the published parsers live in API clients that settings and planning must not import.
Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from settings.findings import WrongValue

_FACTORS = {
    "": Decimal(1),
    "m": Decimal(1) / 1000,
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
}
_GRAMMAR = re.compile(r"(\d+(?:\.\d+)?)(m|k|Ki|M|Mi|G|Gi|T|Ti)?", re.ASCII)


def amount(quantity: str) -> Decimal:
    """The number a quantity stands for (cores or bytes); raises ValueError on anything else."""
    match = _GRAMMAR.fullmatch(quantity)
    if match is None:
        raise WrongValue(f"{quantity!r} is not a Kubernetes quantity", "write for example 500m or 12Gi")
    return Decimal(match[1]) * _FACTORS[match[2] or ""]


def between(least: str, most: str) -> Callable[[str], str]:
    """A validator of quantities from `least` to `most`."""
    low, high = amount(least), amount(most)

    def check(quantity: str) -> str:
        if not low <= amount(quantity) <= high:
            raise WrongValue(f"not between {least} and {most}", "write a quantity between them")
        return quantity

    return check
