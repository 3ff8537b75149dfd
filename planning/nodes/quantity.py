"""Kubernetes quantities: text in manifests, whole numbers in the plan.

Our own few lines, because the published parsers live in API clients that planning must not import.
Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

GIB = 2**30
MIB = 2**20

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
_GRAMMAR = re.compile(r"(\d+(?:\.\d+)?)(m|k|Ki|M|Mi|G|Gi|T|Ti)?")


def amount(quantity: str) -> Decimal:
    """The number a quantity stands for (cores or bytes); raises ValueError on anything else."""
    match = _GRAMMAR.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is not a Kubernetes quantity; write for example 500m or 12Gi")
    return Decimal(match[1]) * _FACTORS[match[2] or ""]


def millicores(quantity: str) -> int:
    """CPU in thousandths of a core, rounded up as the API server does."""
    return math.ceil(amount(quantity) * 1000)


def mib(quantity: str) -> int:
    """Memory or storage in MiB, rounded up."""
    return math.ceil(amount(quantity) / MIB)


def as_cpu(value_millicores: int) -> str:
    """Millicores as a quantity: 4000 -> 4, 3500 -> 3500m."""
    return f"{value_millicores // 1000}" if value_millicores % 1000 == 0 else f"{value_millicores}m"


def as_mib(value_mib: int) -> str:
    """MiB as a quantity: 12288 -> 12Gi, 12289 -> 12289Mi."""
    return f"{value_mib // 1024}Gi" if value_mib % 1024 == 0 else f"{value_mib}Mi"
