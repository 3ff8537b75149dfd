"""The report in the format that was asked for."""

from __future__ import annotations

import json

from preview.report_model import Report


def rendered(document: Report, name: str) -> str:
    """The whole report as text of that format."""
    if name == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if name == "markdown":
        from preview.markdown import markdown

        return markdown(document)
    if name == "html":
        from preview.html import html

        return html(document)
    from preview.text import text

    return text(document)
