"""What every part of a plan is computed from."""

from __future__ import annotations

from dataclasses import dataclass

from planning.nodes.fit import Daemon, daemons
from planning.serving.stages import is_production
from planning.versions.charts import ChartSources
from settings.stack import StackSettings


@dataclass(frozen=True)
class Request:
    """The settings of a stack and what is known beside them.

    `charts`: where charts come from. `today`: ISO date against which ages of versions are held.
    """

    settings: StackSettings
    stack: str
    charts: ChartSources
    today: str

    @property
    def production(self) -> bool:
        """Whether the stack's name says that it serves users."""
        return is_production(self.stack)

    @property
    def daemons(self) -> tuple[Daemon, ...]:
        """DaemonSets that take their share of every GPU node."""
        return daemons(self.settings.gpu_operator.enabled, self.settings.monitoring.enabled)
