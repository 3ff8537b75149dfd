"""Values of a config.json, whatever its family calls them, and what would be left out in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planning.facts import rows


class UnreadableConfig(ValueError):
    """The config.json lacks something without which memory cannot be computed."""


def text_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What describes the text model: a multimodal config.json has it in a section of its own."""
    return {**config, **(config.get("text_config") or config.get("llm_config") or {})}


def positive(text: Mapping[str, Any], *names: str) -> int:
    """The first positive integer under one of the names; raises UnreadableConfig."""
    for name in names:
        value = text.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    raise UnreadableConfig(f"config.json has no positive integer {' or '.join(names)}")


def alike(text: Mapping[str, Any], *names: str) -> int:
    """The first value under one of the names, one number for all layers or a list of equal ones; 0 where none is."""
    for name in names:
        value = text.get(name)
        if not isinstance(value, list):
            if value:
                return int(value)
            continue
        if len(set(map(str, value))) > 1:
            raise UnreadableConfig(f"config.json gives {name} by layer, with different values, not known here")
        if value and value[0]:
            return int(value[0])
    return 0


def check_known(text: Mapping[str, Any]) -> None:
    """Refuses keys that change memory in a way that is not computed here (planning/facts/config_refused.csv)."""
    family = str(text.get("model_type"))
    for row in rows("config_refused.csv"):
        value = text.get(row["key"])
        if family in row["read_in"].split():
            continue
        if value not in (None, False, 0, "", [], {}) and str(value) != row["harmless"]:
            raise UnreadableConfig(f"config.json gives {row['key']}: {row['why']} are not known here")
