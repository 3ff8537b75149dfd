"""Makes components/cluster/dashboards/*.json of tools/dashboard_panels.py, with Grafana's own SDK.

    python tools/dashboards.py

The SDK (grafana-foundation-sdk 0.0.21: dashboard schema 42, Grafana 12) is needed here only. Grafana migrates older
schemas when it loads them, so the charts' Grafana 12 and 13 read these files.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard as DashboardBuilder
from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import DataSourceRef, LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import GridPos, VariableOption, VariableRefresh, VariableSort

sys.path.insert(0, str(Path(__file__).parent))

from dashboard_panels import DASHBOARDS, Dashboard, Panel, Variable

# The sidecar hands classic JSON to Grafana; the SDK would rather make the newer, resource-shaped dashboards.
warnings.filterwarnings("ignore", message="Prefer using dashboardv2")

FOLDER = Path(__file__).parent.parent / "components" / "cluster" / "dashboards"
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="$datasource")
COLUMNS, WIDTH, HEIGHT = 2, 12, 8


def text(dashboard: Dashboard) -> str:
    """The JSON of a dashboard, as committed."""
    builder = (
        DashboardBuilder(dashboard.title)
        .uid(f"vllm-on-eks-{dashboard.uid}")
        .tags(["vllm-on-eks"])
        .refresh("30s")
        .time("now-1h", "now")
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for variable in dashboard.variables:
        builder = builder.with_variable(_variable(variable))
    for index, panel in enumerate(dashboard.panels):
        builder = builder.with_panel(_panel(panel, index))
    encoded: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(builder.build()))
    return json.dumps(encoded, indent=1, ensure_ascii=False) + "\n"


def _variable(variable: Variable) -> QueryVariable:
    made = (
        QueryVariable(variable.name)
        .datasource(PROMETHEUS)
        .query(variable.query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    )
    return made.regex(variable.regex) if variable.regex else made


def _panel(panel: Panel, index: int) -> Timeseries:
    row, column = divmod(index, COLUMNS)
    made = (
        Timeseries()
        .id(index + 1)
        .title(panel.title)
        .description(panel.description)
        .unit(panel.unit)
        .datasource(PROMETHEUS)
        .grid_pos(GridPos(h=HEIGHT, w=WIDTH, x=column * WIDTH, y=row * HEIGHT))
        .fill_opacity(8)
        .legend(
            VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
        )
    )
    made = made.min(panel.bounds[0]).max(panel.bounds[1]) if panel.bounds else made.min(0)
    for query, ref_id in zip(panel.queries, "ABCDEFGH", strict=False):
        made = made.with_target(Dataquery().expr(query.expr).legend_format(query.legend).ref_id(ref_id))
    return made


def main() -> None:
    """Writes every file again and removes those whose dashboard is gone."""
    texts = {f"{dashboard.uid}.json": text(dashboard) for dashboard in DASHBOARDS}
    for path in FOLDER.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, content in texts.items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
