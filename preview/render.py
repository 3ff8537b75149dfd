"""`python -m preview.render REPORT.json ... --format markdown|html|text`: saved JSON reports in another format.

Several reports make one Markdown comment. Nothing is evaluated, and no SDK is imported.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from preview.document import SCHEMA_VERSION
from preview.formats import rendered
from preview.markdown import comment
from preview.masking import masked
from preview.report_model import REPORT, Report
from settings.command_line import Parser
from settings.last_resort import guarded
from settings.printable import lines


@guarded("python -m preview.render")
def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 2 when a file is no report of ours."""
    parser = Parser("python -m preview.render", description=__doc__)
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT.json")
    parser.add_argument("--format", choices=("markdown", "html", "text"), default="markdown")
    parser.add_argument("--out", type=Path, metavar="FILE")
    asked = parser.parse_args(argv)
    try:
        documents = [_read(path) for path in asked.reports]
    except (OSError, ValueError) as error:
        print(f"error: {lines(str(error))}", file=sys.stderr)
        return 2
    if len(documents) > 1 and asked.format != "markdown":
        print(f"error: {asked.format} shows one report at a time", file=sys.stderr)
        return 2
    text = comment(documents) if asked.format == "markdown" else rendered(documents[0], asked.format)
    if asked.out is None:
        sys.stdout.write(text)
    else:
        asked.out.write_text(text, encoding="utf-8")
    return 0


def _read(path: Path) -> Report:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: no JSON ({error})") from None
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"{path}: no preview report of version {SCHEMA_VERSION}")
    try:
        return REPORT.validate_python(masked(document))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path}: no preview report: {where}: {first['msg']}") from None


if __name__ == "__main__":
    sys.exit(main())
