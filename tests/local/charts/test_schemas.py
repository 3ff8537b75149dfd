"""The stand-in charts take the values that our components give the real ones: Helm refuses others at `up`."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.components.test_chart_values import CHARTS as OUR_VALUES
from tests.conftest import REPO

CHARTS = REPO / "local" / "charts"


@pytest.mark.parametrize("chart", [path.parent.name for path in sorted(CHARTS.glob("*/values.schema.json"))])
def test_our_values_are_in_the_stand_ins_schema(chart: str) -> None:
    schema: dict[str, Any] = json.loads((CHARTS / chart / "values.schema.json").read_text())
    for values in OUR_VALUES.get(chart, []):  # karpenter-crd is given none
        jsonschema.validate(values, schema)
