"""How a build stores its weights, as far as its name says it (planning/facts/quantized_builds.csv)."""

from __future__ import annotations

import re
from functools import cache

from planning.architectures.layout import QuantizationLayout
from planning.facts import rows


def layout_of_name(model_id: str) -> tuple[str, QuantizationLayout] | None:
    """The stored format (planning/memory) and the layout of a build of that name; None: the name does not say."""
    name = model_id.lower()
    for pattern, stored, layout in _builds():
        if pattern.search(name):
            return stored, layout
    return None


@cache
def _builds() -> tuple[tuple[re.Pattern[str], str, QuantizationLayout], ...]:
    return tuple(
        (
            re.compile(row["pattern"]),
            row["stored"],
            QuantizationLayout(
                method=row["method"],
                group=int(row["group"]) if row["group"] else None,
                block=int(row["block"]) if row["block"] else None,
                mlp_width=int(row["mlp"]) if row["mlp"] else None,
                certain=row["certain"] == "yes",
            ),
        )
        for row in rows("quantized_builds.csv")
    )
