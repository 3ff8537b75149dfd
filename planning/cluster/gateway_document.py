"""`python -m planning.cluster.gateway_document` writes the tables of docs/ingress.md; a test keeps them current."""

from __future__ import annotations

from pathlib import Path

from planning.cluster.gateway_features import FEATURES, KINDS, gateway_features
from planning.cluster.ingress_table import AnnotationRow, annotation_rows, controllers
from planning.facts import rows

DOCUMENT = Path("docs/ingress.md")
WORDS = {"yes": "yes", "no": "**no**", "theirs": "**no**; the project does"}
BEGIN = "<!-- from here to the next mark: made by `make document` -->"
END = "<!-- end of what is made -->"


def document(page: str) -> str:
    """The page with its tables as they have to be."""
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    tables = "\n".join(["", *_features(), "", *_controllers(), "", *_annotations(), ""])
    return f"{before}{BEGIN}{tables}{END}{after}"


def _features() -> list[str]:
    lines = ["## What each kind does", "", f"| | {' | '.join(KINDS.values())} |", f"|---|{'---|' * len(KINDS)}"]
    for feature in FEATURES:
        cells = gateway_features()[feature.name]
        told = [f"{WORDS[cells[kind].does]} ({cells[kind].how})" for kind in KINDS]
        setting = f" (`{feature.setting}`)" if feature.setting else ""
        lines.append(f"| {feature.words}{setting} | {' | '.join(told)} |")
    days = sorted({cell.date for cells in gateway_features().values() for cell in cells.values()})
    return [*lines, "", f"Read on {', '.join(days)}; sources are in the table."]


def _controllers() -> list[str]:
    sources = {row["controller"]: f"{row['source']} ({row['date']})" for row in rows("ingress_controllers.csv")}
    lines = ["## Controllers", "", "| `controller` | project | class | its pods | source |", "|---|---|---|---|---|"]
    for row in controllers().values():
        title = f"{row.title}, retired {row.retired}" if row.retired else row.title
        pods = f"`{row.namespace}`" if row.namespace else "none on the way"
        lines.append(f"| `{row.name}` | {title} | `{row.ingress_class}` | {pods} | {sources[row.name]} |")
    return lines


def _annotations() -> list[str]:
    lines = ["## What is written for each", "", "| `controller` | at | what | for |", "|---|---|---|---|"]
    for name in controllers():
        for at in ("ingress", "service", "object"):
            lines += [
                f"| `{name}` | {at} | `{row.key}: {_value(row)}` | {row.what} |" for row in annotation_rows(name, at)
            ]
    refused = [f"`{row.key}` ({row.value})" for name in controllers() for row in annotation_rows(name, "refused")]
    return [*lines, "", f"Not beside them: {'; '.join(refused)}."]


def _value(row: AnnotationRow) -> str:
    """Braces that stand for themselves are written twice."""
    return row.value.replace("{{", "{").replace("}}", "}") if row.at != "object" else row.value


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
