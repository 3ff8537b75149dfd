"""Kubernetes quantities: text in manifests, whole numbers in the plan. Read by `settings.quantity`."""

from __future__ import annotations

import math

from settings.quantity import amount

MIB = 2**20


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
