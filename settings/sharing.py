"""How one GPU is divided among pods, if it is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.names import MigProfile
from settings.types import Section, described, kind_defaults_to


class WholeGpu(Section):
    """A pod has whole GPUs."""

    kind: Literal["none"] = "none"


class Mig(Section):
    """Every GPU cut by hardware into instances of one profile: memory and compute of their own."""

    kind: Literal["mig"]
    profile: MigProfile = described("MIG profile, e.g. 1g.10gb")


class Mps(Section):
    """Pods run on a GPU at once; each may use an equal part of its memory."""

    kind: Literal["mps"]
    replicas: int = described("parts of each GPU", ge=2, le=48)


class TimeSlicing(Section):
    """Pods take turns on a GPU; nothing keeps one from taking another's memory but its own settings."""

    kind: Literal["timeSlicing"]
    replicas: int = described("pods that share each GPU", ge=2, le=48)


GpuSharing = Annotated[WholeGpu | Mig | Mps | TimeSlicing, Field(discriminator="kind"), kind_defaults_to("none")]
