"""OpenCost: what pods, namespaces and labels cost, by an API and in Prometheus."""

from __future__ import annotations

from settings.types import DnsLabel, Section, described


class OpenCostSettings(Section):
    """OpenCost beside the stack's Prometheus, with the plan's prices."""

    install: bool = described("install it; needs monitoring", default=False)
    namespace: DnsLabel = described("its namespace", default="opencost")
