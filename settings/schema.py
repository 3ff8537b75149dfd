"""The JSON Schema of the sections of a stack file: made from the settings, or read as it was committed."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from settings.stack import StackSettings

SCHEMA_FILE = Path("docs/stack.schema.json")


@lru_cache(maxsize=1)
def json_schema() -> dict[str, Any]:
    """As editors read it."""
    return StackSettings.model_json_schema(by_alias=True)


@lru_cache(maxsize=1)
def known_schema() -> dict[str, Any]:
    """The same as it is committed for whole stack files, which a test holds; made where that file is not there.

    Making it takes as long as everything else until a mistake is told.
    """
    try:
        committed = json.loads((Path(__file__).resolve().parent.parent / SCHEMA_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return json_schema()
    sections = committed["properties"]["config"]["properties"]
    own = {key.partition(":")[2]: section for key, section in sections.items()}
    return {"type": "object", "properties": own, "$defs": committed["$defs"]}
