"""The operators that the backends of a stack's models need."""

from __future__ import annotations

from planning.backends.table import OperatorRow, backends, operators
from settings.backends import CertManager, Kserve
from settings.stack import StackSettings


def asked_operators(settings: StackSettings) -> tuple[OperatorRow, ...]:
    """Each once, in the order of their installation."""
    used = {name for model in settings.models for name in backends()[settings.backend_of(model)].operators}
    return tuple(row for name, row in operators().items() if name in used)


def operator_section(settings: StackSettings, name: str) -> CertManager | Kserve:
    """The section of the stack file that speaks of an operator."""
    sections: dict[str, CertManager | Kserve] = {"cert-manager": settings.cert_manager, "kserve": settings.kserve}
    return sections[name]
