"""The JSON Schema of the JSON format; `python -m preview.schema` writes docs/preview.schema.json again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from preview.report_model import REPORT

SCHEMA_FILE = Path("docs/preview.schema.json")


def schema() -> dict[str, Any]:
    """The schema of `Report`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **REPORT.json_schema()}


def main() -> None:
    """Writes the schema."""
    SCHEMA_FILE.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
